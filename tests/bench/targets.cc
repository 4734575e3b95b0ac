#include "targets.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "polling.h"
#include "reads.h"

namespace dockershimd::bench {
namespace {

Target AtMostTimes(const std::string& figure, double limit, const std::string& peer) {
  return {fmt::format("{}: at most {} times {}'s", figure, limit, peer),
          [=](const Figures& figures) { return figures.Ratio(figure, kOurs, peer); }, limit};
}

Target AtLeastTimes(const std::string& figure, double limit, const std::string& peer) {
  return {fmt::format("{}: at least {} times {}'s", figure, limit, peer),
          [=](const Figures& figures) { return figures.Ratio(figure, kOurs, peer); }, limit, true};
}

Target LastPercentAtMost(const std::string& figure, double limit) {
  return {fmt::format("{}: 99th percentile at most {}", figure, limit),
          [=](const Figures& figures) -> std::optional<double> {
            const auto* value = figures.Find(figure, kOurs);
            return value == nullptr ? std::nullopt : value->Percentile(0.99);
          },
          limit};
}

Target AtMost(const std::string& figure, double limit) {
  return {fmt::format("{}: at most {}", figure, limit),
          [=](const Figures& figures) -> std::optional<double> {
            const auto* value = figures.Find(figure, kOurs);
            return value == nullptr ? std::nullopt : value->Median();
          },
          limit};
}

/// `figure` counts what is missing: the note says "<in the answer> of <all>".
Target NoneMissing(const std::string& figure) {
  return {figure + ": pods missing in the answer",
          [=](const Figures& figures) -> std::optional<double> {
            const auto* value = figures.Find(figure, kOurs);
            if (value == nullptr || value->note.empty()) return std::nullopt;
            const auto all = value->note.find(" of ");
            return std::stod(value->note.substr(all + 4)) - std::stod(value->note);
          },
          0};
}

std::string Verdict(const std::optional<double>& reached, const Target& target) {
  if (!reached) return "not measured";
  const bool met = target.at_least ? *reached >= target.limit : *reached <= target.limit;
  return met ? "ok" : "MISSED";
}

}  // namespace

std::vector<Target> Targets(int pods) {
  const auto at = [&](const char* call) { return FigureOf(call, pods); };
  return {
      AtMostTimes(at("ListPodSandbox"), 1, "containerd"),
      // A stall of a tenth of a second in each has been overlooked before.
      LastPercentAtMost(at("ListPodSandbox"), 20),
      AtMostTimes(at("ListContainers"), 1, "containerd"),
      AtMostTimes(at("ListImages"), 1, "containerd"),
      AtMostTimes(at("ListContainerStats"), 0.1, "containerd"),
      AtMostTimes(at("ListContainerStats"), 0.002, "cri-dockerd"),
      NoneMissing(at("ListContainerStats")),
      AtMostTimes(at("ListPodSandboxStats"), 0.1, "containerd"),
      NoneMissing(at("ListPodSandboxStats")),
      AtMostTimes(kPollingBeyondIdle, 0.1, "cri-dockerd"),
      AtMost("PLEG relist, ms", 5),
      AtMost(fmt::format("RSS at {} pods, MiB", pods), 20),
      AtMostTimes("pod start, ms", 1.03, kReplay),
      AtMostTimes("pod stop and remove, ms", 0.85, kReplay),
  };
}

std::vector<Target> LogTargets() {
  std::vector<Target> targets;
  for (const char* load : {"lines of 100 bytes", "lines of 4 KiB"}) {
    const std::string figure(load);
    targets.push_back(AtMostTimes(figure + ": all, cpu-ms/MiB", 1.1, "cri-dockerd"));
    targets.push_back(AtLeastTimes(figure + ": MiB/s", 1, "containerd"));
  }
  targets.push_back(LastPercentAtMost("1 MiB/s: lag, ms", 50));
  return targets;
}

std::string TextOf(const std::vector<Target>& targets, const Figures& figures) {
  std::string text;
  for (const auto& target : targets) {
    const auto reached = target.reached(figures);
    text += fmt::format("{:<12}  {:>8}  {}\n", Verdict(reached, target),
                        reached ? Short(*reached) : "", target.text);
  }
  return text;
}

nlohmann::json ToJson(const std::vector<Target>& targets, const Figures& figures) {
  auto all = nlohmann::json::array();
  for (const auto& target : targets) {
    const auto reached = target.reached(figures);
    auto& row = all.emplace_back(nlohmann::json{
        {"target", target.text}, {"limit", target.limit}, {"verdict", Verdict(reached, target)}});
    if (reached) row["reached"] = *reached;
  }
  return all;
}

}  // namespace dockershimd::bench
