#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "compare/policy.h"

namespace dockershimd::compare {

/// What the command line asks for.
struct Options {
  std::string left;
  std::string right;
  std::string image;
  std::string pull_image;
  std::string runtime_handler;
  std::string cgroup_parent;
  std::filesystem::path folder;
  std::vector<std::string> only;
  int rounds = 10;
  std::vector<std::string> left_pids;
  std::vector<std::string> right_pids;
  std::string restart_left;
  std::string restart_right;
  std::filesystem::path expect;
  std::filesystem::path json;
  std::filesystem::path junit;
  std::filesystem::path html;
  Policy policy;
};

struct CommandLine {
  enum class Action : std::uint8_t { kCompare, kList, kClean, kExit };
  Action action = Action::kExit;
  int exit_code = 0;
  Options options;
};

/// Reads the command line. Prints help or what is wrong by itself; then the action is kExit.
[[nodiscard]] CommandLine ParseCommandLine(int argc, const char* const* argv,
                                           std::string_view version);

}  // namespace dockershimd::compare
