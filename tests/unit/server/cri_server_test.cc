#include "shim/server/cri_server.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "criclient/client.h"
#include "shim/server/listening_socket.h"
#include "temporary_folder.h"

namespace dockershimd::shim::server {
namespace {

using runtime::v1::RuntimeService;
using runtime::v1::VersionRequest;

/// As the daemon's: one method is a callback's, the others are not.
class VersionService
    : public RuntimeService::WithCallbackMethod_GetContainerEvents<RuntimeService::Service> {
 public:
  grpc::Status Version(grpc::ServerContext* /*context*/, const VersionRequest* request,
                       runtime::v1::VersionResponse* response) override {
    response->set_version(request->version());
    return grpc::Status::OK;
  }
};

std::string Ask(criclient::Client& client) {
  VersionRequest request;
  request.set_version("v1");
  const auto answer = client.Call(&RuntimeService::StubInterface::Version, request);
  return answer ? answer->version() : answer.error().message;
}

class CriServerTest : public testing::Test {
 protected:
  CriServerTest() {
    auto socket = ListeningSocket::Open({.path = folder_.Path() / "cri.sock", .group = ""});
    EXPECT_TRUE(socket);
    auto server = CriServer::Start(std::move(*socket), {&service_});
    EXPECT_TRUE(server);
    server_ = std::move(*server);
  }

  [[nodiscard]] std::string Endpoint() const {
    return "unix://" + (folder_.Path() / "cri.sock").string();
  }

  testsupport::TemporaryFolder folder_;
  VersionService service_;
  std::unique_ptr<CriServer> server_;
};

TEST_F(CriServerTest, EndsWhileClientsAsk) {
  std::atomic<int> answers = 0;
  std::vector<std::jthread> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back([&] {
      criclient::Client client(Endpoint());
      while (Ask(client) == "v1") ++answers;
    });
  }
  while (answers < 200) std::this_thread::yield();
  server_->Shutdown(std::chrono::seconds(10));
  // With its socket: who connects again would wait for an answer.
  server_.reset();
  clients.clear();
  EXPECT_GE(answers, 200);
}

TEST_F(CriServerTest, EndsWithoutACall) { server_->Shutdown(std::chrono::seconds(10)); }

TEST_F(CriServerTest, ASecondShutdownDoesNothing) {
  criclient::Client client(Endpoint());
  EXPECT_EQ(Ask(client), "v1");
  server_->Shutdown(std::chrono::seconds(0));
  server_->Shutdown(std::chrono::seconds(0));
}

}  // namespace
}  // namespace dockershimd::shim::server
