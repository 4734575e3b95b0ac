#include "churn.h"

#include <fmt/format.h>

#include <algorithm>

namespace dockershimd::bench {
namespace {

const std::string kStart = "pod start, ms";
const std::string kStop = "pod stop and remove, ms";

/// One of those who run pods: a contender or the replay.
struct Runner {
  std::string name;
  const Environment* environment;
  std::function<base::Status(const Pod&)> start;
  std::function<base::Status()> stop;
};

Runner RunnerOf(Contender& contender) {
  auto running = std::make_shared<RunningPod>();
  return {contender.name, &contender.environment,
          [&contender, running](const Pod& pod) -> base::Status {
            auto started = Start(contender.client, pod);
            if (!started) return base::Fail(started.error());
            *running = std::move(*started);
            return {};
          },
          [&contender, running] { return StopAndRemove(contender.client, *running); }};
}

Runner RunnerOf(ReplayProcess& replay, const Environment& environment) {
  return {kReplay, &environment, [&replay](const Pod& pod) { return replay.Start(pod.name); },
          [&replay] { return replay.Stop(); }};
}

base::Status Timed(const std::function<base::Status()>& work, Value& value) {
  base::Status done;
  value.samples.push_back(Milliseconds([&] { done = work(); }));
  return done;
}

base::Status RunOnce(const Runner& runner, const std::string& pod_name, Figures& figures) {
  const auto pod = MakePod(runner.environment->State(), pod_name);
  auto done = Timed([&] { return runner.start(pod); }, figures.At(kStart, runner.name));
  if (done) done = Timed(runner.stop, figures.At(kStop, runner.name));
  if (!done) return base::Fail(done.error(), runner.name + ": " + pod_name);
  runner.environment->RemoveCgroup(CgroupOf(pod));
  return {};
}

}  // namespace

base::Status GrowTo(int count, Contenders& contenders) {
  for (auto& contender : contenders) {
    while (contender->pods.size() < static_cast<std::size_t>(count)) {
      const auto name = fmt::format("steady-{}", contender->pods.size());
      auto started = Start(contender->client, MakePod(contender->environment.State(), name));
      if (!started) return base::Fail(started.error(), contender->name + ": " + name);
      contender->pods.push_back(std::move(*started));
    }
  }
  return {};
}

base::Status MeasureChurn(int rounds, Contenders& contenders, ReplayProcess* replay,
                          Figures& figures) {
  std::vector<Runner> runners;
  for (auto& contender : contenders) {
    runners.push_back(RunnerOf(*contender));
    if (replay != nullptr && contender->name == kOurs) {
      runners.push_back(RunnerOf(*replay, contender->environment));
    }
  }
  Figures warm_up({});
  for (int round = -1; round < rounds; ++round) {
    for (const auto& runner : runners) {
      const auto name = fmt::format("churn-{}-{}", runner.name, round + 1);
      if (auto done = RunOnce(runner, name, round < 0 ? warm_up : figures); !done) return done;
    }
    std::rotate(runners.begin(), runners.begin() + 1, runners.end());
  }
  return {};
}

}  // namespace dockershimd::bench
