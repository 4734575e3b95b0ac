#include "shim/network/cni_network.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <shared_mutex>
#include <unordered_map>
#include <utility>

#include "base/guarded.h"
#include "base/keyed_mutex.h"
#include "base/log.h"
#include "shim/linux/namespace_pins.h"
#include "shim/linux/network_namespace.h"
#include "shim/linux/stand_in_interface.h"
#include "shim/network/cni_cache.h"
#include "shim/network/cni_config.h"
#include "shim/network/cni_config_folder.h"
#include "shim/network/cni_json.h"
#include "shim/network/cni_readiness.h"
#include "shim/network/cni_runner.h"
#include "shim/network/pod_cidrs.h"

namespace dockershimd::shim::network {
namespace {

using base::CallContext;
using base::Code;
using base::Fail;
using base::Result;
using Clock = CallContext::Clock;
using ConfigPtr = CniConfigFolder::ConfigPtr;

constexpr const char* kInterface = "eth0";
constexpr const char* kLoopback = "lo";
/// A caller of CollectGarbage may have listed the sandboxes this long before.
constexpr std::chrono::minutes kTooNewForGarbage(2);

std::string CniArgs(const PodIdentity& pod) {
  return fmt::format(
      "IgnoreUnknown=1;K8S_POD_NAMESPACE={};K8S_POD_NAME={};K8S_POD_INFRA_CONTAINER_ID={};"
      "K8S_POD_UID={}",
      pod.pod_namespace, pod.name, pod.sandbox_id, pod.uid);
}

/// Of a sandbox's cached attachments those that are ours to take down: plugins such as Multus keep
/// their own there, and former runtimes that of the loopback plugin.
std::vector<CniAttachment> TopLevel(std::vector<CniAttachment> attachments,
                                    const Result<ConfigPtr>& config) {
  const auto keep = [&](auto accept) {
    if (std::none_of(attachments.begin(), attachments.end(), accept)) return;
    std::erase_if(attachments, [&](const CniAttachment& one) { return !accept(one); });
  };
  std::erase_if(attachments, [](const auto& one) { return one.interface != kInterface; });
  keep([](const CniAttachment& one) { return one.ours; });
  keep([&](const CniAttachment& one) { return config && one.network == (*config)->name; });
  return attachments;
}

}  // namespace

class CniNetwork::Impl {
 public:
  explicit Impl(CniOptions options)
      : folder_(options.conf_dir),
        cache_(options.cache_dir),
        pins_(options.PinsFolder()),
        runner_(options.bin_dirs, options.plugin_timeout),
        readiness_(folder_, runner_),
        pod_cidrs_(options.cache_dir / "dockershimd-pod-cidrs") {}

  NetworkCondition Condition(const CallContext& context) { return readiness_.Condition(context); }
  Result<PodAddresses> SetUp(const CallContext& context, const PodNetworkRequest& request);
  base::Status TearDown(const CallContext& context, const PodNetworkRequest& request);
  base::Status Check(const CallContext& context, const PodNetworkRequest& request);
  base::Status KeepNamespace(const CallContext& context, const std::string& sandbox_id,
                             const std::string& netns_path);
  bool KeepsNamespace(const std::string& sandbox_id) const {
    return !pins_.Find(sandbox_id).empty();
  }
  PodAddresses Addresses(const std::string& sandbox_id, const std::string& netns_path);
  void CollectGarbage(const CallContext& context, const std::unordered_set<std::string>& valid);

  CniConfigFolder& Folder() { return folder_; }
  PodCidrs& Cidrs() { return pod_cidrs_; }

 private:
  /// What is known of a pod without reading files.
  struct Pod {
    PodAddresses addresses;
    bool being_set_up = false;
    Clock::time_point set_up_at{};  // the beginning of the clock: by a daemon before this one
  };
  using Pods = std::unordered_map<std::string, Pod>;

  CniAttachment AttachmentFor(const PodNetworkRequest& request, const CniConfig& config,
                              std::string netns) const;
  std::vector<CniAttachment> AttachmentsOf(const std::string& sandbox_id);
  std::optional<CniAttachment> AnAttachmentOf(const std::string& sandbox_id);
  Result<PodAddresses> SetUpLocked(const CallContext& context, const PodNetworkRequest& request,
                                   const CniConfig& config);
  Result<PodAddresses> Add(const CallContext& context, const CniConfig& config,
                           CniAttachment attachment);
  Result<PodAddresses> AddressesAfterAdd(const CniAttachment& attachment) const;
  base::Status Delete(const CniAttachment& attachment);
  static bool MendInterface(const CniAttachment& attachment);
  base::Status DeleteAll(const PodNetworkRequest& request);
  std::string NetnsOf(const std::string& sandbox_id, const std::string& netns_path) const;
  base::Status DeleteUncached(const PodNetworkRequest& request);
  void ForgetLoopback(const std::string& sandbox_id) const;
  PodAddresses Discover(const std::string& sandbox_id, const std::string& netns_path);

  bool IsGarbage(const CniAttachment& attachment, const std::unordered_set<std::string>& valid);
  void CollectGarbageOf(const CallContext& context, CniAttachment attachment,
                        const std::unordered_set<std::string>& valid);
  void ReleaseForgotten(const CallContext& context, const std::string& sandbox_id);
  CniAttachmentNames ValidAttachments(const CniConfig& config,
                                      const std::unordered_set<std::string>& valid) const;

  CniConfigFolder folder_;
  CniCache cache_;
  linuxos::NamespacePins pins_;
  CniRunner runner_;
  CniReadiness readiness_;
  PodCidrs pod_cidrs_;
  base::KeyedMutex changing_;  ///< by sandbox id
  /// Shared by ADD and DEL, exclusive for the plugins' GC: the spec wants it alone, and an
  /// attachment made while it runs would not be in its list.
  std::shared_mutex plugins_run_;
  /// Held by each ADD with host ports until one has succeeded: the portmap plugin fails where two
  /// are the first to make the chains that all pods share.
  base::KeyedMutex first_host_ports_;  ///< with one key
  std::atomic<bool> has_host_ports_ = false;
  base::Guarded<Pods> pods_;
};

CniAttachment CniNetwork::Impl::AttachmentFor(const PodNetworkRequest& request,
                                              const CniConfig& config, std::string netns) const {
  CniAttachment attachment;
  attachment.network = config.name;
  attachment.container_id = request.pod.sandbox_id;
  attachment.interface = kInterface;
  attachment.netns = std::move(netns);
  attachment.args = CniArgs(request.pod);
  attachment.config = config.text;
  attachment.capabilities = CapabilityArgs(request, pod_cidrs_.Get());
  return attachment;
}

std::vector<CniAttachment> CniNetwork::Impl::AttachmentsOf(const std::string& sandbox_id) {
  auto attachments = cache_.Find(sandbox_id);
  if (attachments.empty()) return attachments;
  return TopLevel(std::move(attachments), folder_.Current());
}

/// The one by today's network, found by its name, or else the first of AttachmentsOf: at the
/// daemon's start each pod is asked for, and among thousands it shall not take a look at all the
/// others.
std::optional<CniAttachment> CniNetwork::Impl::AnAttachmentOf(const std::string& sandbox_id) {
  if (const auto config = folder_.Current()) {
    auto attachment = cache_.Find((*config)->name, sandbox_id, kInterface);
    if (attachment) return attachment;
  }
  auto attachments = AttachmentsOf(sandbox_id);
  if (attachments.empty()) return std::nullopt;
  return std::move(attachments.front());
}

Result<PodAddresses> CniNetwork::Impl::AddressesAfterAdd(const CniAttachment& attachment) const {
  PodAddresses addresses{AddressesOfResult(attachment.result, kInterface)};
  if (!addresses.ips.empty()) return addresses;
  auto seen = linuxos::InterfaceAddresses(attachment.netns, kInterface);
  if (!seen) return Fail(seen.error());
  if (!seen->empty()) return PodAddresses{std::move(*seen)};
  return Fail(Code::kInternal, "CNI network '{}': its plugins gave the pod no address",
              attachment.network);
}

Result<PodAddresses> CniNetwork::Impl::Add(const CallContext& context, const CniConfig& config,
                                           CniAttachment attachment) {
  // Before the first plugin runs: a crash from here on leaves a trace by which what the plugins
  // have taken is found and given back.
  if (auto saved = cache_.Save(attachment); !saved) return Fail(saved.error());
  // Some plugins find what they made only by the results before theirs.
  const auto keep = [&](const std::string& result) {
    attachment.partial_result = result;
    return cache_.Save(attachment, base::Durability::kDaemonCrash);
  };
  auto result = runner_.Add(context, config, attachment, keep);
  if (!result) return Fail(result.error());
  attachment.result = std::move(*result);
  attachment.partial_result.clear();
  if (auto saved = cache_.Save(attachment); !saved) return Fail(saved.error());
  return AddressesAfterAdd(attachment);
}

Result<PodAddresses> CniNetwork::Impl::SetUpLocked(const CallContext& context,
                                                   const PodNetworkRequest& request,
                                                   const CniConfig& config) {
  // Plugins need the namespace to give back all that they took, also when the pod's processes have
  // ended by themselves.
  auto pinned = pins_.Pin(request.pod.sandbox_id, request.netns_path);
  if (!pinned) return Fail(pinned.error());
  if (request.allow_ipv6) {
    if (auto allowed = linuxos::AllowIpv6(*pinned); !allowed) return Fail(allowed.error());
  }
  if (auto up = linuxos::BringLoopbackUp(*pinned); !up) return Fail(up.error());
  return Add(context, config, AttachmentFor(request, config, std::move(*pinned)));
}

Result<PodAddresses> CniNetwork::Impl::SetUp(const CallContext& context,
                                             const PodNetworkRequest& request) {
  const std::string& id = request.pod.sandbox_id;
  if (!IsCniName(id)) return Fail(Code::kInvalidArgument, "'{}' is no sandbox id", id);
  if (request.netns_path.empty()) {
    return Fail(Code::kFailedPrecondition, "sandbox {} has no network namespace: it has ended", id);
  }
  const auto config = folder_.Current();
  if (!config) return Fail(config.error());
  // A missing plugin would make the clean-up fail as well.
  if (auto found = runner_.FindAll(**config); !found) return Fail(found.error());

  const auto lease = changing_.Lock(context, id);
  if (!lease) return Fail(lease.error(), "the network of sandbox " + id);
  const std::shared_lock running(plugins_run_);
  // What an attempt before a crash has left; plugins refuse to add a pod twice.
  if (auto removed = DeleteAll(request); !removed) return Fail(removed.error());
  std::optional<base::KeyedMutex::Lease> first;
  if (!request.ports.empty() && !has_host_ports_) {
    auto alone = first_host_ports_.Lock(context, "");
    if (!alone) return Fail(alone.error(), "wait for the first pod with host ports");
    first.emplace(std::move(*alone));
  }
  (*pods_.Lock())[id] = {{}, true, Clock::now()};
  auto addresses = SetUpLocked(context, request, **config);
  if (addresses) {
    if (!request.ports.empty()) has_host_ports_ = true;
    (*pods_.Lock())[id] = {*addresses, false, Clock::now()};
    return addresses;
  }
  if (auto undone = DeleteAll(request); !undone) {
    spdlog::warn("pod {}/{}: the failed network set-up could not be undone: {}",
                 request.pod.pod_namespace, request.pod.name, undone.error().message);
  }
  pods_.Lock()->erase(id);
  return addresses;
}

base::Status CniNetwork::Impl::Delete(const CniAttachment& attachment) {
  // What counts is the configuration that made the attachment, not the one of today.
  const auto config = ParseCniConfig(attachment.config);
  if (!config) return Fail(config.error(), "the configuration in " + attachment.file.string());
  const bool has_stand_in = MendInterface(attachment);
  auto deleted = runner_.Delete(*config, attachment);
  if (has_stand_in) {
    const auto removed = linuxos::RemoveStandInInterface(attachment.netns, attachment.interface);
    if (!removed) spdlog::warn("sandbox {}: {}", attachment.container_id, removed.error().message);
    // A plugin that fails with it may be content without.
    if (!deleted) deleted = runner_.Delete(*config, attachment);
  }
  if (!deleted) return deleted;
  return cache_.Remove(attachment);
}

/// After a DEL that was cut off, plugins do not find all that is the pod's without its interface.
/// True if there is a stand-in for it now.
bool CniNetwork::Impl::MendInterface(const CniAttachment& attachment) {
  const auto& result = attachment.result.empty() ? attachment.partial_result : attachment.result;
  const auto addresses = AddressesOfResult(result, attachment.interface);
  if (attachment.netns.empty() || addresses.empty()) return false;
  const auto made =
      linuxos::MakeStandInInterface(attachment.netns, attachment.interface, addresses);
  if (!made && made.error().code != Code::kNotFound) {
    spdlog::warn("sandbox {}: its interface is gone, so its plugins may leave firewall rules: {}",
                 attachment.container_id, made.error().message);
  }
  return made.value_or(false);
}

base::Status CniNetwork::Impl::DeleteAll(const PodNetworkRequest& request) {
  for (auto& attachment : AttachmentsOf(request.pod.sandbox_id)) {
    attachment.netns = NetnsOf(request.pod.sandbox_id, request.netns_path);
    if (auto done = Delete(attachment); !done) return done;
  }
  return pins_.Release(request.pod.sandbox_id);
}

/// Where the plugins find the pod's namespace: where we keep it, else with its processes (pods of
/// a former runtime). A namespace that is gone is given as empty: plugins then give back what is
/// not in it. The cached path may mean another process's by now.
std::string CniNetwork::Impl::NetnsOf(const std::string& sandbox_id,
                                      const std::string& netns_path) const {
  auto pinned = pins_.Find(sandbox_id);
  return pinned.empty() ? netns_path : pinned;
}

/// The loopback plugin of former runtimes has nothing to give back.
void CniNetwork::Impl::ForgetLoopback(const std::string& sandbox_id) const {
  for (const auto& attachment : cache_.Find(sandbox_id)) {
    if (attachment.interface == kLoopback) (void)cache_.Remove(attachment);
  }
}

/// For a running pod of which nothing is cached: set up by a former runtime whose cache is gone.
base::Status CniNetwork::Impl::DeleteUncached(const PodNetworkRequest& request) {
  const auto config = folder_.Current();
  // A network that is not there cannot have been given to the pod.
  if (!config || !runner_.FindAll(**config)) return {};
  return runner_.Delete(**config, AttachmentFor(request, **config, request.netns_path));
}

base::Status CniNetwork::Impl::TearDown(const CallContext& context,
                                        const PodNetworkRequest& request) {
  const std::string& id = request.pod.sandbox_id;
  const auto lease = changing_.Lock(context, id);
  if (!lease) return Fail(lease.error(), "the network of sandbox " + id);
  const std::shared_lock running(plugins_run_);
  const bool cached = !AttachmentsOf(id).empty();
  const auto done =
      cached || request.netns_path.empty() ? DeleteAll(request) : DeleteUncached(request);
  if (!done) return done;
  ForgetLoopback(id);
  pods_.Lock()->erase(id);
  return {};
}

base::Status CniNetwork::Impl::Check(const CallContext& context, const PodNetworkRequest& request) {
  for (auto& attachment : AttachmentsOf(request.pod.sandbox_id)) {
    attachment.netns = NetnsOf(request.pod.sandbox_id, request.netns_path);
    const auto config = ParseCniConfig(attachment.config);
    if (!config) return Fail(config.error(), "the configuration in " + attachment.file.string());
    if (auto checked = runner_.Check(context, *config, attachment); !checked) return checked;
  }
  return {};
}

base::Status CniNetwork::Impl::KeepNamespace(const CallContext& context,
                                             const std::string& sandbox_id,
                                             const std::string& netns_path) {
  if (netns_path.empty() || KeepsNamespace(sandbox_id)) return {};
  const auto lease = changing_.Lock(context, sandbox_id);
  if (!lease) return Fail(lease.error(), "the network of sandbox " + sandbox_id);
  // It may have been torn down, or kept, while we waited.
  if (!AnAttachmentOf(sandbox_id) || KeepsNamespace(sandbox_id)) return {};
  if (auto pinned = pins_.Pin(sandbox_id, netns_path); !pinned) return Fail(pinned.error());
  return {};
}

PodAddresses CniNetwork::Impl::Discover(const std::string& sandbox_id,
                                        const std::string& netns_path) {
  const auto attachment = AnAttachmentOf(sandbox_id);
  if (!attachment) {
    return {
        linuxos::InterfaceAddresses(netns_path, kInterface).value_or(std::vector<std::string>())};
  }
  PodAddresses found{AddressesOfResult(attachment->result, kInterface)};
  if (found.ips.empty()) return found;
  pods_.Lock()->try_emplace(sandbox_id, Pod{found});
  // A teardown may have come between reading and remembering.
  if (!cache_.Has(*attachment)) pods_.Lock()->erase(sandbox_id);
  return found;
}

PodAddresses CniNetwork::Impl::Addresses(const std::string& sandbox_id,
                                         const std::string& netns_path) {
  {
    const auto pods = pods_.Lock();
    if (const auto known = pods->find(sandbox_id); known != pods->end()) {
      return known->second.addresses;
    }
  }
  return Discover(sandbox_id, netns_path);
}

bool CniNetwork::Impl::IsGarbage(const CniAttachment& attachment,
                                 const std::unordered_set<std::string>& valid) {
  if (!attachment.ours || valid.contains(attachment.container_id)) return false;
  const auto pods = pods_.Lock();
  const auto known = pods->find(attachment.container_id);
  if (known == pods->end()) return true;
  return !known->second.being_set_up && Clock::now() - known->second.set_up_at > kTooNewForGarbage;
}

void CniNetwork::Impl::CollectGarbageOf(const CallContext& context, CniAttachment attachment,
                                        const std::unordered_set<std::string>& valid) {
  const auto lease = changing_.Lock(context, attachment.container_id);
  if (!lease) return;
  const std::shared_lock running(plugins_run_);
  // It may have been set up anew while we waited.
  if (!cache_.Has(attachment) || !IsGarbage(attachment, valid)) return;
  spdlog::info("giving back the network of sandbox {}, which is gone", attachment.container_id);
  attachment.netns = NetnsOf(attachment.container_id, "");
  auto done = Delete(attachment);
  if (done) done = pins_.Release(attachment.container_id);
  if (!done) {
    spdlog::warn("sandbox {}: {}", attachment.container_id, done.error().message);
    return;
  }
  pods_.Lock()->erase(attachment.container_id);
}

/// A pin without an attachment: a crash came between the two.
void CniNetwork::Impl::ReleaseForgotten(const CallContext& context, const std::string& sandbox_id) {
  const auto lease = changing_.Lock(context, sandbox_id);
  if (!lease || !cache_.Find(sandbox_id).empty()) return;
  if (auto done = pins_.Release(sandbox_id); !done) {
    spdlog::warn("sandbox {}: {}", sandbox_id, done.error().message);
  }
}

CniAttachmentNames CniNetwork::Impl::ValidAttachments(
    const CniConfig& config, const std::unordered_set<std::string>& valid) const {
  std::set<CniAttachmentNames::value_type> names;
  // Pods of a former runtime may be cached elsewhere.
  for (const auto& sandbox_id : valid) names.emplace(sandbox_id, kInterface);
  for (const auto& attachment : cache_.All()) {
    if (attachment.network == config.name) {
      names.emplace(attachment.container_id, attachment.interface);
    }
  }
  return {names.begin(), names.end()};
}

void CniNetwork::Impl::CollectGarbage(const CallContext& context,
                                      const std::unordered_set<std::string>& valid) {
  cache_.RemoveLeftovers();
  std::unordered_set<std::string> cached;
  for (auto& attachment : cache_.All()) {
    if (context.IsCancelled() || context.IsExpired()) return;
    cached.insert(attachment.container_id);
    if (IsGarbage(attachment, valid)) CollectGarbageOf(context, std::move(attachment), valid);
  }
  for (const auto& name : pins_.Names()) {
    if (!cached.contains(name)) ReleaseForgotten(context, name);
  }
  const auto config = folder_.Current();
  if (!config || !CniRunner::HasGarbageCollection(**config)) return;
  const std::unique_lock alone(plugins_run_);
  const auto done = runner_.CollectGarbage(context, **config, ValidAttachments(**config, valid));
  if (!done) spdlog::warn("{}", done.error().message);
}

CniNetwork::CniNetwork(CniOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
CniNetwork::~CniNetwork() = default;

NetworkCondition CniNetwork::Condition(const CallContext& context) {
  return impl_->Condition(context);
}

bool CniNetwork::HasConfiguration() { return impl_->Folder().HasFiles(); }

Result<PodAddresses> CniNetwork::SetUp(const CallContext& context,
                                       const PodNetworkRequest& request) {
  return impl_->SetUp(context, request);
}

base::Status CniNetwork::TearDown(const CallContext& context, const PodNetworkRequest& request) {
  return impl_->TearDown(context, request);
}

base::Status CniNetwork::Check(const CallContext& context, const PodNetworkRequest& request) {
  return impl_->Check(context, request);
}

base::Status CniNetwork::KeepNamespace(const CallContext& context, const std::string& sandbox_id,
                                       const std::string& netns_path) {
  return impl_->KeepNamespace(context, sandbox_id, netns_path);
}

bool CniNetwork::KeepsNamespace(const std::string& sandbox_id) const {
  return impl_->KeepsNamespace(sandbox_id);
}

PodAddresses CniNetwork::Addresses(const std::string& sandbox_id, const std::string& netns_path) {
  return impl_->Addresses(sandbox_id, netns_path);
}

void CniNetwork::CollectGarbage(const CallContext& context,
                                const std::unordered_set<std::string>& valid_sandbox_ids) {
  impl_->CollectGarbage(context, valid_sandbox_ids);
}

base::Status CniNetwork::SetPodCidr(const std::string& pod_cidr) {
  return impl_->Cidrs().Set(pod_cidr);
}

std::string CniNetwork::DescribeConfiguration() {
  const auto config = impl_->Folder().Current();
  return config ? (*config)->text : "{}";
}

}  // namespace dockershimd::shim::network
