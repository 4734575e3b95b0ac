#include "shim/network/cni_runner.h"

namespace dockershimd::shim::network {
namespace {

using base::CallContext;
using base::Fail;
using base::Result;

/// The first versions of the spec with what their names say.
constexpr std::string_view kHasResultInDelete = "0.4.0";
constexpr std::string_view kHasCheck = "0.4.0";
constexpr std::string_view kHasStatusAndGarbage = "1.1.0";

CniCall CallOf(const char* command, const CniPlugin& plugin, const CniAttachment& attachment,
               std::string input) {
  return {command,          plugin.type,          attachment.container_id,
          attachment.netns, attachment.interface, attachment.args,
          std::move(input)};
}

/// STATUS and GC belong to no pod.
CniCall NodeCallOf(const char* command, const CniPlugin& plugin, std::string input) {
  return CallOf(command, plugin, {}, std::move(input));
}

}  // namespace

Result<std::string> CniRunner::Run(const CallContext& context, const CniConfig& config,
                                   const CniCall& call) const {
  auto answer = RunCniPlugin(context.Within(plugin_timeout_), bin_dirs_, call);
  if (!answer) return Fail(answer.error(), fmt::format("CNI network '{}'", config.name));
  return answer;
}

base::Status CniRunner::FindAll(const CniConfig& config) const {
  for (const auto& plugin : config.plugins) {
    const auto program = FindCniPlugin(bin_dirs_, plugin.type);
    if (!program) return Fail(program.error(), fmt::format("CNI network '{}'", config.name));
  }
  return {};
}

Result<std::string> CniRunner::Add(const CallContext& context, const CniConfig& config,
                                   const CniAttachment& attachment,
                                   const OnResult& on_result) const {
  std::string result;
  for (const auto& plugin : config.plugins) {
    const auto call = CallOf("ADD", plugin, attachment,
                             PluginInput(config, plugin, attachment.capabilities, result));
    const auto printed = Run(context, config, call);
    if (!printed) return printed;
    auto read = ReadResult(config, *printed);
    if (!read) {
      return Fail(read.error(),
                  fmt::format("CNI network '{}': CNI plugin {}, ADD", config.name, plugin.type));
    }
    result = std::move(*read);
    if (&plugin == &config.plugins.back()) break;
    if (auto kept = on_result(result); !kept) return Fail(kept.error());
  }
  return result;
}

base::Status CniRunner::Delete(const CniConfig& config, const CniAttachment& attachment) const {
  std::string result;
  if (config.Speaks(kHasResultInDelete)) {
    result = attachment.result.empty() ? attachment.partial_result : attachment.result;
  }
  const auto context = CallContext::WithTimeout(plugin_timeout_);
  for (auto plugin = config.plugins.rbegin(); plugin != config.plugins.rend(); ++plugin) {
    const auto call = CallOf("DEL", *plugin, attachment,
                             PluginInput(config, *plugin, attachment.capabilities, result));
    const auto done = Run(context, config, call);
    if (!done) return Fail(done.error());
  }
  return {};
}

base::Status CniRunner::Check(const CallContext& context, const CniConfig& config,
                              const CniAttachment& attachment) const {
  if (!config.Speaks(kHasCheck) || config.disable_check) return {};
  for (const auto& plugin : config.plugins) {
    const auto call =
        CallOf("CHECK", plugin, attachment,
               PluginInput(config, plugin, attachment.capabilities, attachment.result));
    const auto done = Run(context, config, call);
    if (!done) return Fail(done.error());
  }
  return {};
}

base::Status CniRunner::AskStatus(const CallContext& context, const CniConfig& config) const {
  if (!config.Speaks(kHasStatusAndGarbage)) return {};
  for (const auto& plugin : config.plugins) {
    const auto call = NodeCallOf("STATUS", plugin, PluginInput(config, plugin, "", ""));
    const auto answer = Run(context, config, call);
    if (!answer) return Fail(answer.error());
  }
  return {};
}

bool CniRunner::HasGarbageCollection(const CniConfig& config) {
  return config.Speaks(kHasStatusAndGarbage) && !config.disable_gc;
}

base::Status CniRunner::CollectGarbage(const CallContext& context, const CniConfig& config,
                                       const CniAttachmentNames& valid) const {
  base::Status outcome;
  for (const auto& plugin : config.plugins) {
    const auto call = NodeCallOf("GC", plugin, GarbageInput(config, plugin, valid));
    const auto answer = Run(context, config, call);
    if (!answer && outcome) outcome = Fail(answer.error());
  }
  return outcome;
}

}  // namespace dockershimd::shim::network
