#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace dockershimd::shim::check {

enum class Verdict : std::uint8_t {
  kOk,
  kWarn,  ///< pods will run, but something will hurt one day
  kFail,  ///< pods will not run
};

/// One thing that was looked at.
struct Finding {
  Verdict verdict = Verdict::kOk;
  std::string subject;      ///< a word or two
  std::string found;        ///< how it is
  std::string remedy = {};  ///< what to do; empty where all is well
  bool operator==(const Finding&) const = default;
};
using Findings = std::vector<Finding>;

/// Whether nothing would keep pods from running.
[[nodiscard]] bool Passed(const Findings& findings);

/// For people: a line for each, with what to do below it.
void WriteText(const Findings& findings, std::ostream& out);

/// {"passed": bool, "findings": [{"verdict": "ok"|"warn"|"fail", "subject", "found", "remedy"}]}
void WriteJson(const Findings& findings, std::ostream& out);

}  // namespace dockershimd::shim::check
