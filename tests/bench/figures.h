#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace dockershimd::bench {

inline const std::string kOurs = "dockershimd";
/// The same Docker and CNI calls without a daemon, one after the other.
inline const std::string kReplay = "replay";
/// A container that Docker runs for itself, seen by no daemon.
inline const std::string kDockerAlone = "Docker alone";
/// The same with log_plugin, with and without Docker's cache of the log.
inline const std::string kPlugin = "plugin";
inline const std::string kBarePlugin = "bare plugin";

/// What was seen of one figure at one contender.
struct Value {
  std::vector<double> samples;
  std::string note;     ///< what the answer held: "60 of 60 pods"
  std::string failure;  ///< why there are no samples

  /// 0 < `part` <= 1; no value without samples.
  [[nodiscard]] std::optional<double> Percentile(double part) const;
  [[nodiscard]] std::optional<double> Median() const { return Percentile(0.5); }
};

/// All figures of a run, by figure and contender, in the order in which they came.
class Figures {
 public:
  explicit Figures(std::vector<std::string> contenders) : contenders_(std::move(contenders)) {}

  /// The figure's name says the unit: "pod start, ms".
  Value& At(const std::string& figure, const std::string& contender);
  [[nodiscard]] const Value* Find(const std::string& figure, const std::string& contender) const;
  /// Of the medians; none where one of them is missing.
  [[nodiscard]] std::optional<double> Ratio(const std::string& figure, const std::string& of,
                                            const std::string& to) const;

  /// Each figure's median and 99th percentile, and ours in terms of each peer's.
  [[nodiscard]] std::string Table() const;
  [[nodiscard]] nlohmann::json ToJson() const;

 private:
  std::vector<std::string> contenders_;
  std::vector<std::string> order_;
  std::map<std::string, std::map<std::string, Value>> values_;
};

/// Three digits that count.
[[nodiscard]] std::string Short(double number);

}  // namespace dockershimd::bench
