#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "criclient/client.h"
#include "process_view.h"
#include "random_config.h"

namespace dockershimd::tests {

/// A started random pod.
struct RunningPod {
  std::string pod_id;
  std::string container_id;
  ProcessView pause;
  ProcessView process;  ///< the container's first
};

/// Looks for each field of a random pod where the kernel and where CRI shows it. Each line of the
/// answers names a field that does not show as it should, with what was seen and expected.
class FieldChecks {
 public:
  FieldChecks(criclient::Client& cri, const Host& host) : cri_(cri), host_(host) {}

  [[nodiscard]] std::vector<std::string> Running(const RandomPod& random, const RunningPod& seen);
  /// After an update with `random.changed`.
  [[nodiscard]] std::vector<std::string> Updated(const RandomPod& random, const RunningPod& seen);
  /// After StopContainer.
  [[nodiscard]] std::vector<std::string> Stopped(const RandomPod& random, const RunningPod& seen);

 private:
  template <class Seen, class Expected>
  void Expect(const std::string& field, const Seen& seen, const Expected& expected);

  void PodStatusEchoes(const RandomPod& random, const RunningPod& seen);
  void ContainerStatusEchoes(const RandomPod& random, const RunningPod& seen);
  void Pause(const RandomPod& random, const RunningPod& seen);
  void Network(const RandomPod& random, const RunningPod& seen);
  void Process(const RandomPod& random, const RunningPod& seen);
  void Namespaces(const RandomPod& random, const RunningPod& seen);
  void Mounts(const RandomPod& random, const RunningPod& seen);
  void Devices(const RandomPod& random, const RunningPod& seen);
  void User(const RandomPod& random, const RunningPod& seen);
  void Security(const RandomPod& random, const RunningPod& seen);
  void Resources(const runtime::v1::LinuxContainerResources& asked, const RunningPod& seen);
  void StatusResources(const runtime::v1::LinuxContainerResources& asked,
                       const runtime::v1::LinuxContainerResources& shown);
  /// What a command prints in the container.
  [[nodiscard]] std::string Inside(const RunningPod& seen, const std::vector<std::string>& command);

  criclient::Client& cri_;
  const Host& host_;
  std::vector<std::string> wrong_;
};

}  // namespace dockershimd::tests
