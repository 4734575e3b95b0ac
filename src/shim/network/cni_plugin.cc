#include "shim/network/cni_plugin.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/process.h"
#include "shim/network/json_read.h"

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

/// Without a word of the plugin's own that can be read.
base::Error SilentFailure(const base::CommandOutput& output) {
  const auto said =
      Tail(output.standard_error.empty() ? output.standard_output : output.standard_error);
  return {Code::kInternal,
          fmt::format("ended with code {}: {}", output.exit_code,
                      said.empty() ? "it printed nothing" : said),
          {}};
}

base::Error FailureOf(const base::CommandOutput& output) {
  const auto json = ReadJson(output.standard_output);
  std::string message = TextMember(json, "msg");
  if (message.empty()) return SilentFailure(output);
  const auto found = json.find("code");
  const bool has_code = found != json.end() && found->is_number_integer();
  const auto code = has_code ? found->get<std::int64_t>() : 0;
  message += fmt::format(" (code {})", code);
  if (const auto details = TextMember(json, "details"); !details.empty()) {
    message += ": " + details;
  }
  return {code == kTryAgain ? Code::kUnavailable : Code::kInternal, std::move(message), {}};
}

base::Command CommandOf(const std::filesystem::path& program,
                        const std::vector<std::filesystem::path>& bin_dirs, const CniCall& call) {
  return {.argv = {program.string()},
          .environment = {"CNI_COMMAND=" + call.command, "CNI_CONTAINERID=" + call.container_id,
                          "CNI_NETNS=" + call.netns, "CNI_IFNAME=" + call.interface,
                          "CNI_ARGS=" + call.args, "CNI_PATH=" + Join(bin_dirs, ':'),
                          "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
          .standard_input = call.config};
}

}  // namespace

Result<std::filesystem::path> FindCniPlugin(const std::vector<std::filesystem::path>& bin_dirs,
                                            const std::string& type) {
  for (const auto& folder : bin_dirs) {
    const auto program = folder / type;
    std::error_code ignored;
    const bool is_file = std::filesystem::is_regular_file(program, ignored);
    if (is_file && ::access(program.c_str(), X_OK) == 0) return program;
  }
  return Fail(Code::kFailedPrecondition,
              "CNI plugin '{}' is not in {}: install it or set --cni-bin-dir", type,
              Join(bin_dirs, ','));
}

Result<std::string> RunCniPlugin(const base::CallContext& context,
                                 const std::vector<std::filesystem::path>& bin_dirs,
                                 const CniCall& call) {
  const auto program = FindCniPlugin(bin_dirs, call.plugin);
  if (!program) return Fail(program.error());
  const auto output = base::Run(context, CommandOf(*program, bin_dirs, call));
  const auto where = fmt::format("CNI plugin {}, {}", call.plugin, call.command);
  if (!output) return Fail(output.error(), where);
  if (output->exit_code != 0) return Fail(FailureOf(*output), where);
  return output->standard_output;
}

}  // namespace dockershimd::shim::network
