#include "shim/stats/store_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "recorded_tree.h"

namespace dockershimd::shim::stats {
namespace {

using linuxos::TreeUse;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

class StoreMeterTest : public testing::Test {
 protected:
  StoreMeterTest() {
    layout_.folder = tree_.Root();
    layout_.layers = tree_.Root() + "/overlay2";
  }

  [[nodiscard]] std::string Layer(const std::string& name) const {
    return layout_.layers + "/" + name;
  }
  void AddLayer(const std::string& name, bool is_old) const {
    tree_.Write("/overlay2/" + name + "/diff/file", "");
    if (!is_old) return;
    const auto time = std::filesystem::last_write_time(Layer(name)) - std::chrono::hours(1);
    std::filesystem::last_write_time(Layer(name), time);
  }
  TreeUse Round(StoreMeter& meter, const std::set<std::string>& upper_dirs = {}) {
    walked_.clear();
    return meter.Round(layout_, upper_dirs, [&](const std::string& folder) {
      walked_.push_back(folder);
      return TreeUse{100, 1};
    });
  }

  testsupport::RecordedTree tree_;
  StoreLayout layout_;
  std::vector<std::string> walked_;
};

TEST_F(StoreMeterTest, ALayerIsWalkedOnceWhenItIsComplete) {
  StoreMeter meter(std::chrono::minutes(5));
  AddLayer("old", true);
  AddLayer("new", false);
  EXPECT_EQ(Round(meter), (TreeUse{200, 2}));
  EXPECT_THAT(walked_, UnorderedElementsAre(Layer("old"), Layer("new")));
  EXPECT_EQ(Round(meter), (TreeUse{200, 2}));
  EXPECT_THAT(walked_, ElementsAre(Layer("new")));
  tree_.Remove("/overlay2/old");
  EXPECT_EQ(Round(meter), (TreeUse{100, 1}));
}

TEST_F(StoreMeterTest, LayersOfContainersCountApart) {
  StoreMeter meter(std::chrono::minutes(5));
  AddLayer("image", true);
  AddLayer("container", true);
  const std::string upper_dir = Layer("container") + "/diff";
  EXPECT_EQ(Round(meter, {upper_dir, "/elsewhere/x/diff"}), (TreeUse{100, 1}));
  EXPECT_THAT(walked_, ElementsAre(Layer("image")));
  EXPECT_THAT(meter.Written(), ElementsAre(upper_dir));
  // It has ended; its layer is still a container's.
  EXPECT_EQ(Round(meter), (TreeUse{100, 1}));
  EXPECT_THAT(meter.Written(), ElementsAre(upper_dir));
  tree_.Remove("/overlay2/container");
  (void)Round(meter);
  EXPECT_TRUE(meter.Written().empty());
}

TEST_F(StoreMeterTest, AContainerThatStartsAgainIsNoImage) {
  StoreMeter meter(std::chrono::minutes(5));
  AddLayer("container", true);
  EXPECT_EQ(Round(meter), (TreeUse{100, 1}));
  EXPECT_EQ(Round(meter, {Layer("container") + "/diff"}), TreeUse());
}

TEST_F(StoreMeterTest, CompressedLayersAreImagesToo) {
  StoreMeter meter(std::chrono::minutes(5));
  layout_.content = tree_.Root() + "/blobs";
  EXPECT_EQ(Round(meter), (TreeUse{100, 1}));
  EXPECT_THAT(walked_, ElementsAre(layout_.content));
}

TEST_F(StoreMeterTest, AWalkThatFailedIsTriedAgain) {
  StoreMeter meter(std::chrono::minutes(5));
  AddLayer("image", true);
  const auto none = [](const std::string&) { return std::optional<TreeUse>(); };
  EXPECT_EQ(meter.Round(layout_, {}, none), TreeUse());
  EXPECT_EQ(Round(meter), (TreeUse{100, 1}));
}

}  // namespace
}  // namespace dockershimd::shim::stats
