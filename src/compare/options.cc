#include "compare/options.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace dockershimd::compare {
namespace {

constexpr const char* kAbout =
    "Runs the same CRI scenarios against two runtimes and reports what is not the same.\n"
    "Left is usually what a node runs now, right what it may run next.";

constexpr const char* kFooter =
    "Exit code: 0 done; 1 the report breaks --fail-on; 2 wrong usage; 3 a runtime cannot be used;\n"
    "130 interrupted. Everything that is made on the runtimes is removed, after an interrupt too.\n"
    "A kubelet that uses an endpoint removes pods that it does not know: stop it first.";

void AddWhere(CLI::App& app, Options* options) {
  app.add_option("--left", options->left, "CRI endpoint, unix:///...");
  app.add_option("--right", options->right, "CRI endpoint, unix:///...");
  app.add_option("--image", options->image,
                 "image with a shell and busybox's programs; pulled, and removed again, where it "
                 "is not there");
  app.add_option("--pull-image", options->pull_image,
                 "an image that may be pulled and removed; without it that is not tried");
  app.add_option("--runtime-handler", options->runtime_handler, "runtime handler of every pod");
  app.add_option("--cgroup-parent", options->cgroup_parent, "parent cgroup of every pod");
  app.add_option("--folder", options->folder,
                 "folder for logs and mounts, which both runtimes must see")
      ->default_val(std::filesystem::temp_directory_path().string())
      ->check(CLI::ExistingDirectory);
}

void AddWhat(CLI::App& app, Options* options) {
  app.add_option("--only", options->only,
                 "scenarios to run, by name or pattern such as 'logs/*'; repeatable");
  app.add_option("--rounds", options->rounds, "rounds of latency measurement, 0 for none")
      ->capture_default_str()
      ->check(CLI::Range(0, 100000));
  app.add_option("--left-pid", options->left_pids,
                 "process whose CPU and memory count for the left side, by its id or the path of "
                 "its pid file; "
                 "repeatable");
  app.add_option("--right-pid", options->right_pids, "the same for the right side");
  app.add_option("--restart-left", options->restart_left,
                 "shell command that restarts the left runtime, for the restart scenario");
  app.add_option("--restart-right", options->restart_right, "the same for the right runtime");
}

void AddOutputs(CLI::App& app, Options* options, std::vector<std::string>* fail_on) {
  app.add_option("--expect", options->expect, "TOML file of differences that are known, and why")
      ->check(CLI::ExistingFile);
  app.add_option("--json", options->json, "also write the report as JSON");
  app.add_option("--junit", options->junit, "also write the report for CI, as JUnit's XML");
  app.add_option("--html", options->html, "also write the report as one HTML file");
  app.add_option("--fail-on", *fail_on,
                 "exit with 1 on: difference (an unexplained one), stale (an expectation that "
                 "nothing met), slower:RATIO (an RPC whose p50 is that many times as long on the "
                 "right); repeatable");
}

CommandLine Mistake(const std::string& message) {
  std::cerr << "cri-compare: " << message << "\n";
  return {CommandLine::Action::kExit, 2, {}};
}

}  // namespace

CommandLine ParseCommandLine(int argc, const char* const* argv, std::string_view version) {
  CommandLine command;
  std::vector<std::string> fail_on;
  CLI::App app(kAbout, "cri-compare");
  app.footer(kFooter);
  app.set_version_flag("--version", "cri-compare " + std::string(version));
  AddWhere(app, &command.options);
  AddWhat(app, &command.options);
  AddOutputs(app, &command.options, &fail_on);
  bool list = false;
  bool clean = false;
  app.add_flag("--list", list, "print the scenarios and end");
  app.add_flag("--clean", clean, "remove what killed runs left on both endpoints, and end");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return {CommandLine::Action::kExit, code == 0 ? 0 : 2, {}};
  }
  if (list) {
    command.action = CommandLine::Action::kList;
    return command;
  }
  if (command.options.left.empty() || command.options.right.empty()) {
    return Mistake("--left and --right are needed");
  }
  command.action = CommandLine::Action::kClean;
  if (clean) return command;
  if (command.options.image.empty()) return Mistake("--image is needed");
  auto policy = ParsePolicy(fail_on);
  if (!policy) return Mistake(policy.error().message);
  command.options.policy = *policy;
  command.action = CommandLine::Action::kCompare;
  return command;
}

}  // namespace dockershimd::compare
