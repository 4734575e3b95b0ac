#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "shim/check/finding.h"

namespace dockershimd::shim::check {

struct KubeletSetting {
  std::string value;   ///< empty: kubelet's default
  std::string source;  ///< where it was read, for people; where it is missing, if it is nowhere
};

/// What this machine's kubelet is told.
struct KubeletFacts {
  KubeletSetting endpoint;       ///< by default containerd's
  KubeletSetting cgroup_driver;  ///< by default cgroupfs
};

/// The value of a plain top-level key in kubelet's configuration, YAML or JSON; empty where it is
/// not there.
[[nodiscard]] std::string ConfigValue(std::string_view text, std::string_view key);

/// Reads the configuration and the flags of the kubelet that runs; of one that does not, the files
/// that kubeadm writes. `root` stands for "/". Empty where there is no kubelet here.
[[nodiscard]] std::optional<KubeletFacts> FindKubelet(const std::filesystem::path& root);

/// Whether they fit the engine's cgroup driver (empty: not known) and our endpoint.
[[nodiscard]] Findings JudgeKubelet(const std::optional<KubeletFacts>& kubelet,
                                    const std::string& engine_cgroup_driver,
                                    const std::string& our_endpoint);

}  // namespace dockershimd::shim::check
