#include "shim/network/cni_network.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/guarded.h"
#include "base/log.h"
#include "shim/linux/network_namespace.h"
#include "shim/network/cni_cache.h"
#include "shim/network/cni_config.h"
#include "shim/network/cni_json.h"
#include "shim/network/cni_plugin.h"

namespace dockershimd::shim::network {
namespace {

using base::CallContext;
using base::Code;
using base::Fail;
using base::Result;

constexpr const char* kInterface = "eth0";
constexpr const char* kNotReady = "NetworkPluginNotReady";
/// The first version of the spec with STATUS and GC.
constexpr std::string_view kVersionWithStatus = "1.1.0";
constexpr std::chrono::seconds kStatusIsFresh(10);

std::string CniArgs(const PodIdentity& pod) {
  return fmt::format(
      "IgnoreUnknown=1;K8S_POD_NAMESPACE={};K8S_POD_NAME={};K8S_POD_INFRA_CONTAINER_ID={};"
      "K8S_POD_UID={}",
      pod.pod_namespace, pod.name, pod.sandbox_id, pod.uid);
}

/// Changes whenever a file of the folder does.
using FolderStamp = std::vector<std::pair<std::string, std::filesystem::file_time_type>>;

FolderStamp StampOf(const std::filesystem::path& folder) {
  FolderStamp stamp;
  for (const auto& file : CniConfigFiles(folder)) {
    std::error_code ignored;
    stamp.emplace_back(file.string(), std::filesystem::last_write_time(file, ignored));
  }
  return stamp;
}

std::vector<std::string> SplitComma(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find(',', start), text.size());
    if (end > start) parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

}  // namespace

class CniNetwork::Impl {
 public:
  explicit Impl(CniOptions options) : options_(std::move(options)), cache_(options_.cache_dir) {}

  using ConfigPtr = std::shared_ptr<const CniConfig>;

  Result<ConfigPtr> Config();
  NetworkCondition Condition(const CallContext& context);
  Result<PodAddresses> SetUp(const CallContext& context, const PodNetworkRequest& request);
  base::Status TearDown(const CallContext& context, const PodNetworkRequest& request);
  PodAddresses Addresses(const std::string& sandbox_id, const std::string& netns_path);
  void CollectGarbage(const CallContext& context, const std::unordered_set<std::string>& valid);
  base::Status SetPodCidr(const std::string& pod_cidr);

  [[nodiscard]] const CniOptions& Options() const { return options_; }

 private:
  struct Loaded {
    FolderStamp stamp;
    Result<ConfigPtr> config = Fail(Code::kNotFound, "not read yet");
  };
  struct Status {
    CallContext::Clock::time_point asked_at;
    ConfigPtr config;
    NetworkCondition condition;
  };

  NetworkCondition AskPlugins(const CallContext& context, const CniConfig& config);
  Result<std::string> Add(const CallContext& context, const CniConfig& config,
                          const CniAttachment& attachment);
  base::Status Delete(const CallContext& context, const CniAttachment& attachment);
  CniCall CallOf(const char* command, const CniPlugin& plugin, const CniAttachment& attachment);
  void GarbagePlugins(const CallContext& context, const CniConfig& config);

  CniOptions options_;
  CniCache cache_;
  base::Guarded<std::optional<Loaded>> loaded_;
  base::Guarded<std::optional<Status>> status_;
  base::Guarded<std::vector<std::string>> pod_cidrs_;
  base::Guarded<std::map<std::string, PodAddresses>> addresses_;
};

Result<CniNetwork::Impl::ConfigPtr> CniNetwork::Impl::Config() {
  auto stamp = StampOf(options_.conf_dir);
  auto loaded = loaded_.Lock();
  if (*loaded && (*loaded)->stamp == stamp) return (*loaded)->config;
  std::vector<std::string> problems;
  auto config = LoadCniConfig(options_.conf_dir, &problems);
  for (const auto& problem : problems) spdlog::warn("CNI configuration passed over: {}", problem);
  Loaded fresh;
  fresh.stamp = std::move(stamp);
  if (config) {
    spdlog::info("using the CNI network '{}' from {}", config->name, options_.conf_dir.string());
    fresh.config = std::make_shared<const CniConfig>(std::move(*config));
  } else {
    fresh.config = Fail(config.error());
  }
  *loaded = std::move(fresh);
  return (*loaded)->config;
}

NetworkCondition CniNetwork::Impl::AskPlugins(const CallContext& context, const CniConfig& config) {
  for (const auto& plugin : config.plugins) {
    const auto program = FindCniPlugin(options_.bin_dirs, plugin.type);
    if (!program) return {false, kNotReady, program.error().message};
    if (config.version != kVersionWithStatus) continue;
    const CniCall call{
        "STATUS", plugin.type, "", "", "", "", NodeInput(config, plugin, std::nullopt)};
    const auto answer =
        RunCniPlugin(context.Within(options_.plugin_timeout), options_.bin_dirs, call);
    if (!answer) return {false, kNotReady, answer.error().message};
  }
  return {true, "", ""};
}

NetworkCondition CniNetwork::Impl::Condition(const CallContext& context) {
  const auto config = Config();
  if (!config) {
    return {false, kNotReady,
            fmt::format("no usable CNI configuration in {}: install a network add-on or pass "
                        "--network bridge",
                        options_.conf_dir.string())};
  }
  const auto now = CallContext::Clock::now();
  {
    auto status = status_.Lock();
    const bool fresh =
        *status && (*status)->config == *config && now - (*status)->asked_at < kStatusIsFresh;
    if (fresh && (*status)->condition.ready) return (*status)->condition;
  }
  auto condition = AskPlugins(context, **config);
  *status_.Lock() = Status{now, *config, condition};
  return condition;
}

CniCall CniNetwork::Impl::CallOf(const char* command, const CniPlugin& plugin,
                                 const CniAttachment& attachment) {
  return {
      command,         plugin.type, attachment.container_id, attachment.netns, attachment.interface,
      attachment.args, ""};
}

Result<std::string> CniNetwork::Impl::Add(const CallContext& context, const CniConfig& config,
                                          const CniAttachment& attachment) {
  std::string result;
  for (const auto& plugin : config.plugins) {
    auto call = CallOf("ADD", plugin, attachment);
    call.config = PluginInput(config, plugin, attachment.capabilities, result);
    auto answer = RunCniPlugin(context.Within(options_.plugin_timeout), options_.bin_dirs, call);
    if (!answer) return answer;
    if (auto addresses = AddressesOfResult(*answer); !addresses) {
      return Fail(addresses.error(), fmt::format("CNI plugin {} ADD", plugin.type));
    }
    result = std::move(*answer);
  }
  return result;
}

base::Status CniNetwork::Impl::Delete(const CallContext& context, const CniAttachment& attachment) {
  // What counts is the configuration that made the attachment, not the one of today.
  const auto config = ParseCniConfig(attachment.config);
  if (!config) return Fail(config.error(), "cached CNI configuration");
  base::Status outcome;
  for (auto plugin = config->plugins.rbegin(); plugin != config->plugins.rend(); ++plugin) {
    auto call = CallOf("DEL", *plugin, attachment);
    call.config = PluginInput(*config, *plugin, attachment.capabilities, attachment.result);
    const auto answer =
        RunCniPlugin(context.Within(options_.plugin_timeout), options_.bin_dirs, call);
    // The others may still be able to give back what is theirs.
    if (!answer && outcome) outcome = Fail(answer.error());
  }
  if (outcome) cache_.Remove(attachment);
  return outcome;
}

Result<PodAddresses> CniNetwork::Impl::SetUp(const CallContext& context,
                                             const PodNetworkRequest& request) {
  const auto config = Config();
  if (!config) return Fail(config.error());
  if (auto up = linuxos::BringLoopbackUp(request.netns_path); !up) return Fail(up.error());
  CniAttachment attachment;
  attachment.network = (*config)->name;
  attachment.container_id = request.pod.sandbox_id;
  attachment.interface = kInterface;
  attachment.netns = request.netns_path;
  attachment.args = CniArgs(request.pod);
  attachment.config = (*config)->text;
  attachment.capabilities = CapabilityArgs(request, *pod_cidrs_.Lock());
  // Before the first plugin runs: a crash from here on leaves a trace by which the lease is found.
  if (auto saved = cache_.Save(attachment); !saved) return Fail(saved.error());

  auto result = Add(context, **config, attachment);
  if (result) {
    attachment.result = *result;
    if (auto saved = cache_.Save(attachment); !saved) result = Fail(saved.error());
  }
  if (!result) {
    if (auto undone = Delete(CallContext::ForCleanup(), attachment); !undone) {
      spdlog::warn("pod {}/{}: the failed network set-up could not be undone: {}",
                   request.pod.pod_namespace, request.pod.name, undone.error().message);
    }
    return Fail(result.error());
  }
  PodAddresses addresses{AddressesOfResult(*result).value_or(std::vector<std::string>())};
  (*addresses_.Lock())[request.pod.sandbox_id] = addresses;
  return addresses;
}

base::Status CniNetwork::Impl::TearDown(const CallContext& context,
                                        const PodNetworkRequest& request) {
  addresses_.Lock()->erase(request.pod.sandbox_id);
  base::Status outcome;
  for (auto attachment : cache_.Find(request.pod.sandbox_id)) {
    // A namespace that is gone is given as empty: plugins then give back what is not in it.
    attachment.netns = request.netns_path;
    auto done = Delete(context, attachment);
    if (!done && outcome) outcome = done;
  }
  return outcome;
}

PodAddresses CniNetwork::Impl::Addresses(const std::string& sandbox_id,
                                         const std::string& netns_path) {
  {
    auto addresses = addresses_.Lock();
    const auto known = addresses->find(sandbox_id);
    if (known != addresses->end()) return known->second;
  }
  PodAddresses found;
  for (const auto& attachment : cache_.Find(sandbox_id)) {
    if (attachment.result.empty()) continue;
    found.ips = AddressesOfResult(attachment.result).value_or(std::vector<std::string>());
  }
  if (found.ips.empty() && !netns_path.empty()) {
    found.ips =
        linuxos::InterfaceAddresses(netns_path, kInterface).value_or(std::vector<std::string>());
  }
  if (!found.ips.empty()) (*addresses_.Lock())[sandbox_id] = found;
  return found;
}

void CniNetwork::Impl::GarbagePlugins(const CallContext& context, const CniConfig& config) {
  if (config.version != kVersionWithStatus || config.disable_gc) return;
  std::vector<std::pair<std::string, std::string>> valid;
  for (const auto& attachment : cache_.All()) {
    if (attachment.network == config.name) {
      valid.emplace_back(attachment.container_id, attachment.interface);
    }
  }
  for (const auto& plugin : config.plugins) {
    const CniCall call{"GC", plugin.type, "", "", "", "", NodeInput(config, plugin, valid)};
    const auto answer =
        RunCniPlugin(context.Within(options_.plugin_timeout), options_.bin_dirs, call);
    if (!answer) spdlog::warn("{}", answer.error().message);
  }
}

void CniNetwork::Impl::CollectGarbage(const CallContext& context,
                                      const std::unordered_set<std::string>& valid) {
  for (auto attachment : cache_.All()) {
    if (!attachment.ours || valid.contains(attachment.container_id)) continue;
    spdlog::info("giving back the network of sandbox {}, which is gone", attachment.container_id);
    attachment.netns.clear();
    if (auto done = Delete(context, attachment); !done) {
      spdlog::warn("sandbox {}: {}", attachment.container_id, done.error().message);
    }
  }
  if (const auto config = Config()) GarbagePlugins(context, **config);
}

base::Status CniNetwork::Impl::SetPodCidr(const std::string& pod_cidr) {
  auto cidrs = SplitComma(pod_cidr);
  for (const auto& cidr : cidrs) {
    if (cidr.find('/') == std::string::npos) {
      return Fail(Code::kInvalidArgument, "runtime_config.network_config.pod_cidr: '{}' is no CIDR",
                  cidr);
    }
  }
  *pod_cidrs_.Lock() = std::move(cidrs);
  return {};
}

CniNetwork::CniNetwork(CniOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
CniNetwork::~CniNetwork() = default;

NetworkCondition CniNetwork::Condition(const CallContext& context) {
  return impl_->Condition(context);
}

bool CniNetwork::HasConfiguration() { return !CniConfigFiles(impl_->Options().conf_dir).empty(); }

Result<PodAddresses> CniNetwork::SetUp(const CallContext& context,
                                       const PodNetworkRequest& request) {
  return impl_->SetUp(context, request);
}

base::Status CniNetwork::TearDown(const CallContext& context, const PodNetworkRequest& request) {
  return impl_->TearDown(context, request);
}

PodAddresses CniNetwork::Addresses(const std::string& sandbox_id, const std::string& netns_path) {
  return impl_->Addresses(sandbox_id, netns_path);
}

void CniNetwork::CollectGarbage(const CallContext& context,
                                const std::unordered_set<std::string>& valid_sandbox_ids) {
  impl_->CollectGarbage(context, valid_sandbox_ids);
}

base::Status CniNetwork::SetPodCidr(const std::string& pod_cidr) {
  return impl_->SetPodCidr(pod_cidr);
}

std::string CniNetwork::DescribeConfiguration() {
  const auto config = impl_->Config();
  return config ? (*config)->text : "{}";
}

}  // namespace dockershimd::shim::network
