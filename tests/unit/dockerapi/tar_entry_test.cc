#include "dockerapi/tar_entry.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "dockerapi/client.h"
#include "fake_engine.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Code;
using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

/// One member of an archive: header and content, padded to whole blocks.
std::string Entry(char type, const std::string& content, const std::string& link = {}) {
  std::string header(512, '\0');
  header.replace(0, 4, "name");
  const std::string size = fmt::format("{:011o}", content.size());
  header.replace(124, size.size(), size);
  header[156] = type;
  header.replace(157, link.size(), link);
  header.replace(257, 5, "ustar");
  std::string blocks = header + content;
  blocks.resize((blocks.size() + 511) / 512 * 512);
  return blocks;
}

TEST(TarEntry, FilesAndLinks) {
  EXPECT_EQ(FirstTarEntry(Entry('0', "text"))->content, "text");
  EXPECT_EQ(FirstTarEntry(Entry('\0', "old"))->content, "old");
  EXPECT_EQ(FirstTarEntry(Entry('0', ""))->content, "");
  EXPECT_EQ(FirstTarEntry(Entry('0', std::string(1500, 'x')))->content, std::string(1500, 'x'));
  const auto link = FirstTarEntry(Entry('2', "", "../x"));
  EXPECT_EQ(link->link_target, "../x");
  EXPECT_EQ(link->content, "");
  EXPECT_EQ(FirstTarEntry(Entry('x', "30 mtime=1\n") + Entry('g', "") + Entry('0', "a"))->content,
            "a");
}

TEST(TarEntry, Refused) {
  EXPECT_EQ(FirstTarEntry(Entry('5', "")).error().code, Code::kInvalidArgument);
  const std::string entry = Entry('0', "text");
  for (const std::string& broken :
       {std::string(), std::string("short"), entry.substr(0, 512), std::string(512, '\0'),
        std::string(1024, 'x'), Entry('x', "only")}) {
    EXPECT_EQ(FirstTarEntry(broken).error().code, Code::kInternal);
  }
}

class ReadContainerFile : public testing::Test {
 protected:
  ReadContainerFile() : client_({.socket_path = engine_.Socket()}) {
    engine_.On("GET", "/containers/c1/archive",
               [](const EngineRequest& request, EngineReply& reply) {
                 const std::string path = request.Query("path");
                 std::string archive;
                 if (path == "/etc/passwd") archive = Entry('2', "", "../usr/passwd");
                 if (path == "/usr/passwd") archive = Entry('0', "root");
                 if (path == "/loop") archive = Entry('2', "", "loop");
                 if (archive.empty()) return reply.Refuse(404, "no such file");
                 reply.Begin();
                 reply.Chunk(archive);
                 reply.LastChunk();
               });
  }
  auto Read(const std::string& path, std::size_t limit = 4096) {
    return client_.ReadContainerFile(CallContext::WithTimeout(std::chrono::seconds(20)), "c1", path,
                                     limit);
  }
  FakeEngine engine_;
  Client client_;
};

TEST_F(ReadContainerFile, FollowsLinks) { EXPECT_EQ(*Read("/etc/passwd"), "root"); }

TEST_F(ReadContainerFile, Refused) {
  EXPECT_EQ(Read("/none").error().code, Code::kNotFound);
  EXPECT_EQ(Read("/loop").error().code, Code::kInvalidArgument);
  EXPECT_EQ(Read("/usr/passwd", 100).error().code, Code::kResourceExhausted);
}

}  // namespace
}  // namespace dockershimd::dockerapi
