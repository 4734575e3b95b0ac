// GetContainerEvents of the daemon as a process: many listeners, one of which never reads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <thread>

#include "base/guarded.h"
#include "base/time.h"
#include "criclient/client.h"
#include "daemon_process.h"
#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using cri_v1::ContainerEventType;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// A stream of events on a connection of its own.
class Listener {
 public:
  struct Heard {
    std::string container;
    ContainerEventType type;
    base::UnixNanos at = 0;
    double delay_ms = 0;
  };

  explicit Listener(const std::string& endpoint)
      : client_(endpoint), stream_(client_.Runtime().GetContainerEvents(&context_, {})) {}
  ~Listener() { context_.TryCancel(); }

  void Read() {
    thread_ = std::jthread([this] {
      cri_v1::ContainerEventResponse event;
      while (stream_->Read(&event)) {
        const auto delay = static_cast<double>(base::WallClockNow() - event.created_at()) / 1e6;
        heard_.Lock()->push_back(
            {event.container_id(), event.container_event_type(), event.created_at(), delay});
      }
    });
  }
  [[nodiscard]] std::vector<Heard> All() const { return *heard_.Lock(); }

 private:
  grpc::ClientContext context_;
  criclient::Client client_;
  std::unique_ptr<grpc::ClientReaderInterface<cri_v1::ContainerEventResponse>> stream_;
  base::Guarded<std::vector<Heard>> heard_;
  std::jthread thread_;
};

class EventsTest : public testing::Test {
 protected:
  EventsTest() : cri_(daemon_.Endpoint()) {}

  /// A pod's whole life; the ids of sandbox and container.
  std::vector<std::string> Live(const std::string& name) {
    auto pod = PodConfig(name);
    const auto pod_id = RunPod(cri_, pod);
    EXPECT_TRUE(pod_id) << pod_id.error().message;
    if (!pod_id) return {};
    auto config = SleeperConfig("main");
    // Events carry it: what nobody reads adds up.
    (*config.mutable_annotations())["big"] = std::string(50'000, 'x');
    const auto id = CreateContainer(cri_, *pod_id, pod, config);
    EXPECT_TRUE(id) << id.error().message;
    EXPECT_TRUE(StartContainer(cri_, id.value_or("")));
    EXPECT_TRUE(StopContainer(cri_, id.value_or(""), 10));
    EXPECT_TRUE(RemovePod(cri_, *pod_id));
    return {*pod_id, id.value_or("")};
  }

  DaemonProcess daemon_;
  criclient::Client cri_;
};

std::vector<ContainerEventType> LifeOf(const std::string& id,
                                       const std::vector<Listener::Heard>& heard) {
  std::vector<ContainerEventType> life;
  for (const auto& event : heard) {
    if (event.container == id) life.push_back(event.type);
  }
  return life;
}

TEST_F(EventsTest, FiftyListenersHearAllWhateverOneOfThemDoes) {
  const auto pulled = Pull(cri_, kBusybox);
  ASSERT_TRUE(pulled) << pulled.error().message;
  constexpr int kListeners = 50;
  constexpr int kPods = 10;
  const Listener silent(daemon_.Endpoint());
  std::vector<std::unique_ptr<Listener>> listeners;
  for (int i = 1; i < kListeners; ++i) {
    listeners.push_back(std::make_unique<Listener>(daemon_.Endpoint()));
    listeners.back()->Read();
  }
  // Whoever has heard one event hears all that follow.
  const auto all_hear = [&] {
    return std::all_of(listeners.begin(), listeners.end(),
                       [](const auto& one) { return !one->All().empty(); });
  };
  for (int i = 0; i < 20 && !all_hear(); ++i) (void)Live("warm-up-" + std::to_string(i));
  ASSERT_TRUE(all_hear());
  const auto before = daemon_.Use();
  std::vector<std::string> ids;
  for (int i = 0; i < kPods; ++i) {
    const auto more = Live("heard-" + std::to_string(i));
    ids.insert(ids.end(), more.begin(), more.end());
  }
  const auto heard_last = [&](const Listener& listener) {
    const auto life = LifeOf(ids[ids.size() - 2], listener.All());
    return !life.empty() && life.back() == ContainerEventType::CONTAINER_DELETED_EVENT;
  };
  std::vector<double> delays;
  for (const auto& listener : listeners) {
    const auto end = std::chrono::steady_clock::now() + seconds(30);
    while (!heard_last(*listener) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    const auto heard = listener->All();
    for (const auto& id : ids) {
      EXPECT_THAT(LifeOf(id, heard),
                  testing::ElementsAre(ContainerEventType::CONTAINER_CREATED_EVENT,
                                       ContainerEventType::CONTAINER_STARTED_EVENT,
                                       ContainerEventType::CONTAINER_STOPPED_EVENT,
                                       ContainerEventType::CONTAINER_DELETED_EVENT))
          << id;
    }
    for (const auto& event : heard) delays.push_back(event.delay_ms);
  }
  const auto after = daemon_.Use();
  ASSERT_FALSE(delays.empty());
  std::sort(delays.begin(), delays.end());
  std::cout << kListeners << " listeners, " << delays.size()
            << " events heard; milliseconds from change to listener: median "
            << delays[delays.size() / 2] << ", 99th percentile " << delays[delays.size() * 99 / 100]
            << ", longest " << delays.back() << "; RSS " << before.resident_kib << " -> "
            << after.resident_kib << " KiB\n";
  // What is kept for the silent one: 8 events of each pod, 50 KB each at most.
  EXPECT_LE(after.resident_kib, before.resident_kib + std::size_t{kPods} * 8 * 50 + 8192);
  EXPECT_LE(after.threads, before.threads + 3);
}

}  // namespace
}  // namespace dockershimd::tests
