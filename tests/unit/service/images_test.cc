#include "shim/service/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/encoding.h"
#include "fake_engine.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using base::Code;
using testing::HasSubstr;
using testing::Not;
using testsupport::EngineReply;
using testsupport::EngineRequest;
using testsupport::FakeEngine;

const std::string kId = "sha256:" + std::string(64, 'a');
const std::string kInspect = R"({"Id":")" + kId + R"(","RepoTags":["r.io/app:1"],"Size":5})";
constexpr const char* kInspectPath = "/images/*/json";
constexpr const char* kPullPath = "/images/create";
constexpr const char* kDeletePath = "/images/*";

template <class RequestType>
RequestType About(const std::string& image) {
  RequestType request;
  request.mutable_image()->set_image(image);
  return request;
}

class ImagesTest : public testing::Test {
 protected:
  ImagesTest()
      : docker_({.socket_path = fake_.Socket()}),
        engine_(docker_, {"10m", "2"}),
        catalog_(docker_, "r.io/pause:1"),
        images_(docker_, engine_, catalog_, disk_, "r.io/pause:1", std::chrono::seconds(1)) {
    fake_.Answer("GET", "/containers/json", "[]");
  }

  static CallContext Limit() { return CallContext::WithTimeout(std::chrono::seconds(20)); }

  void InspectAnswers(const std::string& body) { fake_.Answer("GET", kInspectPath, body); }

  void InspectRefuses(int status, const std::string& message) {
    fake_.On("GET", kInspectPath,
             [=](const EngineRequest&, EngineReply& reply) { reply.Refuse(status, message); });
  }

  void PullAnswers(const std::string& messages) { fake_.Answer("POST", kPullPath, messages); }

  /// The last request of a method.
  EngineRequest Last(const std::string& method) {
    EngineRequest last;
    for (const auto& request : fake_.Requests()) {
      if (request.method == method) last = request;
    }
    return last;
  }

  base::Result<runtime::v1::PullImageResponse> Pull(const std::string& image,
                                                    const runtime::v1::AuthConfig& auth = {}) {
    auto request = About<runtime::v1::PullImageRequest>(image);
    *request.mutable_auth() = auth;
    return images_.Pull(Limit(), request);
  }

  base::Result<runtime::v1::RemoveImageResponse> Remove(const std::string& image) {
    return images_.Remove(Limit(), About<runtime::v1::RemoveImageRequest>(image));
  }

  FakeEngine fake_;
  dockerapi::Client docker_;
  node::Engine engine_;
  stats::DiskUse disk_;
  node::ImageCatalog catalog_;
  Images images_;
};

TEST_F(ImagesTest, OneBadImageDoesNotFailTheList) {
  InspectRefuses(500, "cannot look at it");
  fake_.Answer("GET", "/images/json",
               R"([{"Id":""},null,7,{"Id":"sha256:b","RepoTags":null,"Size":null},
                   {"Id":"sha256:a","RepoTags":["r.io/pause:1"],"Size":5}])");
  const auto response = images_.List(Limit(), {});
  ASSERT_TRUE(response) << response.error().message;
  runtime::v1::ListImagesResponse list;
  ASSERT_TRUE(list.ParseFromString(response->SerializeAsString()));
  ASSERT_EQ(list.images_size(), 2);
  EXPECT_EQ(list.images(0).id(), "sha256:a");
  EXPECT_TRUE(list.images(0).pinned());
  EXPECT_FALSE(list.images(1).pinned());
}

TEST_F(ImagesTest, AListThatFailedIsReadWhenAskedForAgain) {
  fake_.Answer("GET", "/images/json", "[]", 500);
  EXPECT_EQ(images_.List(Limit(), {}).error().code, Code::kInternal);
  fake_.Answer("GET", "/images/json", "[]");
  EXPECT_TRUE(images_.List(Limit(), {}));
}

TEST_F(ImagesTest, StatusOfTheAbsentIsEmpty) {
  InspectRefuses(404, "No such image");
  const auto status = images_.Status(Limit(), About<runtime::v1::ImageStatusRequest>("app"));
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_FALSE(status->has_image());
}

TEST_F(ImagesTest, StatusPassesFailuresOn) {
  InspectRefuses(500, "layer store is broken");
  const auto status = images_.Status(Limit(), About<runtime::v1::ImageStatusRequest>("app"));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::kInternal);
  EXPECT_THAT(status.error().message,
              testing::AllOf(HasSubstr("image app: "), HasSubstr("layer store is broken")));
}

TEST_F(ImagesTest, VerboseStatus) {
  InspectAnswers(kInspect);
  auto request = About<runtime::v1::ImageStatusRequest>("r.io/app:1");
  EXPECT_TRUE(images_.Status(Limit(), request)->info().empty());
  request.set_verbose(true);
  EXPECT_THAT(images_.Status(Limit(), request)->info().at("info"), HasSubstr(kId));
}

TEST_F(ImagesTest, PullAsksForOneTag) {
  InspectAnswers(kInspect);
  PullAnswers(R"({"status":"Pulling"})"
              "\n");
  const auto pulled = Pull("app");
  ASSERT_TRUE(pulled) << pulled.error().message;
  EXPECT_EQ(pulled->image_ref(), kId);
  EXPECT_EQ(Last("POST").Query("fromImage"), "docker.io/library/app:latest");
  EXPECT_EQ(Last("POST").Header("X-Registry-Auth"), "");
}

TEST_F(ImagesTest, PullWithCredentials) {
  InspectAnswers(kInspect);
  PullAnswers("");
  runtime::v1::AuthConfig auth;
  auth.set_username("me");
  auth.set_password("secret");
  ASSERT_TRUE(Pull("r.io/app:1", auth));
  const auto header = base::Base64Decode(Last("POST").Header("X-Registry-Auth"));
  ASSERT_TRUE(header);
  EXPECT_THAT(*header, testing::AllOf(HasSubstr("secret"), HasSubstr("r.io")));
}

TEST_F(ImagesTest, CredentialsForAnotherRegistryAreNotSent) {
  InspectAnswers(kInspect);
  PullAnswers("");
  runtime::v1::AuthConfig auth;
  auth.set_username("me");
  auth.set_password("secret");
  auth.set_server_address("other.io");
  ASSERT_TRUE(Pull("r.io/app:1", auth));
  EXPECT_EQ(Last("POST").Header("X-Registry-Auth"), "");
}

TEST_F(ImagesTest, PullErrorsAreReadableAndKeepSecrets) {
  PullAnswers(
      R"({"status":"Pulling"})"
      "\n"
      R"({"errorDetail":{"message":"x"},"error":"Get \"https://cdn.io/b?Signature=abc\": EOF"})"
      "\n");
  const auto pulled = Pull("r.io/app:1");
  ASSERT_FALSE(pulled);
  EXPECT_THAT(pulled.error().message,
              testing::AllOf(HasSubstr("pull image r.io/app:1"), HasSubstr("https://cdn.io/b"),
                             Not(HasSubstr("abc"))));
}

TEST_F(ImagesTest, PullThatRepeatsItselfIsStalled) {
  fake_.On("POST", kPullPath, [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    while (!reply.IsClosed()) {
      reply.Chunk(R"({"status":"Downloading","id":"l","progressDetail":{"current":1,"total":9}})"
                  "\n");
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  });
  const auto pulled = Pull("r.io/app:1");
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(pulled.error().message, HasSubstr("Downloading l (1 of 9 bytes)"));
}

TEST_F(ImagesTest, RemovesByIdAndAllNames) {
  InspectAnswers(kInspect);
  fake_.Answer("DELETE", kDeletePath, "[]");
  ASSERT_TRUE(Remove("r.io/app:1"));
  EXPECT_EQ(Last("DELETE").target, "/v1.41/images/sha256%3A" + kId.substr(7) + "?force=1");
}

TEST_F(ImagesTest, SomebodyElseWasFaster) {
  std::atomic<bool> gone = false;
  fake_.On("GET", kInspectPath, [&](const EngineRequest&, EngineReply& reply) {
    if (gone) return reply.Refuse(404, "No such image");
    reply.Json(kInspect);
  });
  fake_.On("DELETE", kDeletePath, [&](const EngineRequest&, EngineReply& reply) {
    gone = true;
    reply.Refuse(500, "unrecognized image ID");
  });
  EXPECT_TRUE(Remove("r.io/app:1"));
}

TEST_F(ImagesTest, InUse) {
  InspectAnswers(kInspect);
  fake_.On("DELETE", kDeletePath, [](const EngineRequest&, EngineReply& reply) {
    reply.Refuse(409, "image is being used by running container abc");
  });
  const auto removed = Remove("r.io/app:1");
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(removed.error().message,
              testing::AllOf(HasSubstr("r.io/app:1"), HasSubstr("running container abc")));
}

TEST_F(ImagesTest, KeptForAContainerOutsideOfPods) {
  InspectAnswers(kInspect);
  fake_.Answer("DELETE", kDeletePath, "[]");
  const auto container = [](const std::string& image, const std::string& labels) {
    return R"([{"Id":"1","Names":["/nightly"],"State":"exited","ImageID":")" + image +
           R"(","Labels":{)" + labels + "}}]";
  };
  fake_.Answer("GET", "/containers/json", container(kId, ""));
  const auto removed = Remove("r.io/app:1");
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(removed.error().message,
              testing::AllOf(HasSubstr("r.io/app:1"), HasSubstr("container /nightly")));
  EXPECT_EQ(Last("DELETE").target, "");

  fake_.Answer("GET", "/containers/json",
               container(kId, R"("io.kubernetes.docker.type":"container")"));
  EXPECT_TRUE(Remove("r.io/app:1")) << "a pod's";
  fake_.Answer("GET", "/containers/json", container("sha256:other", ""));
  EXPECT_TRUE(Remove("r.io/app:1")) << "of another image";
}

TEST_F(ImagesTest, FilesystemBeforeTheFirstConnection) {
  EXPECT_EQ(images_.FsInfo().error().code, Code::kUnavailable);
}

}  // namespace
}  // namespace dockershimd::shim::service
