#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "criclient/client.h"
#include "daemon_process.h"
#include "pods.h"

namespace dockershimd::tests {

/// A daemon of its own, and pods that are gone with the test.
class CriTest : public testing::Test {
 protected:
  explicit CriTest(std::vector<std::string> flags = {})
      : daemon_(std::move(flags)), cri_(daemon_.Endpoint()) {}

  void TearDown() override {
    for (const auto& id : pods_) EXPECT_TRUE(RemovePod(cri_, id));
  }

  static void NeedImages(criclient::Client& cri, const std::vector<std::string>& images) {
    for (const auto& image : images) {
      const auto pulled = Pull(cri, image);
      ASSERT_TRUE(pulled) << image << ": " << pulled.error().message;
    }
  }

  base::Result<std::string> Run(const runtime::v1::PodSandboxConfig& pod,
                                const std::string& handler = {}) {
    auto id = RunPod(cri_, pod, handler);
    if (id) pods_.push_back(*id);
    return id;
  }

  /// Created and started.
  base::Result<std::string> Start(const std::string& pod_id,
                                  const runtime::v1::PodSandboxConfig& pod,
                                  const runtime::v1::ContainerConfig& container) {
    auto id = CreateContainer(cri_, pod_id, pod, container);
    if (!id) return id;
    if (auto started = StartContainer(cri_, *id); !started) return base::Fail(started.error());
    return id;
  }

  DaemonProcess daemon_;
  criclient::Client cri_;
  std::vector<std::string> pods_;
};

}  // namespace dockershimd::tests
