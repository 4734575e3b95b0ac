#include "shim/streaming/wire/terminal_size.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockershimd::shim::streaming::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(TerminalSizeTest, ReadsOneAfterTheOtherCutAnywhere) {
  const std::string text = "{\"Width\":132,\"Height\":43}\n {\"height\":24,\"WIDTH\":80}";
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    TerminalSizeReader reader;
    auto sizes = reader.Feed(text.substr(0, cut));
    const auto rest = reader.Feed(text.substr(cut));
    sizes.insert(sizes.end(), rest.begin(), rest.end());
    EXPECT_THAT(sizes, ElementsAre(TerminalSize{132, 43}, TerminalSize{80, 24})) << cut;
  }
}

TEST(TerminalSizeTest, SkipsWhatHasNoExtent) {
  TerminalSizeReader reader;
  EXPECT_THAT(reader.Feed(R"({"Width":0,"Height":5}{"Width":5}{}{"Width":1,"Height":1})"),
              ElementsAre(TerminalSize{1, 1}));
}

TEST(TerminalSizeTest, StopsAtTheFirstThatIsSomethingElse) {
  for (const std::string bad :
       {"x", "[", "null", R"({"Width":-1,"Height":5})", R"({"Width":65536,"Height":5})",
        R"({"Width":"80","Height":5})", R"({"Width":1.5,"Height":5})",
        R"({"Width":1e400,"Height":5})", R"({"Width":{"a":1},"Height":5})", "{{}"}) {
    TerminalSizeReader reader;
    EXPECT_THAT(reader.Feed(bad + R"({"Width":1,"Height":1})"), IsEmpty()) << bad;
    EXPECT_THAT(reader.Feed(R"({"Width":1,"Height":1})"), IsEmpty()) << bad;
  }
}

TEST(TerminalSizeTest, KeepsNoEndlessObject) {
  TerminalSizeReader reader;
  EXPECT_THAT(reader.Feed("{" + std::string(1 << 20, ' ')), IsEmpty());
  EXPECT_THAT(reader.Feed("}{\"Width\":1,\"Height\":1}"), IsEmpty());
}

}  // namespace
}  // namespace dockershimd::shim::streaming::wire
