// Random operations on a real engine, done behind the daemon's back while its way to the engine is
// cut again and again: after each quiet moment the model is what a fresh look shows.

#include "shim/node/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <random>
#include <thread>

#include "base/encoding.h"
#include "cutting_proxy.h"
#include "shim/node/watcher.h"
#include "shim/translate/labels.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::node {
namespace {

using base::CallContext;
using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kBusybox = "registry.k8s.io/e2e-test-images/busybox:1.29-2";

std::string EngineSocket() { return std::getenv("DSD_TEST_DOCKER_SOCKET"); }

CallContext Limit() { return CallContext::WithTimeout(seconds(60)); }

int FromEnvironment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

translate::NetworkView NetworkOf(const translate::SandboxRecord& sandbox) {
  return {sandbox.details.state.running, {}};
}

/// All that the model says of a container.
std::string Text(const translate::KeptDetails& details) {
  return fmt::format("{} {} pid {} paused {} error '{}'\n", details.name, details.state.status,
                     details.state.pid, details.state.paused, details.state.error);
}

std::map<std::string, std::string> TextOf(const Model& model) {
  std::map<std::string, std::string> texts;
  for (const auto& sandbox : model.Sandboxes()) {
    texts[sandbox->details.id] =
        Text(sandbox->details) +
        translate::ToPodSandboxStatus(*sandbox, sandbox->network).DebugString();
  }
  for (const auto& container : model.Containers()) {
    texts[container->details.id] =
        Text(container->details) + translate::ToContainerStatus(*container).DebugString();
  }
  return texts;
}

/// Holds each container's changes against what can follow what.
class Lives {
 public:
  void Take(const Change& change) {
    auto& last = lives_[change.id];
    const bool follows = [&] {
      switch (change.kind) {
        case ChangeKind::kCreated:
          return !last;
        case ChangeKind::kStarted:
          return last == ChangeKind::kCreated || last == ChangeKind::kStopped;
        case ChangeKind::kStopped:
          return last == ChangeKind::kStarted || last == ChangeKind::kCreated;
        case ChangeKind::kDeleted:
          return last && last != ChangeKind::kStarted && last != ChangeKind::kDeleted;
      }
      return false;
    }();
    EXPECT_TRUE(follows) << change.id << ": " << static_cast<int>(change.kind) << " after "
                         << (last ? static_cast<int>(*last) : -1);
    EXPECT_GT(change.time, last_time_);
    last_time_ = change.time;
    last = change.kind;
  }

  [[nodiscard]] std::optional<ChangeKind> Last(const std::string& id) const {
    const auto found = lives_.find(id);
    return found == lives_.end() ? std::nullopt : found->second;
  }

 private:
  std::map<std::string, std::optional<ChangeKind>> lives_;
  base::UnixNanos last_time_ = 0;
};

/// One thread's random operations on containers of its own.
class Meddler {
 public:
  Meddler(unsigned seed, std::string sandbox_id, std::size_t containers)
      : random_(seed),
        containers_(containers),
        sandbox_id_(std::move(sandbox_id)),
        docker_({.socket_path = EngineSocket()}),
        raw_(EngineSocket()) {
    raw_.set_address_family(AF_UNIX);
    raw_.set_default_headers({{"Host", "docker"}, {"Connection", "close"}});
  }

  void Meddle() {
    if (ids_.size() < containers_) return Create();
    const std::string id = ids_[random_() % ids_.size()];
    switch (random_() % 10) {
      case 0:
      case 1:
      case 2:
        return (void)docker_.StartContainer(Limit(), id);
      case 3:
        return (void)docker_.StopContainer(Limit(), id, seconds(0));
      case 4:
        return (void)docker_.KillContainer(Limit(), id, "KILL");
      case 5:
        return Post(id, "/pause");
      case 6:
        return Post(id, "/unpause");
      case 7:
        return (void)docker_.RenameContainer(Limit(), id, "k8s_" + base::RandomHex(8));
      case 8:
        return (void)docker_.UpdateContainer(Limit(), id, SomeResources());
      default:
        return Remove(id);
    }
  }

  void RemoveAll() {
    while (!ids_.empty()) Remove(ids_.back());
  }

 private:
  void Create() {
    dockerapi::ContainerSpec spec;
    spec.image = kBusybox;
    // Some end by themselves.
    const std::vector<std::vector<std::string>> commands = {
        {"sleep", "600"}, {"sleep", "600"}, {"sh", "-c", "sleep 0.1; exit 3"}};
    spec.command = commands[random_() % commands.size()];
    spec.host.network_mode = "none";
    const bool is_sandbox = random_() % 4 == 0;
    spec.labels = {{std::string(translate::kTypeLabel),
                    std::string(is_sandbox ? translate::kTypeSandbox : translate::kTypeContainer)}};
    if (!is_sandbox) spec.labels[std::string(translate::kSandboxIdLabel)] = sandbox_id_;
    if (const auto id = docker_.CreateContainer(Limit(), "k8s_" + base::RandomHex(8), spec)) {
      ids_.push_back(*id);
    } else {
      ADD_FAILURE() << id.error().message;
    }
  }

  void Post(const std::string& id, const std::string& verb) {
    (void)raw_.Post("/v1.40/containers/" + id + verb, "", "application/json");
  }

  dockerapi::Resources SomeResources() {
    dockerapi::Resources resources;
    resources.memory_bytes = static_cast<std::int64_t>(64 + random_() % 64) << 20;
    resources.memory_swap_bytes = -1;
    return resources;
  }

  void Remove(const std::string& id) {
    const auto removed = docker_.RemoveContainer(Limit(), id, true);
    EXPECT_TRUE(removed) << removed.error().message;
    std::erase(ids_, id);
  }

  std::mt19937 random_;
  std::size_t containers_;
  std::string sandbox_id_;
  dockerapi::Client docker_;
  httplib::Client raw_;
  std::vector<std::string> ids_;
};

class EngineModel : public testing::Test {
 protected:
  EngineModel()
      : direct_({.socket_path = EngineSocket()}),
        proxy_(EngineSocket()),
        docker_({.socket_path = proxy_.Socket()}),
        engine_(docker_, {"10m", "2"}),
        images_(docker_, ""),
        model_(docker_,
               {.network_of = NetworkOf,
                .on_change = [this](const Change& change) { lives_.Lock()->Take(change); }}),
        watcher_(docker_, engine_, model_, images_,
                 {.on_connected = [this] { ++connections_; }, .on_audited = [] {}},
                 {.audit_interval = std::chrono::hours(1), .longest_pause = milliseconds(500)}) {}

  void SetUp() override {
    const auto pulled = direct_.PullImage(
        Limit(), {.reference = kBusybox, .platform = "", .auth = {}}, [](auto&) {});
    ASSERT_TRUE(pulled) << pulled.error().message;
    watcher_.Start();
    const auto end = std::chrono::steady_clock::now() + seconds(20);
    while (connections_ == 0 && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(5));
    }
    ASSERT_GT(connections_, 0);
  }

  std::map<std::string, std::string> FreshLook() {
    Model fresh(direct_, {.network_of = NetworkOf, .on_change = {}});
    EXPECT_TRUE(fresh.Rebuild(Limit()));
    return TextOf(fresh);
  }

  /// Name and state by id, as `docker ps --all` has them.
  std::map<std::string, std::string> Listed() {
    std::map<std::string, std::string> rows;
    const auto containers = direct_.ListContainers(Limit(), {std::string(translate::kTypeLabel)});
    EXPECT_TRUE(containers) << containers.error().message;
    if (!containers) return rows;
    for (const auto& row : *containers) rows[row.id] = row.names.front() + " " + row.state;
    return rows;
  }
  std::map<std::string, std::string> Shown() const {
    std::map<std::string, std::string> rows;
    const auto add = [&](const translate::KeptDetails& details) {
      rows[details.id] = details.name + " " + details.state.status;
    };
    for (const auto& sandbox : model_.Sandboxes()) add(sandbox->details);
    for (const auto& container : model_.Containers()) add(container->details);
    return rows;
  }
  void ExpectAsListed() {
    const auto end = std::chrono::steady_clock::now() + seconds(15);
    auto listed = Listed();
    while (Shown() != listed && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(5));
      // Some end by themselves meanwhile.
      listed = Listed();
    }
    ASSERT_EQ(Shown(), listed);
  }

  /// Waits until nothing of what was done is left to be learned.
  void ExpectTrueModel() {
    const auto start = std::chrono::steady_clock::now();
    auto fresh = FreshLook();
    while (TextOf(model_) != fresh && std::chrono::steady_clock::now() < start + seconds(15)) {
      std::this_thread::sleep_for(milliseconds(5));
      fresh = FreshLook();
    }
    ASSERT_EQ(TextOf(model_), fresh);
    longest_ = std::max(longest_, std::chrono::steady_clock::now() - start);
    for (const auto& container : model_.Containers()) {
      // What was there at the first look has had no change.
      const auto last = lives_.Lock()->Last(container->details.id);
      if (!last) continue;
      EXPECT_EQ(last == ChangeKind::kStarted, LifeOf(*container).up);
    }
  }

  dockerapi::Client direct_;
  testsupport::CuttingProxy proxy_;
  dockerapi::Client docker_;
  Engine engine_;
  ImageCatalog images_;
  base::Guarded<Lives> lives_;
  std::atomic<int> connections_ = 0;
  Model model_;
  Watcher watcher_;
  std::chrono::steady_clock::duration longest_{};
};

TEST_F(EngineModel, TrueAfterAnythingBehindOurBack) {
  constexpr int kThreads = 3;
  constexpr int kPerRound = 12;
  const int rounds = FromEnvironment("DSD_TEST_MODEL_ROUNDS", 12);
  const auto seed = static_cast<unsigned>(
      FromEnvironment("DSD_TEST_SEED", static_cast<int>(std::random_device()() >> 1)));
  std::cout << "DSD_TEST_SEED=" << seed << "\n";

  std::vector<std::unique_ptr<Meddler>> meddlers;
  for (unsigned i = 0; i < kThreads; ++i) {
    meddlers.push_back(
        std::make_unique<Meddler>(seed + i, std::string(64, static_cast<char>('a' + i)), 3));
  }
  std::mt19937 random(seed);
  for (int round = 0; round < rounds && !HasFatalFailure(); ++round) {
    std::vector<std::jthread> threads;
    for (auto& meddler : meddlers) {
      threads.emplace_back([&] {
        for (int i = 0; i < kPerRound; ++i) meddler->Meddle();
      });
    }
    if (round % 2 == 1) {
      for (unsigned cuts = 1 + random() % 3; cuts > 0; --cuts) {
        std::this_thread::sleep_for(milliseconds(random() % 300));
        proxy_.Cut();
      }
    }
    threads.clear();
    ExpectTrueModel();
  }
  for (auto& meddler : meddlers) meddler->RemoveAll();
  ExpectTrueModel();
  std::cout << rounds * kThreads * kPerRound << " operations, " << connections_
            << " connections, true again after at most "
            << std::chrono::duration_cast<milliseconds>(longest_).count() << " ms\n";
}

/// How long after each of Docker's events the model has looked at the container again.
class Lags {
 public:
  Lags(dockerapi::Client& docker, const Model& model) : model_(model) {
    thread_ = std::jthread([this, &docker](const std::stop_token& stop) { Follow(docker, stop); });
  }

  [[nodiscard]] std::string Text() {
    thread_.request_stop();
    thread_.join();
    if (lags_.empty()) return "no events";
    std::sort(lags_.begin(), lags_.end());
    return fmt::format(
        "{} events; milliseconds from Docker's event to the model: median {:.1f}, "
        "99th percentile {:.1f}, longest {:.1f}",
        lags_.size(), lags_[lags_.size() / 2], lags_[lags_.size() * 99 / 100], lags_.back());
  }

 private:
  void Follow(dockerapi::Client& docker, const std::stop_token& stop) {
    CallContext context;
    context.stop = stop;
    const dockerapi::EventOptions options{
        .since = 0,
        .types = {"container"},
        .actions = {"create", "start", "die", "destroy", "pause", "unpause", "rename", "update"}};
    (void)docker.StreamEvents(
        context, options, [] {},
        [&](const dockerapi::Event& event) {
          Wait(event, stop);
          return true;
        });
  }

  void Wait(const dockerapi::Event& event, const std::stop_token& stop) {
    const auto happened = SteadyNow() - (base::WallClockNow() - event.time);
    const auto is_known = [&] {
      const bool known = model_.Knows(event.actor_id);
      if (event.action == "destroy") return !known;
      // It may have been removed since.
      if (event.action != "create" && !known) return true;
      return model_.IsNewerThan(event.actor_id, happened);
    };
    const auto end = std::chrono::steady_clock::now() + seconds(5);
    while (!is_known() && !stop.stop_requested() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(1));
    }
    lags_.push_back(static_cast<double>(base::WallClockNow() - event.time) / 1e6);
  }

  const Model& model_;
  std::vector<double> lags_;  ///< of the thread, until it has ended
  std::jthread thread_;
};

/// One operation at a time on many containers: after each, the model shows what `docker ps` shows.
TEST_F(EngineModel, TrueAfterEachStep) {
  constexpr std::size_t kContainers = 24;
  constexpr int kStepsBetweenFullLooks = 100;
  const int steps = FromEnvironment("DSD_TEST_MODEL_STEPS", 1000);
  const auto seed = static_cast<unsigned>(
      FromEnvironment("DSD_TEST_SEED", static_cast<int>(std::random_device()() >> 1)));
  std::cout << "DSD_TEST_SEED=" << seed << "\n";
  Meddler meddler(seed, std::string(64, 'a'), kContainers);
  Lags lags(direct_, model_);
  for (int step = 0; step < steps && !HasFatalFailure(); ++step) {
    meddler.Meddle();
    ExpectAsListed();
    if (step % kStepsBetweenFullLooks == 0) ExpectTrueModel();
  }
  std::cout << lags.Text() << "\n";
  meddler.RemoveAll();
  ExpectTrueModel();
}

/// Docker tells nobody but the caller of a start that failed.
TEST_F(EngineModel, AFailedStartIsFoundByTheAudit) {
  dockerapi::ContainerSpec spec;
  spec.image = kBusybox;
  spec.command = {"/nonesuch"};
  spec.host.network_mode = "none";
  spec.labels = {{std::string(translate::kTypeLabel), std::string(translate::kTypeContainer)}};
  const auto id = direct_.CreateContainer(Limit(), "k8s_" + base::RandomHex(8), spec);
  ASSERT_TRUE(id) << id.error().message;
  ExpectTrueModel();
  EXPECT_FALSE(direct_.StartContainer(Limit(), *id));
  EXPECT_EQ(model_.Audit(Limit()), 1);
  ExpectTrueModel();
  EXPECT_EQ(model_.Audit(Limit()), 0);
  EXPECT_TRUE(direct_.RemoveContainer(Limit(), *id, true));
  ExpectTrueModel();
}

TEST_F(EngineModel, ImagesFollowDocker) {
  const auto names = [&]() -> std::map<std::string, std::vector<std::string>> {
    std::map<std::string, std::vector<std::string>> shown;
    if (const auto images = images_.Images()) {
      for (const auto& [id, record] : images->ById()) shown[id] = record->details.repo_tags;
    }
    return shown;
  };
  const auto fresh = [&] {
    std::map<std::string, std::vector<std::string>> shown;
    const auto images = direct_.ListImages(Limit());
    EXPECT_TRUE(images) << images.error().message;
    if (!images) return shown;
    for (const auto& image : *images) shown[image.id] = image.repo_tags;
    return shown;
  };
  const auto expect_true = [&](const std::string& after) {
    const auto end = std::chrono::steady_clock::now() + seconds(15);
    while (names() != fresh() && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(milliseconds(10));
    }
    EXPECT_EQ(names(), fresh()) << after;
  };
  expect_true("start");
  ASSERT_TRUE(direct_.TagImage(Limit(), kBusybox, "example.org/moving", "1"));
  expect_true("tag");
  const std::string other = "gcr.io/k8s-staging-cri-tools/test-image-1:latest";
  ASSERT_TRUE(
      direct_.PullImage(Limit(), {.reference = other, .platform = "", .auth = {}}, [](auto&) {}));
  expect_true("pull");
  // The name moves from one image to the other.
  ASSERT_TRUE(direct_.TagImage(Limit(), other, "example.org/moving", "1"));
  expect_true("moved tag");
  ASSERT_TRUE(direct_.RemoveImage(Limit(), "example.org/moving:1", false));
  expect_true("untag");
  ASSERT_TRUE(direct_.RemoveImage(Limit(), other, true));
  expect_true("delete");
}

}  // namespace
}  // namespace dockershimd::shim::node
