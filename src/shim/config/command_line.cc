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
  return {CommandLine::Action::kExit, 2, {}};
}

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
  const auto* check =
      app.add_subcommand("check", "look at this node and say what to fix")->fallthrough();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return {CommandLine::Action::kExit, code == 0 ? 0 : 2, {}};
  }

  auto config = FromFile(file);
  if (!config) return Mistake(config.error().message);
  for (const auto& [field, option] : options) {
    if (option->count() == 0) continue;
    std::visit([&](auto member) { (*config).*member = flags.*member; }, field.value);
  }
  if (auto valid = Validate(*config); !valid) return Mistake(valid.error().message);
  return {check->parsed() ? CommandLine::Action::kCheck : CommandLine::Action::kRun, 0, *config};
}

}  // namespace dockershimd::shim::config
