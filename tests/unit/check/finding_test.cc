#include "shim/check/finding.h"

#include <gtest/gtest.h>

#include <sstream>

namespace dockershimd::shim::check {
namespace {

const Findings kFindings = {{Verdict::kOk, "user", "root"},
                            {Verdict::kWarn, "live restore", "off", "set it"},
                            {Verdict::kFail, "Docker", "no \"answer\"", "start it"}};

TEST(Finding, OnlyFailuresFail) {
  EXPECT_FALSE(Passed(kFindings));
  EXPECT_TRUE(Passed({kFindings[0], kFindings[1]}));
  EXPECT_TRUE(Passed({}));
}

TEST(Finding, Text) {
  std::ostringstream out;
  WriteText(kFindings, out);
  EXPECT_EQ(out.str(),
            "ok    user             root\n"
            "warn  live restore     off\n"
            "                       -> set it\n"
            "FAIL  Docker           no \"answer\"\n"
            "                       -> start it\n");
}

TEST(Finding, Json) {
  std::ostringstream out;
  WriteJson({kFindings[2]}, out);
  EXPECT_EQ(out.str(), R"({
  "passed": false,
  "findings": [
    {
      "verdict": "fail",
      "subject": "Docker",
      "found": "no \"answer\"",
      "remedy": "start it"
    }
  ]
}
)");
}

}  // namespace
}  // namespace dockershimd::shim::check
