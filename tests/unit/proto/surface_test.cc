#include "surface.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <vector>

#include "base/file.h"
#include "cri/runtime/v1/api.pb.h"

namespace dockershimd {
namespace {

using testsupport::SurfaceOf;
using Lines = std::set<std::string>;

Lines Ours() { return SurfaceOf(*runtime::v1::VersionRequest::descriptor()->file()); }

Lines LinesOf(const std::string& path) {
  Lines lines;
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::string line;
  std::getline(file, line);  // The names of the columns.
  while (std::getline(file, line)) lines.insert(line);
  return lines;
}

void ExpectSame(const Lines& ours, const Lines& theirs) {
  std::vector<std::string> missing;
  std::vector<std::string> extra;
  std::ranges::set_difference(theirs, ours, std::back_inserter(missing));
  std::ranges::set_difference(ours, theirs, std::back_inserter(extra));
  for (const auto& line : missing) ADD_FAILURE() << "not in our api.proto: " << line;
  for (const auto& line : extra) ADD_FAILURE() << "only in our api.proto: " << line;
}

TEST(Surface, IsTheTable) {
  const auto table = LinesOf(DOCKERSHIMD_SURFACE_TABLE);
  EXPECT_GT(table.size(), 600U);
  ExpectSame(Ours(), table);
}

/// Where tests/support/fetch keeps the Go module k8s.io/cri-api.
std::string ModulesProto() {
  std::string folder;
  FILE* pipe =
      popen("bash -c '. \"" DOCKERSHIMD_CACHE_SCRIPT "\" && printf %s \"$cri_api_source\"'", "r");
  for (int letter = 0; pipe != nullptr && (letter = fgetc(pipe)) != EOF;) {
    folder += static_cast<char>(letter);
  }
  if (pipe != nullptr) pclose(pipe);
  return folder + "/pkg/apis/runtime/v1/api.proto";
}

/// What protoc makes of a definition.
google::protobuf::FileDescriptorProto Compile(const std::string& text) {
  std::string folder = testing::TempDir() + "surfaceXXXXXX";
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/theirs.proto") << text;
  const std::string command = fmt::format("{} -I {} --descriptor_set_out={}/set theirs.proto",
                                          DOCKERSHIMD_PROTOC, folder, folder);
  EXPECT_EQ(std::system(command.c_str()), 0) << command;
  google::protobuf::FileDescriptorSet set;
  std::ifstream file(folder + "/set");
  EXPECT_TRUE(set.ParseFromIstream(&file));
  std::filesystem::remove_all(folder);
  return set.file_size() == 1 ? set.file(0) : google::protobuf::FileDescriptorProto();
}

TEST(Surface, IsThatOfTheGoModule) {
  const std::string path = ModulesProto();
  auto text = base::ReadFile(path);
  if (!text) {
    GTEST_SKIP() << path << " is not there; get it with: tests/support/fetch cri-api";
  }
  // An option of newer compilers, which says nothing about the wire.
  *text = std::regex_replace(*text, std::regex(R"(\s*\[\s*debug_redact\s*=\s*true\s*\])"), "");
  google::protobuf::DescriptorPool pool;
  const auto* file = pool.BuildFile(Compile(*text));
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->package(), "runtime.v1");
  ExpectSame(Ours(), SurfaceOf(*file));
}

}  // namespace
}  // namespace dockershimd
