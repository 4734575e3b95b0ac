#include "shim/streaming/token_table.h"

#include <gtest/gtest.h>

#include <set>

namespace dockershimd::shim::streaming {
namespace {

using namespace std::chrono_literals;

ExecRequest Exec(const std::string& id) { return {id, {"true"}, {}}; }

TEST(TokenTableTest, ATokenIsGoodOnce) {
  TokenTable table(10, 60s);
  const TokenTable::Clock::time_point now{};
  const auto token = table.Insert(Exec("c"), now);
  ASSERT_TRUE(token);
  const auto request = table.Take(*token, now);
  ASSERT_TRUE(request);
  EXPECT_EQ(std::get<ExecRequest>(*request).container_id, "c");
  EXPECT_FALSE(table.Take(*token, now));
  EXPECT_FALSE(table.Take("other", now));
}

TEST(TokenTableTest, ATokenExpires) {
  TokenTable table(10, 60s);
  const TokenTable::Clock::time_point now{};
  const auto token = table.Insert(Exec("c"), now);
  EXPECT_FALSE(table.Take(*token, now + 60s));
}

TEST(TokenTableTest, TokensAreLongAndDiffer) {
  TokenTable table(1000, 60s);
  std::set<std::string> tokens;
  for (int i = 0; i < 1000; ++i) tokens.insert(*table.Insert(Exec("c"), {}));
  EXPECT_EQ(tokens.size(), 1000u);
  for (const auto& token : tokens) EXPECT_EQ(token.size(), 32u);
}

TEST(TokenTableTest, OnlySoManyWait) {
  TokenTable table(2, 60s);
  const TokenTable::Clock::time_point now{};
  const auto first = table.Insert(Exec("a"), now);
  ASSERT_TRUE(table.Insert(Exec("b"), now + 30s));
  const auto refused = table.Insert(Exec("c"), now + 30s);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, base::Code::kResourceExhausted);
  // One was used, one has expired.
  EXPECT_TRUE(table.Take(*first, now + 30s));
  EXPECT_TRUE(table.Insert(Exec("c"), now + 30s));
  EXPECT_FALSE(table.Insert(Exec("d"), now + 30s));
  EXPECT_TRUE(table.Insert(Exec("d"), now + 90s));
}

}  // namespace
}  // namespace dockershimd::shim::streaming
