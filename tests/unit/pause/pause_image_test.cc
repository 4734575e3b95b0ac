#include "pause/pause_image.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/file.h"
#include "base/process.h"
#include "pause/tar_writer.h"

namespace dockershimd::pause {
namespace {

using nlohmann::json;

/// A folder for what the system's tar finds in our archives.
class TarTest : public testing::Test {
 protected:
  TarTest() {
    std::string name = std::filesystem::temp_directory_path() / "pause-test.XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  ~TarTest() override { std::filesystem::remove_all(folder_); }

  /// Unpacks an archive; returns what tar lists.
  std::string Untar(std::string_view archive) {
    const auto path = folder_ / "archive.tar";
    EXPECT_TRUE(base::WriteFileAtomically(path, archive));
    (void)Tar({"/bin/tar", "-xf", path, "-C", folder_});
    return Tar({"/bin/tar", "--numeric-owner", "--utc", "-tvf", path});
  }

  std::string Read(const std::string& name) {
    const auto content = base::ReadFile(folder_ / name);
    EXPECT_TRUE(content) << content.error().message;
    return content.value_or("");
  }

  std::filesystem::path folder_;

 private:
  static std::string Tar(const std::vector<std::string>& argv) {
    const auto output =
        base::Run(base::CallContext::WithTimeout(std::chrono::seconds(60)), {argv, {}, ""});
    EXPECT_TRUE(output) << output.error().message;
    if (!output) return "";
    EXPECT_EQ(output->exit_code, 0);
    EXPECT_EQ(output->standard_error, "");
    return output->standard_output;
  }
};

using TarWriter = TarTest;
using PauseImage = TarTest;

TEST_F(TarWriter, FilesOfAnySize) {
  const std::pair<std::string, std::string> kFiles[] = {
      {"empty", ""},
      {"one", "1"},
      {"block", std::string(512, 'b')},
      {"more", std::string(513, '\0')},
      {std::string(100, 'n'), std::string(100000, '\xff')}};
  std::string archive;
  for (const auto& [name, content] : kFiles) AppendTarFile(name, content, 0640, &archive);
  FinishTar(&archive);
  const auto listed = Untar(archive);
  EXPECT_THAT(listed, testing::StartsWith("-rw-r----- 0/0               0 1970-01-01 00:00 empty"));
  for (const auto& [name, content] : kFiles) EXPECT_EQ(Read(name), content) << name;
}

TEST_F(PauseImage, IsAlwaysTheSame) { EXPECT_EQ(BuildImageArchive(), BuildImageArchive()); }

TEST_F(PauseImage, IsAnImageAsDockerSavesIt) {
  Untar(BuildImageArchive());
  const auto manifest = json::parse(Read("manifest.json"));
  ASSERT_EQ(manifest.size(), 1U);
  EXPECT_EQ(manifest[0]["RepoTags"], json::array({ImageReference()}));
  const std::string config_name = manifest[0]["Config"];
  const auto config_text = Read(config_name);
  EXPECT_EQ(config_name, base::Sha256Hex(config_text) + ".json");
  const auto config = json::parse(config_text);
  EXPECT_EQ(config["os"], "linux");
  EXPECT_EQ(config["config"]["Entrypoint"], json::array({"/pause"}));
  ASSERT_EQ(manifest[0]["Layers"].size(), 1U);
  const auto layer = Read(manifest[0]["Layers"][0]);
  EXPECT_EQ(config["rootfs"]["diff_ids"], json::array({"sha256:" + base::Sha256Hex(layer)}));
}

TEST_F(PauseImage, HoldsTheProgramAlone) {
  Untar(BuildImageArchive());
  const auto layer = Read(json::parse(Read("manifest.json"))[0]["Layers"][0]);
  const auto listed = Untar(layer);
  EXPECT_EQ(std::count(listed.begin(), listed.end(), '\n'), 1);
  EXPECT_THAT(listed, testing::StartsWith("-rwxr-xr-x 0/0 "));
  EXPECT_EQ(Read("pause"), base::ReadFile(PAUSE_PROGRAM).value_or("?"));
}

}  // namespace
}  // namespace dockershimd::pause
