#include "shim/service/streaming.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_engine.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using base::Code;
using testing::StartsWith;

class StreamingTest : public testing::Test {
 protected:
  StreamingTest()
      : docker_({.socket_path = fake_.Socket()}),
        model_(docker_, {.network_of = [](const auto&) { return translate::NetworkView{}; },
                         .on_change = {}}),
        server_({}, docker_),
        streaming_(model_, server_) {
    EXPECT_TRUE(server_.Start());
    Add("running", "container", true);
    Add("ended", "container", false);
    Add("pod", "podsandbox", true);
    Add("deadpod", "podsandbox", false);
  }

  void Add(const std::string& id, const std::string& type, bool runs) {
    fake_.Answer(
        "GET", "/containers/" + id + "/json",
        fmt::format(R"({{"Id":"{}","Name":"/k8s_c_p_n_u_0","State":{{"Running":{},"Pid":1}},)"
                    R"("Config":{{"Labels":{{"io.kubernetes.docker.type":"{}",)"
                    R"("io.kubernetes.sandbox.id":"pod"}}}}}})",
                    id, runs, type));
    EXPECT_TRUE(model_.Refresh(CallContext::WithTimeout(std::chrono::seconds(20)), id));
  }

  template <class Request>
  static Request About(const std::string& id) {
    Request request;
    request.set_container_id(id);
    request.set_stdout(true);
    return request;
  }
  static runtime::v1::ExecRequest Exec(const std::string& id) {
    auto request = About<runtime::v1::ExecRequest>(id);
    request.add_cmd("true");
    return request;
  }
  static runtime::v1::PortForwardRequest Forward(const std::string& id) {
    runtime::v1::PortForwardRequest request;
    request.set_pod_sandbox_id(id);
    return request;
  }

  testsupport::FakeEngine fake_;
  dockerapi::Client docker_;
  node::Model model_;
  streaming::Server server_;
  Streaming streaming_;
};

TEST_F(StreamingTest, AnswersWithAnAbsoluteUrl) {
  EXPECT_THAT(streaming_.Exec(Exec("running"))->url(), StartsWith(server_.BaseUrl() + "/exec/"));
  EXPECT_THAT(streaming_.Attach(About<runtime::v1::AttachRequest>("running"))->url(),
              StartsWith(server_.BaseUrl() + "/attach/"));
  EXPECT_THAT(streaming_.PortForward(Forward("pod"))->url(),
              StartsWith(server_.BaseUrl() + "/portforward/"));
}

TEST_F(StreamingTest, RefusesInTheOrderThatClientsKnow) {
  runtime::v1::ExecRequest request;
  EXPECT_EQ(streaming_.Exec(request).error().message, "missing required container_id");
  request.set_container_id("unknown");
  request.set_tty(true);
  request.set_stderr(true);
  EXPECT_EQ(streaming_.Exec(request).error().message, "tty and stderr cannot both be true");
  request.set_stderr(false);
  EXPECT_EQ(streaming_.Exec(request).error().message,
            "one of stdin, stdout, or stderr must be set");
  request.set_stdin(true);
  EXPECT_EQ(streaming_.Exec(request).error().code, Code::kInvalidArgument);
  request.add_cmd("true");
  EXPECT_EQ(streaming_.Exec(request).error().code, Code::kNotFound);
  EXPECT_EQ(streaming_.Exec(Exec("ended")).error().code, Code::kFailedPrecondition);
}

TEST_F(StreamingTest, RefusesToAttachToWhatDoesNotRun) {
  EXPECT_EQ(streaming_.Attach({}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(streaming_.Attach(About<runtime::v1::AttachRequest>("none")).error().code,
            Code::kNotFound);
  EXPECT_EQ(streaming_.Attach(About<runtime::v1::AttachRequest>("ended")).error().code,
            Code::kFailedPrecondition);
}

TEST_F(StreamingTest, RefusesToForwardPortsOfWhatDoesNotRun) {
  EXPECT_EQ(streaming_.PortForward({}).error().message, "missing required pod_sandbox_id");
  EXPECT_EQ(streaming_.PortForward(Forward("none")).error().code, Code::kNotFound);
  EXPECT_EQ(streaming_.PortForward(Forward("deadpod")).error().code, Code::kFailedPrecondition);
  auto request = Forward("pod");
  request.add_port(0);
  EXPECT_EQ(streaming_.PortForward(request).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace dockershimd::shim::service
