#include "shim/network/cni_plugin.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/process.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::size_t kTail = 500;
/// CNI spec, section 5: "try again later".
constexpr int kTryAgain = 11;

std::string Join(const std::vector<std::filesystem::path>& folders, char separator) {
  std::string joined;
  for (const auto& folder : folders) {
    if (!joined.empty()) joined += separator;
    joined += folder.string();
  }
  return joined;
}

std::string Tail(std::string text) {
  while (text.ends_with('\n')) text.pop_back();
  return text.size() > kTail ? "..." + text.substr(text.size() - kTail) : text;
}

base::Error FailureOf(const CniCall& call, const base::CommandOutput& output) {
  const auto where = fmt::format("CNI plugin {} {}", call.plugin, call.command);
  const auto json = nlohmann::json::parse(output.standard_output, nullptr, false);
  if (json.is_object() && json.contains("msg") && json["msg"].is_string()) {
    const int code =
        json.contains("code") && json["code"].is_number_integer() ? json["code"].get<int>() : 0;
    std::string message =
        fmt::format("{}: {} (code {})", where, json["msg"].get<std::string>(), code);
    if (json.contains("details") && json["details"].is_string() &&
        !json["details"].get_ref<const std::string&>().empty()) {
      message += ": " + json["details"].get<std::string>();
    }
    return {code == kTryAgain ? Code::kUnavailable : Code::kInternal, std::move(message), {}};
  }
  return {Code::kInternal,
          fmt::format(
              "{}: ended with code {}: {}", where, output.exit_code,
              Tail(output.standard_error.empty() ? output.standard_output : output.standard_error)),
          {}};
}

}  // namespace

Result<std::filesystem::path> FindCniPlugin(const std::vector<std::filesystem::path>& bin_dirs,
                                            const std::string& type) {
  for (const auto& folder : bin_dirs) {
    const auto program = folder / type;
    if (::access(program.c_str(), X_OK) == 0) return program;
  }
  return Fail(Code::kFailedPrecondition,
              "CNI plugin '{}' is not in {}; install it or set --cni-bin-dir", type,
              Join(bin_dirs, ','));
}

Result<std::string> RunCniPlugin(const base::CallContext& context,
                                 const std::vector<std::filesystem::path>& bin_dirs,
                                 const CniCall& call) {
  const auto program = FindCniPlugin(bin_dirs, call.plugin);
  if (!program) return Fail(program.error());
  const base::Command command{
      .argv = {program->string()},
      .environment = {"CNI_COMMAND=" + call.command, "CNI_CONTAINERID=" + call.container_id,
                      "CNI_NETNS=" + call.netns, "CNI_IFNAME=" + call.interface,
                      "CNI_ARGS=" + call.args, "CNI_PATH=" + Join(bin_dirs, ':'),
                      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      .standard_input = call.config};
  const auto output = base::Run(context, command);
  if (!output) {
    return Fail(output.error(), fmt::format("CNI plugin {} {}", call.plugin, call.command));
  }
  if (output->exit_code != 0) return Fail(FailureOf(call, *output));
  return output->standard_output;
}

}  // namespace dockershimd::shim::network
