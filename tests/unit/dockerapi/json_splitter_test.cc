#include "dockerapi/json_splitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace dockershimd::dockerapi {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;

struct Objects {
  std::vector<std::string> seen;
  JsonSplitter::Sink Sink() {
    return [this](std::string_view object) -> base::Result<bool> {
      seen.emplace_back(object);
      return true;
    };
  }
};

TEST(JsonSplitter, AnyCutAndAnySeparator) {
  const std::vector<std::string> objects = {
      R"({})", R"({"a":"}{\"]\\"})", R"({"b":[1,{"c":[]}],"d":"\u00e9 é"})", "{\n \"e\" :\r\n 1}"};
  for (const std::string separator : {"", "\n", "\r\n", " \t", "\n\x1e"}) {
    std::string stream = separator;
    for (const auto& object : objects) stream += object + separator;
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      for (std::size_t second = cut; second <= stream.size(); ++second) {
        JsonSplitter splitter;
        Objects found;
        ASSERT_TRUE(splitter.Feed(stream.substr(0, cut), found.Sink()));
        ASSERT_TRUE(splitter.Feed(stream.substr(cut, second - cut), found.Sink()));
        ASSERT_TRUE(splitter.Feed(stream.substr(second), found.Sink()));
        ASSERT_THAT(found.seen, ElementsAreArray(objects));
        ASSERT_TRUE(splitter.AtBoundary());
      }
    }
  }
}

TEST(JsonSplitter, ObjectsAreHandedOverAtOnce) {
  JsonSplitter splitter;
  Objects found;
  ASSERT_TRUE(splitter.Feed(R"({"a":1}{"b")", found.Sink()));
  EXPECT_THAT(found.seen, ElementsAre(R"({"a":1})"));
  EXPECT_FALSE(splitter.AtBoundary());
  ASSERT_TRUE(splitter.Feed(":2}", found.Sink()));
  EXPECT_THAT(found.seen, ElementsAre(R"({"a":1})", R"({"b":2})"));
}

TEST(JsonSplitter, StopsWhenTheSinkHasEnough) {
  JsonSplitter splitter;
  int seen = 0;
  const auto wanted = splitter.Feed("{}{}{}", [&](std::string_view) { return ++seen < 2; });
  ASSERT_TRUE(wanted);
  EXPECT_FALSE(*wanted);
  EXPECT_EQ(seen, 2);
}

TEST(JsonSplitter, PassesTheSinksErrorOn) {
  JsonSplitter splitter;
  const auto fed = splitter.Feed("{}", [](std::string_view) -> base::Result<bool> {
    return base::Fail(base::Code::kNotFound, "no such thing");
  });
  EXPECT_EQ(fed.error().code, base::Code::kNotFound);
}

TEST(JsonSplitter, AnythingElseIsRefused) {
  for (const std::string text : {"[1]", "null", "{} x", "<html>", "}", "\"{}\""}) {
    JsonSplitter splitter;
    Objects found;
    const auto fed = splitter.Feed(text, found.Sink());
    ASSERT_FALSE(fed) << text;
    EXPECT_EQ(fed.error().code, base::Code::kInternal);
  }
}

TEST(JsonSplitter, ObjectsAreBounded) {
  JsonSplitter splitter;
  Objects found;
  const std::string piece(1 << 20, 'x');
  ASSERT_TRUE(splitter.Feed(R"({"a":")", found.Sink()));
  int fed = 0;
  while (fed < 100 && splitter.Feed(piece, found.Sink())) ++fed;
  EXPECT_EQ(fed, 15);
}

}  // namespace
}  // namespace dockershimd::dockerapi
