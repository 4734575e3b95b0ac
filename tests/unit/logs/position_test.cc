#include "shim/logs/position.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/file.h"
#include "shim/logs/source.h"
#include "temporary_folder.h"

namespace dockershimd::shim::logs {
namespace {

class PositionFileTest : public testing::Test {
 protected:
  const testsupport::TemporaryFolder temporary_;
  const std::filesystem::path folder_ = temporary_.Path();
  const std::filesystem::path path_ = folder_ / "id";
};

Position Some(std::uint64_t offset) {
  Position position;
  position.cri = {11, 12};
  position.source.inode = 13;
  position.source.offset = offset;
  position.previous_cri = {21, 22};
  position.previous_source.last_count = 23;
  return position;
}

TEST_F(PositionFileTest, ReadsBackTheLastOne) {
  PositionFile file(path_);
  EXPECT_FALSE(file.Load());
  ASSERT_TRUE(file.Save(Some(1)));
  ASSERT_TRUE(file.Save(Some(2)));
  file.Rest();
  ASSERT_TRUE(file.Save(Some(3)));
  const auto read = PositionFile(path_).Load();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->source.offset, 3U);
  EXPECT_EQ(read->source.inode, 13U);
  EXPECT_EQ(read->cri.size, 12U);
  EXPECT_EQ(read->previous_cri.inode, 21U);
  EXPECT_EQ(read->previous_source.last_count, 23U);
  file.Remove();
  EXPECT_FALSE(PositionFile(path_).Load());
}

TEST_F(PositionFileTest, DamageIsNoticed) {
  PositionFile file(path_);
  ASSERT_TRUE(file.Save(Some(1)));
  const std::string good = base::ReadFile(path_).value();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    ASSERT_TRUE(base::WriteFileInPlace(path_, bad));
    EXPECT_FALSE(PositionFile(path_).Load()) << at;
  }
  for (const auto& bad : {good.substr(1), good + "x", std::string(), std::string(good.size(), 0)}) {
    ASSERT_TRUE(base::WriteFileInPlace(path_, bad));
    EXPECT_FALSE(PositionFile(path_).Load());
  }
}

TEST(MarkOf, CoversTheLastBytesOnly) {
  const std::string end(kMarkSize, 'e');
  EXPECT_EQ(MarkOf("abc" + end), MarkOf("xyz" + end));
  EXPECT_NE(MarkOf("abc" + end), MarkOf("abc" + end + "e\n"));
  EXPECT_NE(MarkOf("a"), MarkOf("b"));
  EXPECT_EQ(MarkOf(""), MarkOf({}));
}

TEST(ResumeFilterTest, DropsWhatIsKnown) {
  ResumeFilter filter(100, 2);
  EXPECT_FALSE(filter.Passes(99));
  EXPECT_FALSE(filter.Passes(100));
  EXPECT_FALSE(filter.Passes(100));
  EXPECT_TRUE(filter.Passes(100));  // the third of that instant is new
  EXPECT_TRUE(filter.Passes(101));
  EXPECT_FALSE(filter.IsActive());
  EXPECT_TRUE(filter.Passes(50));
  EXPECT_TRUE(ResumeFilter().Passes(1));
}

}  // namespace
}  // namespace dockershimd::shim::logs
