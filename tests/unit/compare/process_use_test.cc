#include "compare/process_use.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace dockershimd::compare {
namespace {

TEST(ProcessUse, IsThatOfTheProcess) {
  const auto use = UseOf(::getpid());
  ASSERT_TRUE(use) << use.error().message;
  EXPECT_EQ(use->pid, ::getpid());
  EXPECT_TRUE(use->name.starts_with("compare_")) << use->name;
  EXPECT_GT(use->resident_kib, 100U);
}

TEST(ProcessUse, ProcessesAreGivenByIdOrFile) {
  const auto file =
      std::filesystem::temp_directory_path() / ("process-use-test-" + std::to_string(::getpid()));
  std::ofstream(file) << ::getpid() << "\n";
  const auto uses = UsesOf({std::to_string(::getpid()), file.string()});
  std::filesystem::remove(file);
  ASSERT_TRUE(uses) << uses.error().message;
  ASSERT_EQ(uses->size(), 2U);
  EXPECT_EQ((*uses)[1].pid, ::getpid());
  EXPECT_FALSE(UsesOf({"word"}));
  EXPECT_FALSE(UsesOf({"/not/there"}));
  EXPECT_FALSE(UsesOf({"-1"}));
}

TEST(ProcessUse, CostIsWhatWasSpentBetween) {
  using std::chrono::milliseconds;
  const auto costs = CostsOf("left", {{1, "a", milliseconds(10), milliseconds(5), 100}},
                             {{1, "a", milliseconds(40), milliseconds(6), 90}});
  ASSERT_EQ(costs.size(), 1U);
  EXPECT_EQ(costs[0].use.cpu, milliseconds(30));
  EXPECT_EQ(costs[0].use.children_cpu, milliseconds(1));
  EXPECT_EQ(costs[0].use.resident_kib, 90U);
}

}  // namespace
}  // namespace dockershimd::compare
