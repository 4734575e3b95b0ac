#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/call_context.h"
#include "base/result.h"

namespace dockershimd::shim::network {

/// One call of one CNI plugin (CNI spec section 2 and 4).
struct CniCall {
  std::string command;  ///< ADD, DEL, CHECK, STATUS, GC
  std::string plugin;   ///< its type
  std::string container_id;
  std::string netns;
  std::string interface;
  std::string args;    ///< CNI_ARGS
  std::string config;  ///< standard input
};

/// The plugin's program in the first folder that has it. kFailedPrecondition names it and the
/// folders.
[[nodiscard]] base::Result<std::filesystem::path> FindCniPlugin(
    const std::vector<std::filesystem::path>& bin_dirs, const std::string& type);

/// Runs it; returns what it printed. A failure names plugin and command and carries the plugin's
/// own code, message and details, or the end of its standard error where it said nothing that can
/// be read.
[[nodiscard]] base::Result<std::string> RunCniPlugin(
    const base::CallContext& context, const std::vector<std::filesystem::path>& bin_dirs,
    const CniCall& call);

}  // namespace dockershimd::shim::network
