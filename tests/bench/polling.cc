#include "polling.h"

#include <thread>

namespace dockershimd::bench {
namespace {

constexpr const char* kPolls = "kubelet polls";
constexpr const char* kIdle = "idle";

namespace cri = runtime::v1;
using Runtime = cri::RuntimeService::StubInterface;
using ImageApi = cri::ImageService::StubInterface;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

void Relist(Contender& contender, Value& took) {
  auto& client = contender.client;
  took.samples.push_back(Milliseconds([&] {
    (void)client.Call(&Runtime::ListPodSandbox, cri::ListPodSandboxRequest());
    (void)client.Call(&Runtime::ListContainers, cri::ListContainersRequest());
  }));
}

void AskStatuses(Contender& contender) {
  const auto& pod = contender.AnyPod();
  cri::PodSandboxStatusRequest sandbox;
  sandbox.set_pod_sandbox_id(pod.sandbox_id);
  (void)contender.client.Call(&Runtime::PodSandboxStatus, sandbox);
  cri::ContainerStatusRequest container;
  container.set_container_id(pod.container_id);
  (void)contender.client.Call(&Runtime::ContainerStatus, container);
}

void AskCounters(Contender& contender) {
  (void)contender.client.Call(&Runtime::ListContainerStats, cri::ListContainerStatsRequest());
  (void)contender.client.Call(&ImageApi::ImageFsInfo, cri::ImageFsInfoRequest());
}

/// Kubelet's loops do not wait for each other; relists go on while stats take their time.
void Poll(Contender& contender, Clock::time_point end, Value& relist) {
  std::jthread counters([&] {
    for (auto next = Clock::now(); next < end; next += seconds(10)) {
      std::this_thread::sleep_until(next);
      AskCounters(contender);
    }
  });
  int round = 0;
  for (auto next = Clock::now(); next < end; next += seconds(1), ++round) {
    std::this_thread::sleep_until(next);
    Relist(contender, relist);
    AskStatuses(contender);
    if (round % 5 == 0) (void)contender.client.Call(&Runtime::Status, cri::StatusRequest());
  }
  std::this_thread::sleep_until(end);
}

std::string AllCpu(const std::string& what) { return what + ": daemon + engine, cpu-ms/s"; }

/// Runs `work` and notes what CPU each contender used meanwhile, each second.
template <class Work>
void MeasureCpu(const std::string& what, Contenders& contenders, Figures& figures,
                const Work& work) {
  std::vector<CpuUse> before;
  for (const auto& contender : contenders) before.push_back(contender->environment.Cpu());
  const double elapsed = Milliseconds(work) / 1000;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const auto& name = contenders[i]->name;
    const auto after = contenders[i]->environment.Cpu();
    const auto rate = [&](std::int64_t nanos) {
      return static_cast<double>(nanos) / 1e6 / elapsed;
    };
    const double daemon = rate(after.daemon - before[i].daemon);
    const double engine = rate(after.engine - before[i].engine);
    figures.At(AllCpu(what), name).samples = {daemon + engine};
    figures.At(what + ": daemon, cpu-ms/s", name).samples = {daemon};
    figures.At(what + ": engine, cpu-ms/s", name).samples = {engine};
    figures.At(what + ": shims, cpu-ms/s", name).samples = {rate(after.shims - before[i].shims)};
  }
}

}  // namespace

void MeasurePolling(seconds duration, Contenders& contenders, Figures& figures) {
  std::vector<Value> relists(contenders.size());
  MeasureCpu(kPolls, contenders, figures, [&] {
    const auto end = Clock::now() + duration;
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      threads.emplace_back([&, i] { Poll(*contenders[i], end, relists[i]); });
    }
  });
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    figures.At("PLEG relist, ms", contenders[i]->name) = std::move(relists[i]);
  }
}

void MeasureIdle(seconds duration, Contenders& contenders, Figures& figures) {
  MeasureCpu(kIdle, contenders, figures, [&] { std::this_thread::sleep_for(duration); });
  for (const auto& contender : contenders) {
    const auto polled = figures.At(AllCpu(kPolls), contender->name).Median();
    const auto idle = figures.At(AllCpu(kIdle), contender->name).Median();
    auto& beyond = figures.At(kPollingBeyondIdle, contender->name);
    if (polled && idle && *polled > *idle) beyond.samples = {*polled - *idle};
  }
}

}  // namespace dockershimd::bench
