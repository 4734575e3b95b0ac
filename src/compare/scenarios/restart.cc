// The runtime is restarted while a pod runs. Only with --restart-left or --restart-right.
#include <algorithm>

#include "base/process.h"
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

bool RunShell(Session& s, const std::string& command) {
  const auto context = base::CallContext{
      base::CallContext::Clock::now() + std::chrono::minutes(2), {}, s.StopToken()};
  const base::Command shell{{"/bin/sh", "-c", command}, base::OwnEnvironment(), {}};
  const auto output = base::Run(context, shell);
  const bool done = output && output->exit_code == 0;
  s.Verify("the restart command succeeds", done,
           !output ? output.error().message : output->standard_error);
  return done;
}

/// What kubelet waits for before it asks anything else.
bool IsReady(Session& s) {
  const auto answer = s.Try(&Runtime::Status, cri::StatusRequest());
  if (!answer) return false;
  const auto& conditions = answer->status().conditions();
  return std::any_of(conditions.begin(), conditions.end(), [](const auto& condition) {
    return condition.type() == "RuntimeReady" && condition.status();
  });
}

void Restart(Session& s) {
  if (s.RestartCommand().empty()) return;
  const auto pod = s.RunPod(s.PodConfig("restart"));
  const auto config = s.Shell(
      "main", "trap 'exit 5' TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done");
  const auto id = s.Run(pod, config);
  s.Verify("it writes", s.WaitForLog(pod, config, "line 2\n"));
  const auto before = s.Status(id).status();
  if (!RunShell(s, s.RestartCommand())) return;
  s.Verify("it is ready again", s.WaitUntil([&] { return IsReady(s); }, std::chrono::seconds(60)));
  s.Verify("the pod is still ready",
           s.WaitUntil([&] { return s.PodStatus(pod).status().state() == cri::SANDBOX_READY; }));
  const auto after = s.Status(id).status();
  s.Verify("the container's status is the same",
           before.SerializeAsString() == after.SerializeAsString());
  s.Record("after the restart", s.Status(id));
  s.Observe("exec works", s.Output(id, "echo yes"));
  const auto seen = s.Log(pod, config).size();
  s.Verify("the log goes on", s.WaitUntil([&] { return s.Log(pod, config).size() > seen; }));
  s.Stop(id);
  s.Record("stopped after the restart", s.Status(id));
}

constexpr Scenario kScenarios[] = {
    {"restart/runtime", "the runtime is restarted under a running pod", Restart},
};

}  // namespace

std::span<const Scenario> RestartScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
