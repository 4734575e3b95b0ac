#include "compare/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace dockershimd::compare {
namespace {

constexpr double kLabels = 190;  ///< room for the names on the left
constexpr double kPlot = 560;    ///< width of what is drawn
constexpr double kMargin = 70;   ///< for figures behind the bars

std::string Begin(double height, const std::string& title) {
  return fmt::format(
      "<svg viewBox=\"0 0 {0:.0f} {1:.0f}\" width=\"{0:.0f}\" height=\"{1:.0f}\" role=\"img\" "
      "aria-label=\"{2}\">\n",
      kLabels + kPlot + kMargin, height, Escaped(title));
}

std::string Text(double x, double y, const std::string& text, const char* anchor,
                 const char* style = "") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n",
                     x, y, anchor, style, Escaped(text));
}

std::string Line(double x1, double y1, double x2, double y2, const char* style, double width) {
  return fmt::format(
      "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" class=\"{}\" "
      "stroke-width=\"{}\"/>\n",
      x1, y1, x2, y2, style, width);
}

/// Totals of all scenarios of one noun, checks and values together.
struct NounTotals {
  std::string noun;
  Totals totals;
};

std::vector<NounTotals> ByNoun(const Report& report) {
  std::vector<NounTotals> nouns;
  for (const auto& scenario : report.scenarios) {
    const auto noun = scenario.name.substr(0, scenario.name.find('/'));
    if (nouns.empty() || nouns.back().noun != noun) nouns.push_back({noun, {}});
    for (const auto& part : {CheckTotals(scenario.comparison), ValueTotals(scenario.comparison)}) {
      nouns.back().totals.compared += part.compared;
      nouns.back().totals.explained += part.explained;
      nouns.back().totals.unexplained += part.unexplained;
    }
  }
  return nouns;
}

/// The logarithmic axis from the power of ten below the least to that above the most.
class LogAxis {
 public:
  explicit LogAxis(const std::vector<Latency>& latencies) {
    double least = 1e9;
    double most = 0;
    for (const auto& row : latencies) {
      for (const auto& side : {row.left, row.right}) {
        least = std::min(least, std::max(side.p50, 1e-3));
        most = std::max(most, side.p99);
      }
    }
    first_ = static_cast<int>(std::floor(std::log10(least)));
    last_ = std::max(first_ + 1, static_cast<int>(std::ceil(std::log10(std::max(most, 1e-3)))));
  }

  [[nodiscard]] double At(double milliseconds) const {
    const double share =
        (std::log10(std::max(milliseconds, 1e-3)) - first_) / static_cast<double>(last_ - first_);
    return kLabels + std::clamp(share, 0.0, 1.0) * kPlot;
  }
  [[nodiscard]] int First() const { return first_; }
  [[nodiscard]] int Last() const { return last_; }

 private:
  int first_ = 0;
  int last_ = 1;
};

std::string Grid(const LogAxis& axis, double top, double bottom) {
  std::string svg;
  for (int power = axis.First(); power <= axis.Last(); ++power) {
    const double value = std::pow(10.0, power);
    const double x = axis.At(value);
    svg += Line(x, top, x, bottom, "line", 1);
    svg += Text(x, bottom + 16, fmt::format("{:g} ms", value), "middle", "soft");
  }
  return svg;
}

/// A line from p50 to p99 with a dot at p50 and a tick at p90.
std::string Range(const LogAxis& axis, double y, const Distribution& times, const char* style) {
  const double p90 = axis.At(times.p90);
  return Line(axis.At(times.p50), y, axis.At(times.p99), y, style, 2) +
         Line(p90, y - 4, p90, y + 4, style, 2) +
         fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\" class=\"{}\"/>\n",
                     axis.At(times.p50), y, style);
}

std::string Legend(double y) {
  return fmt::format("<circle cx=\"{0:.0f}\" cy=\"{1:.0f}\" r=\"4.5\" class=\"left\"/>\n", kLabels,
                     y) +
         Text(kLabels + 10, y + 4, "left", "start") +
         fmt::format("<circle cx=\"{0:.0f}\" cy=\"{1:.0f}\" r=\"4.5\" class=\"right\"/>\n",
                     kLabels + 60, y) +
         Text(kLabels + 70, y + 4, "right", "start") +
         Text(kLabels + 130, y + 4, "dot p50, tick p90, end of line p99", "start", "soft");
}

}  // namespace

std::string ParityChart(const Report& report) {
  constexpr double kRow = 24;
  const auto nouns = ByNoun(report);
  std::string svg = Begin(kRow * static_cast<double>(nouns.size()) + 34,
                          "Share of checks and values that are the same, differ for a known "
                          "reason, or differ unexplained, for each kind of scenario");
  double y = 4;
  for (const auto& [noun, totals] : nouns) {
    svg += Text(kLabels - 10, y + 14, noun, "end");
    double x = kLabels;
    const auto part = [&](std::size_t count, const char* style) {
      if (count == 0 || totals.compared == 0) return;
      // What is there can be seen, however little it is.
      const double width =
          std::max(2.0, kPlot * static_cast<double>(count) / static_cast<double>(totals.compared));
      svg += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"16\" "
          "class=\"{}\"><title>{} {}</title></rect>\n",
          x, y + 2, width, style, noun, count);
      x += width;
    };
    part(totals.Same(), "same");
    part(totals.explained, "known");
    part(totals.unexplained, "open");
    svg += Text(kLabels + kPlot + kMargin, y + 14,
                fmt::format("{}/{}", totals.Same(), totals.compared), "end", "soft");
    y += kRow;
  }
  const auto legend = [&](double x, const char* style, const char* text) {
    svg += fmt::format("<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"12\" height=\"12\" class=\"{}\"/>",
                       x, y + 8, style);
    svg += Text(x + 18, y + 18, text, "start");
  };
  legend(kLabels, "same", "the same");
  legend(kLabels + 110, "known", "known difference");
  legend(kLabels + 270, "open", "unexplained");
  return svg + "</svg>\n";
}

std::string LatencyChart(const std::vector<Latency>& latencies) {
  constexpr double kRow = 30;
  constexpr double kTop = 28;
  const LogAxis axis(latencies);
  const double bottom = kTop + kRow * static_cast<double>(latencies.size());
  std::string svg = Begin(bottom + 24,
                          "Latency of each RPC on both sides; the table below has "
                          "the same figures");
  svg += Legend(12);
  svg += Grid(axis, kTop, bottom);
  double y = kTop;
  for (const auto& row : latencies) {
    svg += Text(kLabels - 10, y + kRow / 2 + 4, row.rpc, "end");
    svg += Range(axis, y + 10, row.left, "left");
    svg += Range(axis, y + 21, row.right, "right");
    y += kRow;
  }
  return svg + "</svg>\n";
}

}  // namespace dockershimd::compare
