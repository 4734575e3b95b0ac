#include "shim/service/images.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include "base/encoding.h"
#include "eventually.h"
#include "loopback_registry.h"
#include "private_registry.h"
#include "shim/translate/images.h"
#include "shim/translate/labels.h"
#include "stalling_registry.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using base::Code;
using base::Result;
using dockershimd::tests::Eventually;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::UnorderedElementsAre;

const std::string kStaging = "gcr.io/k8s-staging-cri-tools/";
const std::string kBusybox = "registry.k8s.io/e2e-test-images/busybox:1.29-2";

runtime::v1::ImageSpec Spec(const std::string& image) {
  runtime::v1::ImageSpec spec;
  spec.set_image(image);
  return spec;
}

class EngineImages : public testing::Test {
 protected:
  EngineImages()
      : docker_({.socket_path = std::getenv("DSD_TEST_DOCKER_SOCKET")}),
        engine_(docker_, {"10m", "2"}),
        catalog_(docker_, "registry.k8s.io/pause:3.9"),
        images_(docker_, engine_, catalog_, disk_, "registry.k8s.io/pause:3.9", seconds(60)) {}

  void SetUp() override {
    const auto loaded = engine_.Load(Limit());
    ASSERT_TRUE(loaded) << loaded.error().message;
    RemoveAll();
  }

  void TearDown() override { RemoveAll(); }

  static CallContext Limit() { return CallContext::WithTimeout(seconds(60)); }

  Result<std::string> TryPull(const std::string& name, const CallContext& context = Limit(),
                              const runtime::v1::AuthConfig& auth = {}) {
    runtime::v1::PullImageRequest request;
    *request.mutable_image() = Spec(name);
    *request.mutable_auth() = auth;
    const auto response = images_.Pull(context, request);
    if (!response) return base::Fail(response.error());
    return response->image_ref();
  }

  std::string Pull(const std::string& name, const runtime::v1::AuthConfig& auth = {}) {
    const auto id = TryPull(name, Limit(), auth);
    EXPECT_TRUE(id) << id.error().message;
    return id.value_or("");
  }

  runtime::v1::Image Status(const std::string& name) {
    runtime::v1::ImageStatusRequest request;
    *request.mutable_image() = Spec(name);
    const auto response = images_.Status(Limit(), request);
    EXPECT_TRUE(response) << response.error().message;
    return response.value_or(runtime::v1::ImageStatusResponse()).image();
  }

  std::vector<runtime::v1::Image> List(const std::string& filter = "") {
    runtime::v1::ListImagesRequest request;
    *request.mutable_filter()->mutable_image() = Spec(filter);
    const auto response = images_.List(Limit(), request);
    EXPECT_TRUE(response) << response.error().message;
    runtime::v1::ListImagesResponse list;
    EXPECT_TRUE(!response || list.ParseFromString(response->SerializeAsString()));
    return {list.images().begin(), list.images().end()};
  }

  base::Status Remove(const std::string& name) {
    runtime::v1::RemoveImageRequest request;
    *request.mutable_image() = Spec(name);
    const auto response = images_.Remove(Limit(), request);
    return response ? base::Status() : base::Fail(response.error());
  }

  /// The engine is the tests' own, and what others have left is in the way of these.
  void RemoveAll() {
    for (const auto& image : List()) {
      const auto removed = Remove(image.id());
      EXPECT_TRUE(removed) << removed.error().message;
    }
  }

  /// What the test images have in a file of theirs.
  std::string MarkerOf(const std::string& id) {
    dockerapi::ContainerSpec spec;
    spec.image = id;
    const auto container = docker_.CreateContainer(Limit(), "", spec);
    if (!container) return container.error().message;
    const auto file = docker_.ReadContainerFile(Limit(), *container, "/image-name", 1 << 20);
    EXPECT_TRUE(docker_.RemoveContainer(Limit(), *container, true));
    return file ? *file : file.error().message;
  }

  static std::ptrdiff_t FilesIn(const std::filesystem::path& folder) {
    std::error_code none;
    const auto files = std::filesystem::recursive_directory_iterator(folder, none);
    return std::count_if(begin(files), end(files),
                         [](const auto& file) { return file.is_regular_file(); });
  }

  dockerapi::Client docker_;
  node::Engine engine_;
  stats::DiskUse disk_;
  node::ImageCatalog catalog_;
  Images images_;
};

TEST_F(EngineImages, PulledByTag) {
  const auto id = Pull(kBusybox);
  const auto status = Status(kBusybox);
  EXPECT_EQ(status.id(), id);
  EXPECT_THAT(status.repo_tags(), ElementsAre(kBusybox));
  EXPECT_GT(status.size(), 0U);
  EXPECT_FALSE(status.pinned());
  EXPECT_EQ(Pull(kBusybox), id);
}

TEST_F(EngineImages, EveryReferenceLeadsToTheSameStatus) {
  const auto id = Pull(kBusybox);
  const auto status = Status(kBusybox);
  std::vector<std::string> references = {id, id.substr(7), id.substr(0, 19), id.substr(7, 12)};
  for (const auto& digest : status.repo_digests()) references.push_back(digest);
  for (const auto& reference : references) {
    EXPECT_EQ(Status(reference).SerializeAsString(), status.SerializeAsString()) << reference;
    EXPECT_EQ(List(reference).size(), 1U) << reference;
  }
}

TEST_F(EngineImages, ListAgreesWithStatus) {
  Pull(kBusybox);
  Pull(kStaging + "test-image-tags:1");
  Pull(kStaging + "test-image-tags:2");
  Pull("registry.k8s.io/pause:3.9");
  EXPECT_EQ(List().size(), 3U);
  for (const auto& row : List()) {
    const auto status = Status(row.id());
    EXPECT_EQ(row.id(), status.id());
    EXPECT_THAT(row.repo_tags(), testing::UnorderedElementsAreArray(status.repo_tags()));
    EXPECT_THAT(row.repo_digests(), testing::UnorderedElementsAreArray(status.repo_digests()));
    EXPECT_EQ(row.size(), status.size());
    EXPECT_EQ(row.pinned(), row.repo_tags(0) == "registry.k8s.io/pause:3.9");
  }
}

TEST_F(EngineImages, LatestByDefault) {
  const auto name = kStaging + "test-image-latest";
  const auto id = Pull(name);
  EXPECT_EQ(Status(name).id(), id);
  EXPECT_THAT(Status(name).repo_tags(), ElementsAre(name + ":latest"));
}

TEST_F(EngineImages, NeverAllTags) {
  const auto pulled = TryPull(kStaging + "test-image-tags");
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, Code::kNotFound) << pulled.error().message;
  EXPECT_THAT(List(kStaging + "test-image-tags"), ElementsAre());
}

TEST_F(EngineImages, PulledByDigest) {
  const auto tagged = kStaging + "test-image-digest:latest";
  const auto tagged_id = Pull(tagged);
  const std::string by_digest = Status(tagged).repo_digests(0);
  ASSERT_TRUE(Remove(tagged));
  EXPECT_EQ(Pull(by_digest), tagged_id);
  EXPECT_THAT(Status(by_digest).repo_tags(), ElementsAre());
  EXPECT_THAT(Status(by_digest).repo_digests(), ElementsAre(by_digest));
  ASSERT_TRUE(Remove(by_digest));

  const auto both = tagged + by_digest.substr(by_digest.find('@'));
  EXPECT_EQ(Pull(both), tagged_id);
  EXPECT_EQ(Status(both).id(), tagged_id);
  ASSERT_TRUE(Remove(both));
  EXPECT_EQ(Status(tagged_id).id(), "");
}

TEST_F(EngineImages, RemovedWithAllTags) {
  const auto name = kStaging + "test-image-tags:";
  const auto id = Pull(name + "1");
  EXPECT_EQ(Pull(name + "2"), id);
  EXPECT_EQ(Pull(name + "3"), id);
  EXPECT_THAT(Status(id).repo_tags(), UnorderedElementsAre(name + "1", name + "2", name + "3"));
  ASSERT_TRUE(Remove(name + "2"));
  EXPECT_EQ(Status(id).id(), "");
  EXPECT_EQ(Status(name + "1").id(), "");
}

TEST_F(EngineImages, OneIdFromTwoRegistries) {
  const auto id = Pull("registry.k8s.io/pause:3.9");
  EXPECT_EQ(Pull("k8s.gcr.io/pause:3.9"), id);
  EXPECT_TRUE(Status(id).pinned());
  ASSERT_TRUE(Remove("k8s.gcr.io/pause:3.9"));
  EXPECT_EQ(Status("registry.k8s.io/pause:3.9").id(), "");
}

TEST_F(EngineImages, RemovingTheAbsentSucceeds) {
  EXPECT_TRUE(Remove("registry.k8s.io/nonesuch:1"));
  EXPECT_TRUE(Remove("sha256:" + std::string(64, '0')));
  EXPECT_EQ(Remove("NOT VALID").error().code, Code::kInvalidArgument);
}

TEST_F(EngineImages, RemovedFiveTimesAtOnce) {
  const auto id = Pull(kBusybox);
  std::vector<std::future<std::string>> removals;
  for (int i = 0; i < 5; ++i) {
    removals.push_back(std::async(std::launch::async, [&] {
      const auto removed = Remove(id);
      return removed ? Status(id).id() : removed.error().message;
    }));
  }
  for (auto& removal : removals) EXPECT_EQ(removal.get(), "");
}

TEST_F(EngineImages, PulledFourTimesAtOnce) {
  const auto name = kStaging + "test-image-2:latest";
  std::vector<std::future<Result<std::string>>> pulls;
  for (int i = 0; i < 4; ++i) {
    pulls.push_back(std::async(std::launch::async, [&] { return TryPull(name); }));
  }
  std::set<std::string> ids;
  for (auto& pull : pulls) {
    const auto id = pull.get();
    ASSERT_TRUE(id) << id.error().message;
    ids.insert(*id);
  }
  EXPECT_EQ(ids.size(), 1U);
}

TEST_F(EngineImages, NotRemovedUnderARunningContainer) {
  const auto id = Pull(kBusybox);
  dockerapi::ContainerSpec spec;
  spec.image = id;
  spec.labels = {{std::string(translate::kTypeLabel), std::string(translate::kTypeContainer)}};
  spec.command = {"sleep", "600"};
  spec.host.network_mode = "none";
  const auto container = docker_.CreateContainer(Limit(), "", spec);
  ASSERT_TRUE(container) << container.error().message;
  const auto started = docker_.StartContainer(Limit(), *container);
  const auto removed = Remove(kBusybox);
  const auto details = docker_.InspectContainer(Limit(), *container);
  EXPECT_TRUE(docker_.RemoveContainer(Limit(), *container, true));

  ASSERT_TRUE(started) << started.error().message;
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(removed.error().message, HasSubstr("running container"));
  ASSERT_TRUE(details);
  EXPECT_EQ(details->image_id, id);
  EXPECT_TRUE(Remove(kBusybox));
}

TEST_F(EngineImages, Users) {
  const auto status = [&](const std::string& name) {
    Pull(kStaging + name);
    return Status(kStaging + name);
  };
  EXPECT_EQ(status("test-image-user-uid").uid().value(), 1002);
  EXPECT_EQ(status("test-image-user-username").username(), "www-data");
  EXPECT_EQ(status("test-image-user-uid-group").uid().value(), 1003);
  EXPECT_EQ(status("test-image-user-username-group").username(), "www-data");
}

TEST_F(EngineImages, UnknownToTheRegistry) {
  for (const std::string& name :
       {std::string("registry.k8s.io/nonesuch:1"), kStaging + "test-image-tags:9",
        kStaging + "test-image-1@sha256:" + std::string(64, '0')}) {
    const auto pulled = TryPull(name);
    ASSERT_FALSE(pulled);
    EXPECT_EQ(pulled.error().code, Code::kNotFound) << pulled.error().message;
    EXPECT_THAT(pulled.error().message, HasSubstr("pull image " + name));
  }
}

TEST_F(EngineImages, UnreachableRegistry) {
  for (const std::string name : {"127.0.0.1:1/app:1", "registry.invalid/app:1"}) {
    const auto pulled = TryPull(name);
    ASSERT_FALSE(pulled);
    EXPECT_NE(pulled.error().code, Code::kNotFound) << pulled.error().message;
    EXPECT_THAT(pulled.error().message, HasSubstr("pull image " + name));
  }
}

TEST_F(EngineImages, StalledPull) {
  const testsupport::LoopbackRegistry registry(testsupport::LoopbackRegistry::Kind::kSilent);
  Images impatient(docker_, engine_, catalog_, disk_, "", seconds(1));
  runtime::v1::PullImageRequest request;
  *request.mutable_image() = Spec(registry.Address() + "/app:1");
  const auto pulled = impatient.Pull(Limit(), request);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, Code::kDeadlineExceeded);
  EXPECT_THAT(pulled.error().message, HasSubstr("no progress for 1 s"));
  EXPECT_THAT(pulled.error().message, HasSubstr(registry.Address() + "/app:1"));
}

TEST_F(EngineImages, CancelledPull) {
  const testsupport::LoopbackRegistry registry(testsupport::LoopbackRegistry::Kind::kSilent);
  auto context = Limit();
  const auto start = CallContext::Clock::now();
  context.cancelled = [&] { return CallContext::Clock::now() - start > seconds(1); };
  const auto pulled = TryPull(registry.Address() + "/app:1", context);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, Code::kCancelled) << pulled.error().message;
  EXPECT_LT(CallContext::Clock::now() - start, seconds(10));
}

TEST_F(EngineImages, PullPastItsDeadline) {
  const testsupport::LoopbackRegistry registry(testsupport::LoopbackRegistry::Kind::kSilent);
  const auto pulled =
      TryPull(registry.Address() + "/app:1", CallContext::WithTimeout(std::chrono::seconds(1)));
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, Code::kDeadlineExceeded) << pulled.error().message;
}

TEST_F(EngineImages, WrongCredentials) {
  const testsupport::LoopbackRegistry registry(testsupport::LoopbackRegistry::Kind::kRefusing);
  runtime::v1::AuthConfig auth;
  auth.set_username("me");
  auth.set_password("hunter2");
  const auto pulled = TryPull(registry.Address() + "/app:1", Limit(), auth);
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, Code::kUnauthenticated) << pulled.error().message;
  EXPECT_THAT(pulled.error().message, Not(HasSubstr("hunter2")));
  // They did reach the registry: "me:hunter2" in base64.
  EXPECT_THAT(registry.Seen(), HasSubstr("Basic bWU6aHVudGVyMg=="));
}

TEST_F(EngineImages, NothingIsLeftOfACancelledPull) {
  const testsupport::StallingRegistry registry;
  auto context = Limit();
  context.cancelled = [&] { return registry.HasBegun(); };
  const std::string name = registry.Address() + "/app:1";
  const auto pulled = TryPull(name, context);
  ASSERT_TRUE(registry.HasBegun());
  ASSERT_FALSE(pulled);
  EXPECT_EQ(pulled.error().code, Code::kCancelled) << pulled.error().message;
  EXPECT_EQ(Status(name).id(), "");
  EXPECT_THAT(List(), ElementsAre());
  // What has come of a layer; containerd's image store keeps it for the next pull, elsewhere.
  const std::string layers = std::string(std::getenv("DSD_TEST_STATE")) + "/docker/tmp";
  EXPECT_TRUE(Eventually([&] { return FilesIn(layers) == 0; })) << layers;
}

runtime::v1::AuthConfig Credentials(const std::string& password) {
  runtime::v1::AuthConfig auth;
  auth.set_username(testsupport::PrivateRegistry::kUser);
  auth.set_password(password);
  return auth;
}

TEST_F(EngineImages, PrivateRegistry) {
  const testsupport::PrivateRegistry registry;
  const std::string name = registry.Address() + "/k8s-staging-cri-tools/test-image-1:latest";
  const auto right = Credentials(testsupport::PrivateRegistry::kPassword);
  const auto id = Pull(name, right);
  EXPECT_THAT(Status(id).repo_tags(), ElementsAre(name));
  ASSERT_TRUE(Remove(name));

  // The same in one field.
  runtime::v1::AuthConfig encoded;
  encoded.set_auth(base::Base64Encode(right.username() + ":" + right.password()));
  EXPECT_EQ(Pull(name, encoded), id);
  ASSERT_TRUE(Remove(name));

  for (const auto& wrong : {Credentials("other"), runtime::v1::AuthConfig()}) {
    const auto refused = TryPull(name, Limit(), wrong);
    ASSERT_FALSE(refused) << wrong.DebugString();
    EXPECT_EQ(refused.error().code, Code::kUnauthenticated) << refused.error().message;
    EXPECT_THAT(refused.error().message, HasSubstr("pull image " + name));
    EXPECT_THAT(refused.error().message, Not(HasSubstr(base::Base64Encode("me:other"))));
  }
  EXPECT_EQ(Status(name).id(), "");
}

TEST_F(EngineImages, OfSeveralMachines) {
  const auto name = kStaging + "test-image-index:latest";
  const auto id = Pull(name);
  const auto status = Status(id);
  EXPECT_THAT(status.repo_tags(), ElementsAre(name));
  ASSERT_EQ(status.repo_digests_size(), 1);
  EXPECT_EQ(MarkerOf(id), "of this machine\n");
  // By the digest of the index, which is what a pod's author sees.
  const auto by_digest = status.repo_digests(0);
  ASSERT_TRUE(Remove(by_digest));
  EXPECT_EQ(Status(id).id(), "");
  EXPECT_EQ(Pull(by_digest), id);
}

TEST_F(EngineImages, RemovedByAnyReference) {
  const auto name = kStaging + "test-image-tags:";
  const auto pull = [&] {
    const auto id = Pull(name + "1");
    EXPECT_EQ(Pull(name + "2"), id);
    return id;
  };
  const auto id = pull();
  const auto by_digest = Status(id).repo_digests(0);
  const auto digest = by_digest.substr(by_digest.find('@'));
  for (const auto& reference :
       {id, id.substr(7), id.substr(7, 12), name + "2", by_digest, name + "1" + digest}) {
    EXPECT_EQ(pull(), id);
    EXPECT_TRUE(Remove(reference)) << reference;
    EXPECT_EQ(Status(id).id(), "") << reference;
    EXPECT_THAT(List(), ElementsAre()) << reference;
  }
}

/// Kubelet's garbage collection never asks for it: Docker keeps what the container needs.
TEST_F(EngineImages, RemovedUnderAContainerThatHasEnded) {
  const auto id = Pull(kBusybox);
  dockerapi::ContainerSpec spec;
  spec.image = id;
  spec.labels = {{std::string(translate::kTypeLabel), std::string(translate::kTypeContainer)}};
  const auto container = docker_.CreateContainer(Limit(), "", spec);
  ASSERT_TRUE(container) << container.error().message;
  const auto removed = Remove(kBusybox);
  EXPECT_TRUE(docker_.RemoveContainer(Limit(), *container, true));
  EXPECT_TRUE(removed) << removed.error().message;
  EXPECT_EQ(Status(kBusybox).id(), "");
}

TEST_F(EngineImages, NotRemovedUnderAContainerThatIsNoPods) {
  const auto id = Pull(kBusybox);
  dockerapi::ContainerSpec spec;
  spec.image = kBusybox;
  const auto container = docker_.CreateContainer(Limit(), "started-nightly", spec);
  ASSERT_TRUE(container) << container.error().message;
  const auto removed = Remove(kBusybox);
  EXPECT_TRUE(docker_.RemoveContainer(Limit(), *container, true));
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, Code::kFailedPrecondition);
  EXPECT_THAT(removed.error().message, HasSubstr("started-nightly"));
  EXPECT_EQ(Status(kBusybox).id(), id);
  EXPECT_TRUE(Remove(kBusybox));
}

TEST_F(EngineImages, Filesystem) {
  const auto info = images_.FsInfo();
  ASSERT_TRUE(info) << info.error().message;
  for (const auto* usage : {&info->image_filesystems(), &info->container_filesystems()}) {
    ASSERT_EQ(usage->size(), 1);
    EXPECT_GT(usage->at(0).timestamp(), 0);
    EXPECT_GT(usage->at(0).used_bytes().value(), 0U);
    EXPECT_GT(usage->at(0).inodes_used().value(), 0U);
    EXPECT_THAT(usage->at(0).fs_id().mountpoint(), testing::StartsWith("/"));
  }
}

}  // namespace
}  // namespace dockershimd::shim::service
