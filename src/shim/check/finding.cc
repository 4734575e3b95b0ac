#include "shim/check/finding.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

namespace dockershimd::shim::check {
namespace {

std::string_view NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarn:
      return "warn";
    case Verdict::kFail:
      return "fail";
  }
  return "";
}

}  // namespace

bool Passed(const Findings& findings) {
  return std::none_of(findings.begin(), findings.end(),
                      [](const Finding& one) { return one.verdict == Verdict::kFail; });
}

void WriteText(const Findings& findings, std::ostream& out) {
  for (const auto& [verdict, subject, found, remedy] : findings) {
    const auto name = verdict == Verdict::kFail ? "FAIL" : NameOf(verdict);
    out << fmt::format("{:<5} {:<16} {}\n", name, subject, found);
    if (!remedy.empty()) out << fmt::format("{:<22} -> {}\n", "", remedy);
  }
}

void WriteJson(const Findings& findings, std::ostream& out) {
  using Json = nlohmann::ordered_json;
  Json json = {{"passed", Passed(findings)}, {"findings", Json::array()}};
  for (const auto& [verdict, subject, found, remedy] : findings) {
    json["findings"].push_back(
        {{"verdict", NameOf(verdict)}, {"subject", subject}, {"found", found}, {"remedy", remedy}});
  }
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace dockershimd::shim::check
