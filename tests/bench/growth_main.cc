// How the daemon's costs grow with the number of pods, on an engine that only says that it runs
// them: see SimulatedNode. In the environment that with-engine opened, with no engine.
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <thread>

#include "daemon_process.h"
#include "figures.h"
#include "process_use.h"
#include "reads.h"
#include "simulated_node.h"
#include "targets.h"

namespace dockershimd::bench {
namespace {

namespace cri = runtime::v1;
using Runtime = cri::RuntimeService::StubInterface;

/// CRI's container and its sandbox, which is a container of Docker's, too.
constexpr int kContainersOfPod = 2;
/// A status is so short that what else the daemon does meanwhile would count as its cost.
constexpr int kStatusesOfAList = 50;

std::string RssFigure(const std::string& when, int pods) {
  return fmt::format("RSS {} at {} pods, MiB", when, pods);
}

/// What a call costs the daemon. How long it takes is beside that the client's part, which reads
/// the answer: most of the time of a long list.
std::string CpuFigure(const std::string& read, int pods) {
  return fmt::format("{} at {} pods, the daemon's cpu-ms", read, pods);
}

class Growth {
 public:
  Growth(Recording recording, int rounds) : recording_(std::move(recording)), rounds_(rounds) {}

  void Measure(int pods) {
    std::cerr << "bench: " << pods << " simulated pods" << std::endl;
    const std::string state = ::getenv("DSD_TEST_STATE");
    const SimulatedNode node(recording_, state, pods);
    ::setenv("DSD_TEST_DOCKER_SOCKET", node.Socket().c_str(), 1);
    const auto start = std::chrono::steady_clock::now();
    tests::DaemonProcess daemon({"--sandbox-image=" + kPauseImage, "--network=cni"});
    Subject subject(daemon.Endpoint());
    subject.pods = node.Pods();
    WaitFor(subject, node.Pods().back());
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    figures_.At(fmt::format("start until all of {} pods are known, s", pods), kOurs).samples = {
        took.count()};
    // Logs are opened after that, and the watchers look at everything once.
    AwaitRest(daemon.Pid());
    NoteMemory("before a list", pods, daemon.Pid());
    for (const auto& read : Lists()) Time(read, subject, pods, daemon.Pid());
    NoteMemory("after lists", pods, daemon.Pid());
    daemon.Stop();
    std::filesystem::remove_all(state + "/daemon-test");
  }

  [[nodiscard]] const Figures& All() const { return figures_; }

 private:
  void NoteMemory(const std::string& when, int pods, pid_t daemon) {
    const auto use = MemoryOf(daemon);
    figures_.At(RssFigure(when, pods), kOurs).samples = {use.resident / 1024};
    figures_.At("own data, of " + RssFigure(when, pods), kOurs).samples = {use.anonymous / 1024};
  }

  /// Until the daemon has used next to no CPU for some seconds; half a minute at most.
  static void AwaitRest(pid_t daemon) {
    constexpr std::int64_t kRestNanos = 10'000'000;  // in a second
    int calm = 0;
    for (int second = 0; second < 30 && calm < 3; ++second) {
      const auto before = CpuNanosOf(daemon);
      std::this_thread::sleep_for(std::chrono::seconds(1));
      calm = CpuNanosOf(daemon) - before < kRestNanos ? calm + 1 : 0;
    }
  }

  /// The engine lists it last. Not by a list, which would take memory of its own.
  static void WaitFor(Subject& subject, const RunningPod& last) {
    cri::ContainerStatusRequest request;
    request.set_container_id(last.container_id);
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(3);
    while (!subject.client.Call(&Runtime::ContainerStatus, request)) {
      if (std::chrono::steady_clock::now() > end) {
        throw std::runtime_error("the daemon does not show the pods of the simulated engine");
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  void Time(const Read& read, Subject& subject, int pods, pid_t daemon) {
    auto& value = figures_.At(FigureOf(read.name, pods), kOurs);
    const int rounds = read.name.ends_with("Status") ? rounds_ * kStatusesOfAList : rounds_;
    const auto cpu_before = CpuNanosOf(daemon);
    for (int round = 0; round < rounds; ++round) {
      const auto start = std::chrono::steady_clock::now();
      const auto answer = read.call(subject);
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - start;
      if (!answer) throw std::runtime_error(read.name + ": " + answer.error().message);
      value.samples.push_back(took.count());
      value.note = *answer;
    }
    const auto cpu = static_cast<double>(CpuNanosOf(daemon) - cpu_before) / 1e6 / rounds;
    figures_.At(CpuFigure(read.name, pods), kOurs).samples = {cpu};
  }

  Recording recording_;
  int rounds_;
  Figures figures_{{kOurs}};
};

std::optional<double> Median(const Figures& figures, const std::string& figure) {
  const auto* value = figures.Find(figure, kOurs);
  return value == nullptr ? std::nullopt : value->Median();
}

/// How many times as much a call costs at the larger number of pods, divided by `by`.
Target GrowsBy(const std::string& read, int smaller, int larger, double by, double limit,
               const std::string& text) {
  return {fmt::format("{}: {} from {} to {} pods, at most {}", read, text, smaller, larger, limit),
          [=](const Figures& figures) -> std::optional<double> {
            const auto below = Median(figures, CpuFigure(read, smaller));
            const auto above = Median(figures, CpuFigure(read, larger));
            if (!below || !above) return std::nullopt;
            return *above / *below / by;
          },
          limit};
}

Target MemoryOfAContainer(const std::string& when, int smaller, int larger) {
  return {fmt::format("RSS {} for each container from {} to {} pods, KiB: at most 10", when,
                      smaller, larger),
          [=](const Figures& figures) -> std::optional<double> {
            const auto below = Median(figures, RssFigure(when, smaller));
            const auto above = Median(figures, RssFigure(when, larger));
            if (!below || !above) return std::nullopt;
            return (*above - *below) * 1024 / (larger - smaller) / kContainersOfPod;
          },
          10};
}

/// A fifth more than promised is the noise of a machine that does other things, too.
constexpr double kNoise = 1.2;

std::vector<Target> GrowthTargets(const std::vector<int>& sizes) {
  const int first = sizes.front();
  const int last = sizes.back();
  // A small list's cost is that of a call: the slope is seen between the larger ones.
  const int middle = sizes[sizes.size() > 1 ? sizes.size() - 2 : 0];
  const double more = static_cast<double>(last) / middle;
  std::vector<Target> targets;
  for (const char* list : {"ListPodSandbox", "ListContainers"}) {
    targets.push_back(GrowsBy(list, middle, last, more, kNoise, "growth beside the pods'"));
  }
  for (const char* status : {"PodSandboxStatus", "ContainerStatus"}) {
    targets.push_back(GrowsBy(status, first, last, 1, kNoise, "growth"));
  }
  for (const char* when : {"before a list", "after lists"}) {
    targets.push_back(MemoryOfAContainer(when, first, last));
  }
  return targets;
}

}  // namespace
}  // namespace dockershimd::bench

int main(int argc, char** argv) {
  using namespace dockershimd::bench;
  ::signal(SIGPIPE, SIG_IGN);
  std::string recording_file;
  std::string json;
  std::vector<int> sizes = {60, 1000, 5000};
  int rounds = 100;
  CLI::App app("Costs by the number of pods on a simulated engine; see tests/bench/run.",
               "bench_growth");
  app.add_option("--recording", recording_file, "what bench_recorder wrote")->required();
  app.add_option("--sizes", sizes, "numbers of pods, the smallest first")->delimiter(',');
  app.add_option("--rounds", rounds, "calls for one figure");
  app.add_option("--json", json, "writes the figures there, too");
  CLI11_PARSE(app, argc, argv);
  try {
    auto recording = Recording::Load(recording_file);
    if (!recording) throw std::runtime_error(recording.error().message);
    Growth growth(std::move(*recording), rounds);
    for (const int size : sizes) growth.Measure(size);
    const auto targets = GrowthTargets(sizes);
    std::cout << growth.All().Table() << "\n" << TextOf(targets, growth.All());
    if (json.empty()) return EXIT_SUCCESS;
    const nlohmann::json all{{"figures", growth.All().ToJson()},
                             {"targets", ToJson(targets, growth.All())}};
    std::ofstream(json) << all.dump(2) << "\n";
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "bench_growth: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}
