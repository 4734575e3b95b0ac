#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fake_engine.h"
#include "recording.h"
#include "shim/network/cni_config.h"
#include "workload.h"

namespace dockershimd::bench {

/// An engine that says it runs any number of pods, each as a real engine showed the recorded one:
/// inspect bodies, log files, kubelet's files and CNI's cached results. Their processes are all
/// this one: there are no counters to read.
class SimulatedNode {
 public:
  /// `state` is DSD_TEST_STATE: all files are made below it, and CNI's where the environment says.
  /// Throws what goes wrong.
  SimulatedNode(const Recording& recording, const std::string& state, int pods);
  ~SimulatedNode();
  SimulatedNode(const SimulatedNode&) = delete;
  SimulatedNode& operator=(const SimulatedNode&) = delete;

  [[nodiscard]] std::string Socket() const { return engine_.Socket(); }
  [[nodiscard]] const std::vector<RunningPod>& Pods() const { return pods_; }

 private:
  using Replacements = std::vector<std::pair<std::string, std::string>>;

  void AddPod(int number);
  void AddNetwork(const RunningPod& pod, int number) const;
  void Answer();
  void Inspect(const testsupport::EngineRequest& request, testsupport::EngineReply& reply) const;
  void InspectImage(const testsupport::EngineRequest& request,
                    testsupport::EngineReply& reply) const;
  [[nodiscard]] Replacements NamesOf(const RunningPod& pod) const;

  Recording recording_;
  std::string state_;
  std::string recorded_state_;
  std::string sandbox_;    ///< of the recording, with our process id
  std::string container_;  ///< the same
  std::shared_ptr<const shim::network::CniConfig> network_;
  std::vector<RunningPod> pods_;
  testsupport::FakeEngine engine_;
};

}  // namespace dockershimd::bench
