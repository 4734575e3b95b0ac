#include "shim/service/event_streams.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <thread>

#include "cri/runtime/v1/api.grpc.pb.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::service {
namespace {

using node::Change;
using node::ChangeKind;
using runtime::v1::ContainerEventResponse;
using std::chrono::milliseconds;
using std::chrono::seconds;

node::SandboxPtr Sandbox(const std::string& id) {
  auto sandbox = std::make_shared<translate::SandboxRecord>();
  sandbox->details.id = id;
  sandbox->details.state.running = true;
  runtime::v1::PodSandboxConfig config;
  config.mutable_metadata()->set_uid("uid");
  sandbox->config = config;
  translate::SetNetwork({true, {"10.0.0.1"}}, sandbox.get());
  return sandbox;
}

node::ContainerPtr Container(const std::string& id) {
  auto container = std::make_shared<translate::ContainerRecord>();
  container->details.id = id;
  container->details.state.running = true;
  runtime::v1::ContainerConfig config;
  auto& labels = *config.mutable_labels();
  labels["io.kubernetes.pod.name"] = "pod";
  labels["io.kubernetes.pod.namespace"] = "ns";
  labels["io.kubernetes.pod.uid"] = "uid";
  container->config = config;
  container->sandbox_id = "5a1";
  return container;
}

Change Stopped(const std::string& id, base::UnixNanos time = 1) {
  return {ChangeKind::kStopped, id, "5a1", time, Sandbox("5a1"), {Container(id)}, nullptr};
}

TEST(ToContainerEvent, StatusesAsTheStatusCallsGiveThem) {
  const auto change = Stopped("c1", 7);
  const auto event = ToContainerEvent(change);
  EXPECT_EQ(event.container_id(), "c1");
  EXPECT_EQ(event.container_event_type(), runtime::v1::CONTAINER_STOPPED_EVENT);
  EXPECT_EQ(event.created_at(), 7);
  EXPECT_EQ(
      event.pod_sandbox_status().SerializeAsString(),
      translate::ToPodSandboxStatus(*change.sandbox, change.sandbox->network).SerializeAsString());
  ASSERT_EQ(event.containers_statuses_size(), 1);
  EXPECT_EQ(event.containers_statuses(0).DebugString(),
            translate::ToContainerStatus(*change.containers[0]).DebugString());
}

TEST(ToContainerEvent, ARemovedSandboxIsNotReady) {
  const Change change{ChangeKind::kDeleted, "5a1", "5a1", 1, Sandbox("5a1"), {}, nullptr};
  const auto event = ToContainerEvent(change);
  EXPECT_EQ(event.pod_sandbox_status().id(), "5a1");
  EXPECT_EQ(event.pod_sandbox_status().state(), runtime::v1::SANDBOX_NOTREADY);
  EXPECT_EQ(event.pod_sandbox_status().metadata().uid(), "uid");
}

TEST(ToContainerEvent, AContainerThatOutlivedItsSandboxStillNamesItsPod) {
  const Change change{ChangeKind::kDeleted, "c1", "5a1", 1, nullptr, {}, Container("c1")};
  const auto status = ToContainerEvent(change).pod_sandbox_status();
  EXPECT_EQ(status.id(), "5a1");
  EXPECT_EQ(status.metadata().name(), "pod");
  EXPECT_EQ(status.metadata().namespace_(), "ns");
  EXPECT_EQ(status.metadata().uid(), "uid");
}

using ServiceBase = runtime::v1::RuntimeService::WithCallbackMethod_GetContainerEvents<
    runtime::v1::RuntimeService::Service>;

class Service final : public ServiceBase {
 public:
  explicit Service(EventStreams& events) : events_(events) {}
  grpc::ServerWriteReactor<ContainerEventResponse>* GetContainerEvents(
      grpc::CallbackServerContext*, const runtime::v1::GetEventsRequest*) override {
    return events_.Listen();
  }

 private:
  EventStreams& events_;
};

/// A client that reads in a thread of its own, until the stream ends.
class Client {
 public:
  explicit Client(grpc::Server& server)
      : stub_(runtime::v1::RuntimeService::NewStub(server.InProcessChannel({}))),
        reader_(stub_->GetContainerEvents(&context_, {})) {}
  ~Client() { context_.TryCancel(); }

  void ReadAll() {
    thread_ = std::jthread([this] {
      ContainerEventResponse event;
      while (reader_->Read(&event)) times_.Lock()->push_back(event.created_at());
      *status_.Lock() = reader_->Finish();
      ended_ = true;
    });
  }
  void Cancel() { context_.TryCancel(); }
  [[nodiscard]] std::vector<std::int64_t> Times() const { return *times_.Lock(); }
  [[nodiscard]] grpc::Status End() {
    thread_.join();
    return *status_.Lock();
  }
  [[nodiscard]] bool HasEnded() const { return ended_; }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<runtime::v1::RuntimeService::Stub> stub_;
  std::unique_ptr<grpc::ClientReader<ContainerEventResponse>> reader_;
  base::Guarded<std::vector<std::int64_t>> times_;
  base::Guarded<grpc::Status> status_;
  std::atomic<bool> ended_ = false;
  std::jthread thread_;
};

class EventStreamsTest : public testing::Test {
 protected:
  EventStreamsTest() : events_(kLimit), service_(events_) {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
  }
  ~EventStreamsTest() override {
    events_.Close();
    server_->Shutdown(std::chrono::system_clock::now() + seconds(5));
  }

  /// Waits for what must come, however slow the machine is.
  template <class Condition>
  static bool Eventually(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + seconds(20);
    while (!condition() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    return condition();
  }

  bool Listening(std::size_t count) {
    return Eventually([&] { return events_.ListenerCount() == count; });
  }

  static constexpr std::size_t kLimit = 100;
  EventStreams events_;
  Service service_;
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(EventStreamsTest, AllInOrderToAll) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(*server_));
    clients.back()->ReadAll();
  }
  ASSERT_TRUE(Listening(20));
  std::vector<std::int64_t> sent;
  for (int i = 1; i <= 50; ++i) {
    events_.Send(Stopped("c1", i));
    sent.push_back(i);
  }
  for (const auto& client : clients) {
    EXPECT_TRUE(Eventually([&] { return client->Times().size() == sent.size(); }));
    EXPECT_EQ(client->Times(), sent);
  }
}

TEST_F(EventStreamsTest, NobodyListens) { events_.Send(Stopped("c1")); }

TEST_F(EventStreamsTest, OneThatDoesNotReadDelaysNobodyAndIsDropped) {
  Client lazy(*server_);
  Client eager(*server_);
  eager.ReadAll();
  ASSERT_TRUE(Listening(2));
  auto big = Stopped("c1");
  auto container = std::make_shared<translate::ContainerRecord>(*big.containers[0]);
  auto config = container->config.Get();
  (*config.mutable_annotations())["big"] = std::string(100'000, 'x');
  container->config = config;
  big.containers = {container};
  std::size_t sent = 0;
  // The eager one keeps up whatever the lazy one does.
  for (int i = 0; i < 400; ++i) {
    events_.Send(big);
    ++sent;
    ASSERT_TRUE(Eventually([&] { return eager.Times().size() == sent; }));
  }
  lazy.ReadAll();
  const auto end = lazy.End();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED) << end.error_message();
  EXPECT_LT(lazy.Times().size(), sent);
  EXPECT_FALSE(eager.HasEnded());
  EXPECT_TRUE(Listening(1));
}

TEST_F(EventStreamsTest, ClientsThatLeaveAreForgotten) {
  for (int i = 0; i < 20; ++i) {
    Client client(*server_);
    client.ReadAll();
    ASSERT_TRUE(Listening(1));
    std::jthread sending([&] { events_.Send(Stopped("c1")); });
    client.Cancel();
    EXPECT_EQ(client.End().error_code(), grpc::StatusCode::CANCELLED);
    ASSERT_TRUE(Listening(0));
  }
}

TEST_F(EventStreamsTest, CloseEndsAllAndLaterOnes) {
  Client client(*server_);
  client.ReadAll();
  ASSERT_TRUE(Listening(1));
  events_.Close();
  EXPECT_EQ(client.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  Client late(*server_);
  late.ReadAll();
  EXPECT_EQ(late.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(Listening(0));
}

}  // namespace
}  // namespace dockershimd::shim::service
