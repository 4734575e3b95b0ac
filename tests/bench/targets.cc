#include "targets.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "reads.h"

namespace dockershimd::bench {
namespace {

Target AtMostTimes(const std::string& figure, double limit, const std::string& peer) {
  return {fmt::format("{}: at most {} times {}'s", figure, limit, peer),
          [=](const Figures& figures) { return figures.Ratio(figure, kOurs, peer); }, limit};
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

std::string Verdict(const std::optional<double>& reached, double limit) {
  if (!reached) return "not measured";
  return *reached <= limit ? "ok" : "MISSED";
}

}  // namespace

std::vector<Target> Targets(int pods) {
  const auto at = [&](const char* call) { return FigureOf(call, pods); };
  return {
      AtMostTimes(at("ListPodSandbox"), 1, "containerd"),
      AtMostTimes(at("ListContainers"), 1, "containerd"),
      AtMostTimes(at("ListImages"), 1, "containerd"),
      AtMostTimes(at("ListContainerStats"), 0.1, "containerd"),
      AtMostTimes(at("ListContainerStats"), 0.002, "cri-dockerd"),
      NoneMissing(at("ListContainerStats")),
      AtMostTimes(at("ListPodSandboxStats"), 0.1, "containerd"),
      NoneMissing(at("ListPodSandboxStats")),
      AtMostTimes("kubelet polls: daemon + engine, cpu-ms/s", 0.1, "cri-dockerd"),
      AtMost("PLEG relist, ms", 5),
      AtMost(fmt::format("RSS at {} pods, MiB", pods), 20),
      AtMostTimes("pod start, ms", 1.03, kReplay),
      AtMostTimes("pod stop and remove, ms", 0.85, kReplay),
  };
}

std::string TextOf(const std::vector<Target>& targets, const Figures& figures) {
  std::string text;
  for (const auto& target : targets) {
    const auto reached = target.reached(figures);
    text += fmt::format("{:<12}  {:>8}  {}\n", Verdict(reached, target.limit),
                        reached ? Short(*reached) : "", target.text);
  }
  return text;
}

nlohmann::json ToJson(const std::vector<Target>& targets, const Figures& figures) {
  auto all = nlohmann::json::array();
  for (const auto& target : targets) {
    const auto reached = target.reached(figures);
    auto& row = all.emplace_back(nlohmann::json{{"target", target.text},
                                                {"limit", target.limit},
                                                {"verdict", Verdict(reached, target.limit)}});
    if (reached) row["reached"] = *reached;
  }
  return all;
}

}  // namespace dockershimd::bench
