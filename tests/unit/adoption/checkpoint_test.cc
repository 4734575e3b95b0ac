#include "shim/adoption/checkpoint.h"

#include <gtest/gtest.h>

namespace dockershimd::shim::adoption {
namespace {

runtime::v1::PodSandboxConfig Pod() {
  runtime::v1::PodSandboxConfig config;
  config.mutable_metadata()->set_name("web");
  config.mutable_metadata()->set_namespace_("shop");
  return config;
}

void AddPort(runtime::v1::Protocol protocol, int container_port, int host_port, const char* host_ip,
             runtime::v1::PodSandboxConfig* config) {
  auto& mapping = *config->add_port_mappings();
  mapping.set_protocol(protocol);
  mapping.set_container_port(container_port);
  mapping.set_host_port(host_port);
  mapping.set_host_ip(host_ip);
}

// The expected texts are files that cri-dockerd 0.4.3 wrote.

TEST(Checkpoint, PlainPod) {
  EXPECT_EQ(CriDockerdCheckpoint(Pod()),
            R"({"version":"v1","name":"web","namespace":"shop","data":{},"checksum":2305795928})");
}

TEST(Checkpoint, HostNetwork) {
  auto config = Pod();
  config.mutable_linux()->mutable_security_context()->mutable_namespace_options()->set_network(
      runtime::v1::NamespaceMode::NODE);
  EXPECT_EQ(
      CriDockerdCheckpoint(config),
      R"({"version":"v1","name":"web","namespace":"shop","data":{"host_network":true},"checksum":12315789})");
}

TEST(Checkpoint, HostPorts) {
  auto config = Pod();
  AddPort(runtime::v1::Protocol::TCP, 80, 8080, "", &config);
  AddPort(runtime::v1::Protocol::UDP, 53, 5353, "127.0.0.1", &config);
  EXPECT_EQ(
      CriDockerdCheckpoint(config),
      R"({"version":"v1","name":"web","namespace":"shop","data":{"port_mappings":[{"protocol":"tcp","container_port":80,"host_port":8080},{"protocol":"udp","container_port":53,"host_port":5353,"host_ip":"127.0.0.1"}]},"checksum":799796452})");
}

}  // namespace
}  // namespace dockershimd::shim::adoption
