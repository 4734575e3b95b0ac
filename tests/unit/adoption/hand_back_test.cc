#include "shim/adoption/hand_back.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/file.h"
#include "base/unique_fd.h"
#include "fake_engine.h"

namespace dockershimd::shim::adoption {
namespace {

namespace fs = std::filesystem;
using testsupport::FakeEngine;

const std::string kSandbox(64, 'a');
const std::string kContainer(64, 'b');
const std::string kGone(64, 'c');

class HandingBack : public testing::Test {
 protected:
  HandingBack() {
    std::string pattern = (fs::temp_directory_path() / "hand-back.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    log_ = folder_ / "logs" / "0.log";
    docker_log_ = folder_ / "json.log";
    config_.docker = engine_.Socket();
    config_.cni_cache_dir = folder_ / "cni";
    config_.listen = (folder_ / "cri.sock").string();
    const std::string sandbox = R"({"io.kubernetes.docker.type": "podsandbox"})";
    const std::string container = R"({"io.kubernetes.docker.type": "container",
      "io.kubernetes.sandbox.id": ")" +
                                  kSandbox + R"(",
      "io.kubernetes.container.logpath": ")" +
                                  log_.string() + R"("})";
    engine_.Answer("GET", "/containers/json",
                   R"([{"Id": ")" + kSandbox + R"(", "Labels": )" + sandbox + R"(}, {"Id": ")" +
                       kContainer + R"(", "Labels": )" + container + "}]");
    engine_.Answer("GET", "/containers/" + kSandbox + "/json",
                   R"({"Id": ")" + kSandbox + R"(", "Name": "/k8s_POD_web_shop_uid_0",
                     "State": {"Status": "running", "Running": true, "Pid": 1},
                     "Config": {"Labels": )" +
                       sandbox + R"(}, "HostConfig": {"NetworkMode": "host"}})");
    engine_.Answer("GET", "/containers/" + kContainer + "/json",
                   R"({"Id": ")" + kContainer + R"(", "Name": "/k8s_main_web_shop_uid_0",
                     "State": {"Status": "running", "Running": true, "Pid": 2},
                     "LogPath": ")" +
                       docker_log_.string() + R"(",
                     "Config": {"Labels": )" +
                       container + R"(}, "HostConfig": {}})");
  }
  ~HandingBack() override { fs::remove_all(folder_); }

  bool Run() {
    out_.str("");
    err_.str("");
    return HandBack(config_, folder_ / "root", out_, err_);
  }
  fs::path Checkpoint(const std::string& id) { return folder_ / "root" / "sandbox" / id; }

  fs::path folder_;
  fs::path log_;
  fs::path docker_log_;
  FakeEngine engine_;
  config::Config config_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(HandingBack, WritesCheckpointsAndLinksLogs) {
  ASSERT_TRUE(Run()) << err_.str();
  EXPECT_EQ(base::ReadFile(Checkpoint(kSandbox)).value_or(""),
            R"({"version":"v1","name":"web","namespace":"shop","data":{"host_network":true},)"
            R"("checksum":12315789})");
  EXPECT_EQ(fs::read_symlink(log_), docker_log_);
  EXPECT_EQ(out_.str(),
            "hand-back: 1 checkpoints written, 0 removed, 1 logs linked to Docker's, 0 failures\n");
  ASSERT_TRUE(Run());
  EXPECT_EQ(out_.str(),
            "hand-back: 0 checkpoints written, 0 removed, 0 logs linked to Docker's, 0 failures\n");
}

TEST_F(HandingBack, KeepsItsOwnCheckpointsAndRemovesThoseOfGoneSandboxes) {
  fs::create_directories(Checkpoint(kGone).parent_path());
  for (const auto& name : {kGone, kSandbox, std::string("no-id")}) {
    std::ofstream(Checkpoint(name)) << "its own";
  }
  ASSERT_TRUE(Run()) << err_.str();
  EXPECT_FALSE(fs::exists(Checkpoint(kGone)));
  EXPECT_TRUE(fs::exists(Checkpoint("no-id")));
  EXPECT_EQ(base::ReadFile(Checkpoint(kSandbox)).value_or(""), "its own");
}

TEST_F(HandingBack, KeepsNoNetworkNamespaces) {
  const auto pins = folder_ / "cni" / "dockershimd-netns";
  fs::create_directories(pins);
  std::ofstream(pins / kSandbox).close();
  ASSERT_TRUE(Run()) << err_.str();
  EXPECT_FALSE(fs::exists(pins));
}

TEST_F(HandingBack, OneThatCannotBeInspectedDoesNotStopTheRest) {
  engine_.Answer("GET", "/containers/" + kSandbox + "/json", R"({"message": "broken"})", 500);
  EXPECT_FALSE(Run());
  EXPECT_NE(err_.str().find(kSandbox), std::string::npos) << err_.str();
  EXPECT_NE(err_.str().find("broken"), std::string::npos) << err_.str();
  EXPECT_TRUE(fs::is_symlink(log_));
}

TEST_F(HandingBack, NotWhileADaemonServes) {
  const base::UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  config_.listen.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listener.Get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listener.Get(), 1), 0);
  EXPECT_FALSE(Run());
  EXPECT_NE(err_.str().find("stop dockershimd"), std::string::npos) << err_.str();
  EXPECT_FALSE(fs::exists(folder_ / "root"));
}

TEST_F(HandingBack, WithoutDocker) {
  engine_.Stop();
  EXPECT_FALSE(Run());
  EXPECT_NE(err_.str().find(engine_.Socket()), std::string::npos) << err_.str();
}

}  // namespace
}  // namespace dockershimd::shim::adoption
