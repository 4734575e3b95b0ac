// Drives CRI runtimes as a kubelet does and prints what each call costs at each of them.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>

#include "churn.h"
#include "contender.h"
#include "polling.h"
#include "reads.h"
#include "recording.h"
#include "targets.h"

namespace dockershimd::bench {
namespace {

struct Options {
  std::vector<std::string> environments;  ///< NAME,PID,STATE
  std::string replay;                     ///< the program
  std::string recording;
  std::string json;
  std::vector<int> sizes;
  int pods = 60;
  int churn = 80;
  int polling_seconds = 60;
  Effort effort;
};

class Comparison {
 public:
  explicit Comparison(Options options)
      : options_(std::move(options)),
        contenders_(ContendersOf(options_.environments)),
        figures_(Columns(contenders_)) {
    const auto ours = std::find_if(contenders_.begin(), contenders_.end(),
                                   [](const auto& one) { return one->name == kOurs; });
    if (!options_.replay.empty() && ours != contenders_.end()) {
      auto recording = Recording::Load(options_.recording);
      if (!recording) throw std::runtime_error(recording.error().message);
      recording_ = std::move(*recording);
      replay_ = std::make_unique<ReplayProcess>(options_.replay, (*ours)->environment.Init(),
                                                options_.recording);
    }
  }

  base::Status Run() {
    for (const int size : options_.sizes) {
      if (size >= options_.pods) continue;
      if (auto grown = MeasureSize(size, false); !grown) return grown;
    }
    if (auto grown = MeasureSize(options_.pods, true); !grown) return grown;
    Say("starting and stopping pods");
    if (auto done = MeasureChurn(options_.churn, contenders_, replay_.get(), figures_); !done) {
      return done;
    }
    Say("polling as a kubelet does");
    MeasurePolling(std::chrono::seconds(options_.polling_seconds), contenders_, figures_);
    NoteMemory("after polling");
    MeasureIdle(std::chrono::seconds(options_.polling_seconds / 2), contenders_, figures_);
    return Grow();
  }

  void Print() const {
    const auto targets = Targets(options_.pods);
    std::cout << "\nx: ours in terms of the peer's median\n\n"
              << figures_.Table() << "\n"
              << TextOf(targets, figures_);
    if (recording_) std::cout << "\nDocker calls of a pod:\n" << recording_->CallsText();
    if (options_.json.empty()) return;
    const nlohmann::json all{{"figures", figures_.ToJson()},
                             {"targets", ToJson(targets, figures_)}};
    std::ofstream(options_.json) << all.dump(2) << "\n";
  }

 private:
  static std::vector<std::string> Columns(const Contenders& contenders) {
    std::vector<std::string> names;
    for (const auto& contender : contenders) names.push_back(contender->name);
    names.push_back(kReplay);
    return names;
  }

  static void Say(const std::string& what) { std::cerr << "bench: " << what << std::endl; }

  void NoteMemory(const std::string& when) {
    for (const auto& contender : contenders_) {
      const auto use = contender->environment.Memory();
      const auto note = [&](const std::string& kind, double kib) {
        figures_.At(fmt::format("{} {}, MiB", kind, when), contender->name).samples = {kib / 1024};
      };
      note("RSS", use.resident);
      note("RSS of its own data", use.anonymous);
      note("RSS of program files", use.file);
    }
  }

  base::Status MeasureSize(int pods, bool everything) {
    Say(fmt::format("{} pods", pods));
    if (auto grown = GrowTo(pods, contenders_); !grown) return grown;
    auto reads = Lists();
    if (everything) {
      auto more = OtherReads();
      reads.insert(reads.end(), more.begin(), more.end());
    }
    for (const auto& read : reads) {
      const auto figure = FigureOf(read.name, pods);
      Measure(figure, read.call, options_.effort, contenders_, figures_);
      // A peer may not have a call; we have all.
      const auto* ours = figures_.Find(figure, kOurs);
      if (ours != nullptr && !ours->failure.empty()) {
        return base::Fail(base::Code::kInternal, "{} fails: {}", figure, ours->failure);
      }
    }
    NoteMemory(fmt::format("at {} pods", pods));
    return {};
  }

  base::Status Grow() {
    // The peers have shown what they need.
    std::erase_if(contenders_, [](const auto& one) { return one->name != kOurs; });
    for (const int size : options_.sizes) {
      if (size <= options_.pods) continue;
      if (auto grown = MeasureSize(size, false); !grown) return grown;
    }
    return {};
  }

  Options options_;
  Contenders contenders_;
  Figures figures_;
  std::optional<Recording> recording_;
  std::unique_ptr<ReplayProcess> replay_;
};

}  // namespace
}  // namespace dockershimd::bench

int main(int argc, char** argv) {
  using namespace dockershimd::bench;
  ::signal(SIGPIPE, SIG_IGN);
  Options options;
  CLI::App app("Compares CRI runtimes; see tests/bench/run.", "bench_compare");
  app.add_option("--environment", options.environments, "NAME,PID,STATE of each runtime")
      ->required();
  app.add_option("--replay", options.replay, "bench_replay");
  app.add_option("--recording", options.recording, "what bench_recorder wrote");
  app.add_option("--json", options.json, "writes the figures there, too");
  app.add_option("--sizes", options.sizes, "further numbers of pods")->delimiter(',');
  app.add_option("--pods", options.pods, "pods of each runtime");
  app.add_option("--churn", options.churn, "pods started and stopped at each runtime");
  app.add_option("--polling-seconds", options.polling_seconds, "how long kubelet polls");
  app.add_option("--rounds", options.effort.rounds, "calls for one figure");
  CLI11_PARSE(app, argc, argv);
  try {
    Comparison comparison(options);
    const auto done = comparison.Run();
    comparison.Print();
    if (!done) std::cerr << "bench: " << done.error().message << "\n";
    return done ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}
