#include "compare/run.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/encoding.h"
#include "base/time.h"
#include "compare/glob.h"
#include "compare/round.h"
#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using base::Status;

Result<SideInfo> Introduce(Endpoint& endpoint, const std::stop_token& stop) {
  auto version = endpoint.Call(&Runtime::Version, cri::VersionRequest(), stop);
  if (!version) return Fail(version.error(), endpoint.Address());
  return SideInfo{endpoint.Address(), version->runtime_name(), version->runtime_version()};
}

/// The image on one side; where it was not there before, it is not there after either.
class Image {
 public:
  Image(Endpoint& endpoint, std::string name) : endpoint_(endpoint), name_(std::move(name)) {}
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;
  ~Image() {
    if (!pulled_) return;
    cri::RemoveImageRequest remove;
    remove.mutable_image()->set_image(name_);
    (void)endpoint_.Call(&ImageApi::RemoveImage, remove, {});
  }

  Status Provide(const std::stop_token& stop) {
    cri::ImageStatusRequest status;
    status.mutable_image()->set_image(name_);
    const auto there = endpoint_.Call(&ImageApi::ImageStatus, status, stop);
    if (!there) return Fail(there.error(), endpoint_.Address());
    if (there->has_image()) return {};
    cri::PullImageRequest pull;
    pull.mutable_image()->set_image(name_);
    const auto answer = endpoint_.Call(&ImageApi::PullImage, pull, stop);
    if (!answer) return Fail(answer.error(), endpoint_.Address() + ": " + name_);
    pulled_ = true;
    return {};
  }

 private:
  Endpoint& endpoint_;
  std::string name_;
  bool pulled_ = false;
};

/// The run's folder, gone with it.
class ScratchFolder {
 public:
  explicit ScratchFolder(std::filesystem::path path) : path_(std::move(path)) {}
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::filesystem::path& Path() const { return path_; }

 private:
  std::filesystem::path path_;
};

Result<std::vector<Scenario>> Chosen(const std::vector<std::string>& only) {
  const auto all = AllScenarios();
  if (only.empty()) return all;
  std::vector<Scenario> chosen;
  for (const auto& pattern : only) {
    const bool known = std::any_of(all.begin(), all.end(), [&](const Scenario& scenario) {
      return Fits(pattern, scenario.name);
    });
    if (!known) {
      return Fail(Code::kInvalidArgument, "--only {}: no such scenario; --list shows them",
                  pattern);
    }
  }
  for (const auto& scenario : all) {
    const bool wanted = std::any_of(only.begin(), only.end(), [&](const std::string& pattern) {
      return Fits(pattern, scenario.name);
    });
    if (wanted) chosen.push_back(scenario);
  }
  return chosen;
}

/// One comparison from beginning to end.
class Run {
 public:
  Run(const Options& options, std::stop_token stop, std::ostream& progress)
      : options_(options),
        stop_(std::move(stop)),
        progress_(progress),
        left_("left", options.left),
        right_("right", options.right),
        run_id_("cmp-" + base::RandomHex(4)),
        folder_(std::filesystem::absolute(options.folder) / ("cri-" + run_id_)),
        settings_{run_id_,
                  options.image,
                  options.pull_image,
                  options.runtime_handler,
                  options.cgroup_parent,
                  folder_.Path(),
                  options.restart_left,
                  options.restart_right} {}

  Result<Report> Do() {
    report_.started = base::FormatRfc3339(base::WallClockNow());
    report_.image = options_.image;
    const auto scenarios = Chosen(options_.only);
    if (!scenarios) return Fail(scenarios.error());
    std::vector<Expectation> expectations;
    if (!options_.expect.empty()) {
      auto loaded = LoadExpectations(options_.expect);
      if (!loaded) return Fail(loaded.error());
      expectations = std::move(*loaded);
    }
    if (auto met = Meet(); !met) return Fail(met.error());
    Image left_image(left_, options_.image);
    Image right_image(right_, options_.image);
    for (auto* image : {&left_image, &right_image}) {
      if (auto provided = image->Provide(stop_); !provided) return Fail(provided.error());
    }
    if (auto ran = RunScenarios(*scenarios); !ran) return Fail(ran.error());
    if (auto measured = Measure(); !measured) return Fail(measured.error());
    Explain(expectations);
    report_.violations = ViolationsOf(options_.policy, report_);
    return std::move(report_);
  }

 private:
  Status Meet() {
    auto left = Introduce(left_, stop_);
    if (!left) return Fail(left.error());
    auto right = Introduce(right_, stop_);
    if (!right) return Fail(right.error());
    report_.left = *left;
    report_.right = *right;
    return {};
  }

  Status Interrupted() const {
    if (!stop_.stop_requested()) return {};
    return Fail(Code::kCancelled, "interrupted");
  }

  Status RunScenarios(const std::vector<Scenario>& scenarios) {
    for (const auto& scenario : scenarios) {
      progress_ << scenario.name << std::flush;
      const auto left = RunScenario(scenario, left_, settings_, stop_);
      const auto right = RunScenario(scenario, right_, settings_, stop_);
      auto comparison = Compare(scenario.name, left, right);
      const auto differences =
          CheckTotals(comparison).unexplained + ValueTotals(comparison).unexplained;
      progress_ << fmt::format(": {} differences\n", differences) << std::flush;
      report_.scenarios.push_back({scenario.name, scenario.about, std::move(comparison)});
      if (auto interrupted = Interrupted(); !interrupted) return interrupted;
    }
    return {};
  }

  /// Both sides take turns, and who begins takes turns too: what the machine does besides falls
  /// on both.
  Status Measure() {
    if (options_.rounds == 0) return {};
    auto before_left = UsesOf(options_.left_pids);
    if (!before_left) return Fail(before_left.error());
    auto before_right = UsesOf(options_.right_pids);
    if (!before_right) return Fail(before_right.error());
    for (int round = 0; round < options_.rounds; ++round) {
      progress_ << fmt::format("round {} of {}\n", round + 1, options_.rounds) << std::flush;
      auto& first = round % 2 == 0 ? left_ : right_;
      auto& second = round % 2 == 0 ? right_ : left_;
      for (auto* endpoint : {&first, &second}) {
        if (auto done = OneRound(*endpoint); !done) return done;
      }
    }
    report_.rounds = options_.rounds;
    report_.latencies = CompareLatencies(left_.Samples(), right_.Samples());
    if (auto counted = Count("left", options_.left_pids, *before_left); !counted) return counted;
    return Count("right", options_.right_pids, *before_right);
  }

  Status OneRound(Endpoint& endpoint) {
    const auto findings = RunScenario({"round", "", MeasureRound}, endpoint, settings_, stop_);
    if (auto interrupted = Interrupted(); !interrupted) return interrupted;
    for (const auto& check : findings.checks) {
      if (check.outcome == Outcome::kPass) continue;
      return Fail(Code::kInternal, "{}: measurement failed: {}", endpoint.Address(), check.detail);
    }
    return {};
  }

  Status Count(const std::string& side, const std::vector<std::string>& pids,
               const std::vector<ProcessUse>& before) {
    auto after = UsesOf(pids);
    if (!after) return Fail(after.error());
    for (auto& cost : CostsOf(side, before, *after)) report_.costs.push_back(std::move(cost));
    return {};
  }

  void Explain(const std::vector<Expectation>& expectations) {
    std::vector<std::string> names;
    std::vector<Comparison*> comparisons;
    for (auto& scenario : report_.scenarios) {
      names.push_back(scenario.name);
      comparisons.push_back(&scenario.comparison);
    }
    report_.stale = compare::Explain(expectations, comparisons, names);
  }

  const Options& options_;
  std::stop_token stop_;
  std::ostream& progress_;
  Endpoint left_;
  Endpoint right_;
  std::string run_id_;
  ScratchFolder folder_;
  Settings settings_;
  Report report_;
};

}  // namespace

Result<Report> RunComparison(const Options& options, const std::stop_token& stop,
                             std::ostream& progress) {
  return Run(options, stop, progress).Do();
}

}  // namespace dockershimd::compare
