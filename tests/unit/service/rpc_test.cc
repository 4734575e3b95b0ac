#include "shim/service/rpc.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "shim/service/image_rpcs.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using base::Code;
using testing::HasSubstr;

TEST(GrpcStatus, CodesAndMessage) {
  const std::pair<Code, grpc::StatusCode> codes[] = {
      {Code::kInvalidArgument, grpc::StatusCode::INVALID_ARGUMENT},
      {Code::kNotFound, grpc::StatusCode::NOT_FOUND},
      {Code::kAlreadyExists, grpc::StatusCode::ALREADY_EXISTS},
      {Code::kPermissionDenied, grpc::StatusCode::PERMISSION_DENIED},
      {Code::kUnauthenticated, grpc::StatusCode::UNAUTHENTICATED},
      {Code::kFailedPrecondition, grpc::StatusCode::FAILED_PRECONDITION},
      {Code::kResourceExhausted, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {Code::kUnimplemented, grpc::StatusCode::UNIMPLEMENTED},
      {Code::kUnavailable, grpc::StatusCode::UNAVAILABLE},
      {Code::kDeadlineExceeded, grpc::StatusCode::DEADLINE_EXCEEDED},
      {Code::kCancelled, grpc::StatusCode::CANCELLED},
      {Code::kInternal, grpc::StatusCode::INTERNAL}};
  for (const auto& [ours, grpcs] : codes) {
    const auto status = ToGrpcStatus({ours, "why", {}});
    EXPECT_EQ(status.error_code(), grpcs);
    EXPECT_EQ(status.error_message(), "why");
  }
}

TEST(GrpcStatus, LongMessagesFitAHeader) {
  const auto status = ToGrpcStatus({Code::kInternal, std::string(100'000, 'x'), {}});
  EXPECT_LT(status.error_message().size(), 8000U);
  EXPECT_TRUE(status.error_message().ends_with("..."));
}

/// Real calls over a socket, without any Docker behind them.
class Rpcs : public testing::Test {
 protected:
  Rpcs()
      : docker_({.socket_path = "/nonexistent/docker.sock"}),
        engine_(docker_, {"10m", "2"}),
        catalog_(docker_, ""),
        images_(docker_, engine_, catalog_, disk_, "", std::chrono::seconds(1)),
        rpcs_(images_, {}) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&rpcs_);
    server_ = builder.BuildAndStart();
    stub_ = runtime::v1::ImageService::NewStub(server_->InProcessChannel({}));
  }

  dockerapi::Client docker_;
  node::Engine engine_;
  stats::DiskUse disk_;
  node::ImageCatalog catalog_;
  Images images_;
  ImageRpcs rpcs_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<runtime::v1::ImageService::Stub> stub_;
  grpc::ClientContext context_;
};

TEST_F(Rpcs, DockerIsAway) {
  runtime::v1::ListImagesResponse response;
  const auto status = stub_->ListImages(&context_, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
}

TEST_F(Rpcs, BadRequestsNameTheField) {
  runtime::v1::PullImageResponse response;
  const auto status = stub_->PullImage(&context_, {}, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("image.image"));
}

TEST_F(Rpcs, StreamsFailAsTheirListsDo) {
  const auto reader = stub_->StreamImages(&context_, {});
  runtime::v1::StreamImagesResponse response;
  EXPECT_FALSE(reader->Read(&response));
  const auto status = reader->Finish();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE) << status.error_message();
}

/// A service whose answer a test can choose.
class Scripted final : public runtime::v1::ImageService::Service {
 public:
  using Answer = std::function<base::Result<runtime::v1::ImageStatusResponse>(
      const CallContext&, const runtime::v1::ImageStatusRequest&)>;
  explicit Scripted(Answer answer) : answer_(std::move(answer)) {}

  grpc::Status ImageStatus(grpc::ServerContext* context,
                           const runtime::v1::ImageStatusRequest* request,
                           runtime::v1::ImageStatusResponse* response) override {
    return Serve({}, "ImageStatus", context, *request, response, answer_);
  }

 private:
  Answer answer_;
};

grpc::Status Call(const Scripted::Answer& answer, grpc::ClientContext& context,
                  runtime::v1::ImageStatusResponse* response) {
  Scripted service(answer);
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  const auto stub = runtime::v1::ImageService::NewStub(server->InProcessChannel({}));
  return stub->ImageStatus(&context, {}, response);
}

TEST(Serve, AnswersAndDeadline) {
  grpc::ClientContext client;
  client.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  std::chrono::milliseconds left{};
  runtime::v1::ImageStatusResponse response;
  const auto status = Call(
      [&](const CallContext& context, const auto&) {
        left = context.Remaining();
        runtime::v1::ImageStatusResponse answer;
        answer.mutable_image()->set_id("id");
        return answer;
      },
      client, &response);
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(response.image().id(), "id");
  EXPECT_GT(left, std::chrono::seconds(10));
  EXPECT_LE(left, std::chrono::seconds(21));
}

TEST(Serve, WithoutADeadline) {
  grpc::ClientContext client;
  runtime::v1::ImageStatusResponse response;
  auto deadline = CallContext::Clock::time_point::min();
  const auto status = Call(
      [&](const CallContext& context, const auto&) {
        deadline = context.deadline;
        return runtime::v1::ImageStatusResponse();
      },
      client, &response);
  EXPECT_TRUE(status.ok());
  EXPECT_EQ(deadline, CallContext::Clock::time_point::max());
}

TEST(Serve, WhatIsThrownBecomesInternal) {
  grpc::ClientContext client;
  runtime::v1::ImageStatusResponse response;
  const auto status = Call(
      [](const CallContext&, const auto&) -> base::Result<runtime::v1::ImageStatusResponse> {
        throw std::runtime_error("broken");
      },
      client, &response);
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
  EXPECT_EQ(status.error_message(), "unexpected: broken");
}

TEST(Serve, ACancelledCallIsNoticed) {
  grpc::ClientContext client;
  runtime::v1::ImageStatusResponse response;
  bool noticed = false;
  (void)Call(
      [&](const CallContext& context, const auto&) {
        client.TryCancel();
        const auto end = CallContext::Clock::now() + std::chrono::seconds(10);
        while (!context.IsCancelled() && CallContext::Clock::now() < end) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        noticed = context.IsCancelled();
        return runtime::v1::ImageStatusResponse();
      },
      client, &response);
  EXPECT_TRUE(noticed);
}

TEST(SubjectOf, SaysWhomACallIsAbout) {
  runtime::v1::PullImageRequest pull;
  pull.mutable_image()->set_image("app:1");
  EXPECT_EQ(SubjectOf(pull), "app:1");
  runtime::v1::StartContainerRequest start;
  start.set_container_id("c1");
  EXPECT_EQ(SubjectOf(start), "c1");
  runtime::v1::StopPodSandboxRequest stop;
  stop.set_pod_sandbox_id("s1");
  EXPECT_EQ(SubjectOf(stop), "s1");
  runtime::v1::RunPodSandboxRequest run;
  run.mutable_config()->mutable_metadata()->set_name("pod");
  run.mutable_config()->mutable_metadata()->set_namespace_("ns");
  EXPECT_EQ(SubjectOf(run), "ns/pod");
  EXPECT_EQ(SubjectOf(runtime::v1::VersionRequest()), "");
}

}  // namespace
}  // namespace dockershimd::shim::service
