#include "shim/daemon.h"

#include <chrono>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "base/worker.h"
#include "dockerapi/client.h"
#include "shim/linux/cgroup_finder.h"
#include "shim/linux/oom_watch.h"
#include "shim/linux/process_limits.h"
#include "shim/linux/process_memory.h"
#include "shim/logs/log_pipeline.h"
#include "shim/metrics/metrics.h"
#include "shim/metrics/metrics_server.h"
#include "shim/network/cni_network.h"
#include "shim/node/engine.h"
#include "shim/node/image_catalog.h"
#include "shim/node/model.h"
#include "shim/node/watcher.h"
#include "shim/server/cri_server.h"
#include "shim/server/listening_socket.h"
#include "shim/service/containers.h"
#include "shim/service/event_streams.h"
#include "shim/service/exec.h"
#include "shim/service/image_rpcs.h"
#include "shim/service/images.h"
#include "shim/service/node_status.h"
#include "shim/service/pod_networking.h"
#include "shim/service/runtime_rpcs.h"
#include "shim/service/sandbox_image.h"
#include "shim/service/sandboxes.h"
#include "shim/service/stats.h"
#include "shim/service/streaming.h"
#include "shim/settings.h"
#include "shim/stats/collector.h"
#include "shim/stats/disk_use.h"
#include "shim/streaming/server.h"

namespace dockershimd::shim {
namespace {

using base::CallContext;
using base::Fail;

constexpr std::chrono::seconds kShutdownGrace(10);
constexpr std::chrono::minutes kHousekeepingLimit(5);

service::NetworkChoice ChoiceOf(const std::string& network) {
  if (network == "cni") return service::NetworkChoice::kCni;
  if (network == "bridge") return service::NetworkChoice::kBridge;
  return service::NetworkChoice::kAuto;
}

node::Engine::Settings EngineSettingsOf(const config::Config& config) {
  return {config.container_log_max_size, std::to_string(config.container_log_max_files)};
}

streaming::ServerOptions StreamingOptionsOf(const config::Config& config) {
  using std::chrono::seconds;
  streaming::ServerOptions options;
  options.address = config.stream_address;
  options.base_url = config.stream_base_url;
  options.tls_certificate = config.stream_tls_cert;
  options.tls_key = config.stream_tls_key;
  options.token_lifetime = seconds(config.stream_token_lifetime);
  options.creation_limit = seconds(config.stream_creation_timeout);
  options.idle_limit = seconds(config.stream_idle_timeout);
  options.max_pending_requests = static_cast<std::size_t>(config.stream_max_pending);
  options.max_connections = static_cast<std::size_t>(config.stream_max_sessions);
  return options;
}

}  // namespace

/// Declared in the order in which they need each other; destroyed the other way round.
class Daemon::Parts {
 public:
  Parts(const config::Config& config, const std::string& docker_socket)
      : metrics_([this] { return Readings(); }),
        docker_({.socket_path = docker_socket},
                [this](std::string_view operation, std::chrono::nanoseconds duration, int status) {
                  metrics_.CountDockerCall(operation, status, duration);
                }),
        engine_(docker_, EngineSettingsOf(config)),
        cni_(CniOptionsOf(config)),
        networking_(ChoiceOf(config.network), cni_),
        model_(docker_,
               {.network_of = [this](const auto& sandbox) { return networking_.ViewOf(sandbox); },
                .was_oom_killed = [this](const auto& id) { return oom_.WasHit(id); },
                .on_change = [this](node::Change change) { Post(std::move(change)); }}),
        logs_({.state_dir = config.state_dir}, docker_),
        sandbox_image_(docker_, config.sandbox_image),
        containers_(docker_, engine_, model_, logs_),
        sandboxes_(docker_, engine_, model_, networking_, containers_, sandbox_image_),
        catalog_(docker_, sandbox_image_.Reference()),
        images_(docker_, engine_, catalog_, disk_, sandbox_image_.Reference(),
                std::chrono::seconds(config.image_pull_stall_timeout)),
        execs_(docker_, model_, exec_ends_),
        collector_(disk_),
        stats_(engine_, model_, collector_),
        streaming_server_(StreamingOptionsOf(config), docker_),
        streaming_(model_, streaming_server_),
        watcher_(docker_, engine_, model_, catalog_,
                 {.on_connected = [this] { OnConnected(); },
                  .on_audited = [this] { PostTidyUp(); },
                  .on_exec_end = [this](const auto& id, int code) { exec_ends_.OnEnd(id, code); }},
                 {}),
        node_(engine_, watcher_, networking_, cni_),
        runtime_rpcs_(node_, sandboxes_, containers_, execs_, stats_, streaming_, events_,
                      RpcCounter()),
        image_rpcs_(images_, RpcCounter()) {}

  base::Status Serve(server::ListeningSocket socket, const std::string& metrics_address) {
    if (!metrics_address.empty()) {
      auto metrics =
          metrics::MetricsServer::Start(metrics_address, [this] { return metrics_.Text(); });
      if (!metrics) return Fail(metrics.error());
      metrics_server_ = std::move(*metrics);
    }
    disk_.Start();
    if (auto started = streaming_server_.Start(); !started) return started;
    watcher_.Start();
    auto server = server::CriServer::Start(std::move(socket), {&runtime_rpcs_, &image_rpcs_});
    if (!server) return Fail(server.error());
    server_ = std::move(*server);
    return {};
  }

  ~Parts() {
    metrics_server_.reset();
    events_.Close();
    if (server_) server_->Shutdown(kShutdownGrace);
  }

 private:
  service::RpcObserver RpcCounter() {
    return [this](std::string_view rpc, std::string_view code, std::chrono::nanoseconds duration) {
      metrics_.CountRpc(rpc, code, duration);
    };
  }

  [[nodiscard]] std::vector<metrics::Reading> Readings() const {
    const auto logs = logs_.Statistics();
    const auto seconds = std::chrono::duration<double>(logs.lag).count();
    const auto number = [](auto value) { return static_cast<double>(value); };
    return {
        {"dockershimd_docker_ready", "1 while Docker can be reached",
         watcher_.Condition().ready ? 1.0 : 0.0},
        {"dockershimd_pod_sandboxes", "Pod sandboxes known", number(model_.Sandboxes().size())},
        {"dockershimd_containers", "Containers known", number(model_.Containers().size())},
        {"dockershimd_logs_followed", "Container logs followed now", number(logs.followed)},
        {"dockershimd_log_lines_total", "CRI log lines written", number(logs.lines), true},
        {"dockershimd_log_bytes_total", "Bytes of CRI logs written", number(logs.bytes), true},
        {"dockershimd_log_write_failures_total", "Failed and repeated writes of CRI logs",
         number(logs.failures), true},
        {"dockershimd_log_bad_records_total", "Records of Docker's log files that were left out",
         number(logs.bad_records), true},
        {"dockershimd_log_gaps_total", "Times that Docker dropped log lines before they were read",
         number(logs.gaps), true},
        {"dockershimd_log_lag_seconds", "From Docker's time stamp to our write, of the last batch",
         seconds},
    };
  }

  /// Docker is there (again) and the model is true.
  void OnConnected() {
    containers_.ResumeLogs();
    for (const auto& container : model_.Containers()) WatchMemory(*container);
    PostTidyUp();
  }

  void PostTidyUp() {
    housekeeper_.Post([this](const std::stop_token& stop) { TidyUp(stop); });
  }

  /// The model must not wait for those who are told.
  void Post(node::Change change) {
    auto shared = std::make_shared<const node::Change>(std::move(change));
    changes_.Post([this, shared](const std::stop_token&) { OnChange(*shared); });
  }

  void WatchMemory(const translate::ContainerRecord& container) {
    const auto& details = container.details;
    if (!details.state.running) return;
    auto folders = cgroups_.Find(details.state.pid, details.id);
    const auto watched = folders ? oom_.Watch(details.id, *folders) : Fail(folders.error());
    // It may have ended already. Otherwise Docker's own word has to do.
    if (!watched) spdlog::debug("memory of container {}: {}", details.id, watched.error().message);
  }

  void OnChange(const node::Change& change) {
    events_.Send(change);
    if (change.kind == node::ChangeKind::kStarted && !change.IsSandbox()) {
      containers_.OnStarted(change.id);
      if (const auto container = model_.FindContainer(change.id)) WatchMemory(**container);
    }
    if (change.kind == node::ChangeKind::kStopped) {
      containers_.OnEnded(change.id);
      streaming_server_.EndForwards(change.id);
    }
    if (change.kind != node::ChangeKind::kDeleted) return;
    containers_.OnRemoved(change.id);
    collector_.Forget(change.id);
    oom_.Forget(change.id);
    if (!change.IsSandbox()) return;
    // A network plugin may take its time; events must not wait for it.
    housekeeper_.Post([this, id = change.id](const std::stop_token&) { sandboxes_.OnRemoved(id); });
  }

  void TidyUp(const std::stop_token& stop) {
    CallContext context = CallContext::WithTimeout(kHousekeepingLimit);
    context.stop = stop;
    if (auto ensured = sandbox_image_.Ensure(context); !ensured) {
      spdlog::warn("the sandbox image is not ready, the next pod will try again: {}",
                   ensured.error().message);
    }
    std::unordered_set<std::string> sandboxes;
    for (const auto& sandbox : model_.Sandboxes()) {
      sandboxes.insert(sandbox->details.id);
      // It may have ended already.
      if (auto kept = networking_.Keep(context, *sandbox); !kept) {
        spdlog::debug("sandbox {}: {}", sandbox->details.id, kept.error().message);
      }
    }
    cni_.CollectGarbage(context, sandboxes);
    // To look at everything took much more than what is kept of it.
    linuxos::ReleaseUnusedMemory();
  }

  metrics::Metrics metrics_;
  dockerapi::Client docker_;
  node::Engine engine_;
  network::CniNetwork cni_;
  service::PodNetworking networking_;
  linuxos::CgroupFinder cgroups_;
  linuxos::OomWatch oom_;
  node::Model model_;
  logs::LogPipeline logs_;
  service::SandboxImage sandbox_image_;
  service::Containers containers_;
  service::Sandboxes sandboxes_;
  stats::DiskUse disk_;
  node::ImageCatalog catalog_;
  service::Images images_;
  node::ExecEnds exec_ends_;
  service::Execs execs_;
  stats::Collector collector_;
  service::Stats stats_;
  service::EventStreams events_;
  streaming::Server streaming_server_;
  service::Streaming streaming_;
  base::Worker housekeeper_;
  base::Worker changes_;
  node::Watcher watcher_;
  service::NodeStatus node_;
  service::RuntimeRpcs runtime_rpcs_;
  service::ImageRpcs image_rpcs_;
  std::unique_ptr<server::CriServer> server_;
  std::unique_ptr<metrics::MetricsServer> metrics_server_;
};

Daemon::Daemon() = default;
Daemon::~Daemon() = default;

base::Result<std::unique_ptr<Daemon>> Daemon::Start(const config::Config& config) {
  const auto listen = config::SocketPath(config.listen);
  if (!listen) return Fail(listen.error(), "listen");
  const auto docker = config::SocketPath(config.docker);
  if (!docker) return Fail(docker.error(), "docker");
  auto socket = server::ListeningSocket::Open({.path = *listen, .group = config.socket_group});
  if (!socket) return Fail(socket.error(), "open the CRI socket");
  if (auto made = base::MakeDirectories(config.state_dir, 0700); !made) {
    return Fail(made.error(), "state_dir");
  }
  linuxos::RaiseOpenFileLimit();
  std::unique_ptr<Daemon> daemon(new Daemon);
  daemon->parts_ = std::make_unique<Parts>(config, *docker);
  if (auto served = daemon->parts_->Serve(std::move(*socket), config.metrics_address); !served) {
    return Fail(served.error());
  }
  spdlog::info("serving CRI v1 on {} from Docker on {}", config.listen, config.docker);
  return daemon;
}

}  // namespace dockershimd::shim
