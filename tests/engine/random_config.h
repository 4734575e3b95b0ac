#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "cri/runtime/v1/api.pb.h"

namespace dockershimd::tests {

/// What the generator and the checks must know of the engine and of this host.
struct Host {
  std::string folder;           ///< for the sources of mounts and for profiles
  std::string runtime_handler;  ///< one that the engine knows
  std::string node_address;
  std::uint64_t capabilities = 0;  ///< those that a container can have at most
  bool has_image_mounts = false;
  bool has_cdi = false;
  bool has_seccomp = false;
  bool has_apparmor = false;
  bool is_cgroup_v2 = false;
};

/// A pod and its container with something in each field that can be honoured here.
struct RandomPod {
  runtime::v1::PodSandboxConfig pod;
  runtime::v1::ContainerConfig container;
  std::string runtime_handler;
  runtime::v1::LinuxContainerResources changed;  ///< for an update afterwards
};

/// Numbers by their bits, as in /proc/PID/status.
[[nodiscard]] std::uint64_t CapabilityBit(std::string name);

/// The signal's number on Linux; SIGNAL_RUNTIME_DEFAULT means SIGTERM.
[[nodiscard]] int SignalNumber(runtime::v1::Signal signal);

/// Makes pods from a seed: the same seed, the same pods.
class RandomConfig {
 public:
  /// Puts what mounts and profiles need into the host's folder.
  RandomConfig(const Host& host, unsigned seed);

  [[nodiscard]] RandomPod Next();

  /// The images that containers are made from or have mounted.
  [[nodiscard]] static std::vector<std::string> Images();

 private:
  [[nodiscard]] bool Chance(int percent);
  [[nodiscard]] std::int64_t Between(std::int64_t lowest, std::int64_t highest);
  template <class T>
  [[nodiscard]] T Pick(const std::vector<T>& from);
  /// Each of them with the chance.
  [[nodiscard]] std::vector<std::string> Some(const std::vector<std::string>& from, int percent);

  void FillNotes(google::protobuf::Map<std::string, std::string>* notes);
  void FillNamespaces(RandomPod* random);
  void FillPod(RandomPod* random);
  void FillPodSecurity(runtime::v1::LinuxSandboxSecurityContext* security);
  void FillSysctls(runtime::v1::PodSandboxConfig* pod);
  void FillProcess(RandomPod* random);
  void FillMounts(runtime::v1::ContainerConfig* container);
  void FillDevices(runtime::v1::ContainerConfig* container);
  void FillResources(runtime::v1::LinuxContainerResources* resources);
  void FillCapabilities(runtime::v1::Capability* capabilities);
  void FillUser(runtime::v1::LinuxContainerSecurityContext* security);
  void FillSecurity(RandomPod* random);
  template <class Security>
  void FillProfiles(Security* security);

  Host host_;
  std::mt19937 random_;
  int number_ = 0;
};

}  // namespace dockershimd::tests
