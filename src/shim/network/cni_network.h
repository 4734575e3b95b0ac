#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/call_context.h"
#include "base/result.h"
#include "shim/network/pod_network.h"

namespace dockershimd::shim::network {

struct CniOptions {
  std::filesystem::path conf_dir = "/etc/cni/net.d";
  std::vector<std::filesystem::path> bin_dirs = {"/opt/cni/bin", "/usr/lib/cni"};
  /// As libcni's default, so that pods of a former runtime on this node can be torn down.
  std::filesystem::path cache_dir = "/var/lib/cni";
  std::chrono::seconds plugin_timeout{60};

  /// Where the network namespaces of pods are kept alive (linuxos::NamespacePins).
  [[nodiscard]] std::filesystem::path PinsFolder() const { return cache_dir / "dockershimd-netns"; }
};

/// Pod networks by CNI plugins (CNI spec 0.3.1 to 1.1). Thread-safe: pods are set up at the same
/// time; calls on one pod wait for each other, as long as their context lasts. DEL, once begun, is
/// not cut off by it: plugins have `plugin_timeout` to give back what they took. The configuration
/// is read again when its folder changed, so that a network add-on can be installed while the
/// daemon runs.
class CniNetwork {
 public:
  explicit CniNetwork(CniOptions options);
  ~CniNetwork();
  CniNetwork(const CniNetwork&) = delete;
  CniNetwork& operator=(const CniNetwork&) = delete;

  /// Whether there is a usable configuration with all its plugins present (and, where the
  /// configuration's version knows STATUS, whether the plugins say so).
  [[nodiscard]] NetworkCondition Condition(const base::CallContext& context);

  /// True when the conf folder holds at least one configuration, usable or not.
  [[nodiscard]] bool HasConfiguration();

  /// Brings up `lo` and runs ADD of every plugin. After a failure everything that was done has
  /// been undone by DEL, and the plugin's own message is in the error.
  [[nodiscard]] base::Result<PodAddresses> SetUp(const base::CallContext& context,
                                                 const PodNetworkRequest& request);

  /// Runs DEL with what was cached at ADD, by us or by a former runtime: the configuration of that
  /// time, the result, the port mappings; only pod.sandbox_id and netns_path of the request are
  /// used. A running pod of which nothing is cached is deleted by today's configuration and the
  /// whole request. Succeeds for a pod that was never set up.
  [[nodiscard]] base::Status TearDown(const base::CallContext& context,
                                      const PodNetworkRequest& request);

  /// Runs CHECK with what was cached at ADD: an error says what is not as ADD left it. Succeeds
  /// where the configuration disables it or is older than CNI 0.4.0.
  [[nodiscard]] base::Status Check(const base::CallContext& context,
                                   const PodNetworkRequest& request);

  /// The addresses given at SetUp, from memory or from the cached result on disk (pods of a former
  /// runtime included); where nothing is cached, those seen inside `netns_path`. None for a pod
  /// that is being set up, or whose set-up was cut short by a crash.
  [[nodiscard]] PodAddresses Addresses(const std::string& sandbox_id,
                                       const std::string& netns_path);

  /// Keeps the namespace of a running pod of a former runtime until TearDown, as SetUp does with
  /// our own. Nothing where it is kept already, or nothing is cached of the pod.
  [[nodiscard]] base::Status KeepNamespace(const base::CallContext& context,
                                           const std::string& sandbox_id,
                                           const std::string& netns_path);

  /// True from SetUp or KeepNamespace to TearDown: the pod's namespace does not end with its last
  /// process.
  [[nodiscard]] bool KeepsNamespace(const std::string& sandbox_id) const;

  /// Tears down what is cached for sandboxes that are not in `valid_sandbox_ids`: leases left by
  /// a crash between ADD and its answer. Only touches cached results that this daemon wrote, and
  /// none of pods set up in the last two minutes. Then lets plugins of CNI 1.1 look for garbage of
  /// their own. To be called when all sandboxes are known, again and again: what a plugin refused
  /// to give back is tried anew.
  void CollectGarbage(const base::CallContext& context,
                      const std::unordered_set<std::string>& valid_sandbox_ids);

  /// CRI UpdateRuntimeConfig: CIDRs for the ipRanges capability of later pods, comma-separated
  /// (dual stack); kept over restarts. An empty text changes nothing.
  [[nodiscard]] base::Status SetPodCidr(const std::string& pod_cidr);

  /// For the verbose Status answer: the loaded configuration as JSON text, or "{}".
  [[nodiscard]] std::string DescribeConfiguration();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dockershimd::shim::network
