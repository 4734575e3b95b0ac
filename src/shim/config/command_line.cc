#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>

#include "shim/config/config.h"
#include "shim/config/fields.h"

namespace dockershimd::shim::config {
namespace {

std::string FlagName(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

/// The file where there is one; without --config the default file may be missing.
base::Result<Config> FromFile(const std::string& chosen) {
  if (!chosen.empty()) return LoadFile(chosen);
  std::error_code ignored;
  if (!std::filesystem::exists(kDefaultFile, ignored)) return Config();
  return LoadFile(kDefaultFile);
}

CommandLine Mistake(const std::string& message) {
  std::cerr << "dockershimd: " << message << "\n";
  return {.action = CommandLine::Action::kExit, .exit_code = 2};
}

/// What can be done besides serving.
class Subcommands {
 public:
  Subcommands(CLI::App& app, CommandLine* command) : command_(command) {
    auto* check = Add(app, Action::kCheck, "check", "look at this node and say what to fix");
    auto* status = Add(app, Action::kStatus, "status",
                       "ask the CRI runtime at --endpoint how it is and which pods it has");
    auto* remove = Add(app, Action::kRemovePods, "remove-pods",
                       "stop and remove all pods of the CRI runtime at --endpoint");
    auto* hand_back = Add(app, Action::kHandBack, "hand-back",
                          "prepare the pods for cri-dockerd, while dockershimd is stopped");
    for (auto* with_json : {check, status}) {
      with_json->add_flag("--json", command->json, "write one JSON object");
    }
    for (auto* with_endpoint : {status, remove}) {
      with_endpoint->add_option("--endpoint", command->endpoint,
                                "CRI endpoint (default: that of --listen)");
    }
    hand_back->add_option("--root-dir", command->root_dir, "cri-dockerd's own folder")
        ->capture_default_str();
  }

  void Apply() {
    for (const auto& [subcommand, action] : actions_) {
      if (subcommand->parsed()) command_->action = action;
    }
    if (command_->endpoint.empty()) command_->endpoint = command_->config.listen;
    if (command_->endpoint.starts_with('/')) command_->endpoint.insert(0, "unix://");
  }

 private:
  using Action = CommandLine::Action;

  CLI::App* Add(CLI::App& app, Action action, const char* name, const char* help) {
    auto* subcommand = app.add_subcommand(name, help)->fallthrough();
    actions_.emplace_back(subcommand, action);
    return subcommand;
  }

  CommandLine* command_;
  std::vector<std::pair<CLI::App*, Action>> actions_;
};

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv, std::string_view version) {
  CLI::App app("Serves the Kubernetes Container Runtime Interface from a Docker Engine.",
               "dockershimd");
  app.set_version_flag("--version", "dockershimd " + std::string(version));
  std::string file;
  app.add_option("--config", file, std::string("configuration file (default ") + kDefaultFile + ")")
      ->check(CLI::ExistingFile);
  // Flags are read into a copy of their own: only those that were given override the file.
  Config flags;
  std::vector<std::pair<Field, CLI::Option*>> options;
  for (const auto& field : Fields()) {
    auto* option = std::visit(
        [&](auto member) {
          return app.add_option(FlagName(field.name), flags.*member, field.help);
        },
        field.value);
    option->capture_default_str();
    options.emplace_back(field, option);
  }
  app.require_subcommand(0, 1);
  CommandLine command;
  Subcommands subcommands(app, &command);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return {.action = CommandLine::Action::kExit, .exit_code = code == 0 ? 0 : 2};
  }

  auto config = FromFile(file);
  if (!config) return Mistake(config.error().message);
  for (const auto& [field, option] : options) {
    if (option->count() == 0) continue;
    std::visit([&](auto member) { (*config).*member = flags.*member; }, field.value);
  }
  if (auto valid = Validate(*config); !valid) return Mistake(valid.error().message);
  command.config = std::move(*config);
  subcommands.Apply();
  return command;
}

}  // namespace dockershimd::shim::config
