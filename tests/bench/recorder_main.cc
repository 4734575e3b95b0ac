// Records what the daemon asks of Docker for one pod, in the environment that with-engine opened.
// usage: bench_recorder FILE      (DSD_TEST_BINARY names the daemon)
#include <fmt/format.h>
#include <signal.h>
#include <stdlib.h>

#include <array>
#include <iostream>
#include <optional>
#include <stdexcept>

#include "base/guarded.h"
#include "daemon_process.h"
#include "dockerapi/client.h"
#include "dockerapi/exchange.h"
#include "fake_engine.h"
#include "pods.h"
#include "recording.h"
#include "workload.h"

namespace dockershimd::bench {
namespace {

using base::CallContext;
using testsupport::EngineReply;
using testsupport::EngineRequest;

/// The watcher may look at a pod, too, just then: of several pods, the one with the fewest calls
/// has what the pod itself needs.
constexpr int kPods = 10;
constexpr std::size_t kAnswerLimit = 64 << 20;

template <class T>
T Need(base::Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}
void Need(const base::Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
}

/// Stands between the daemon and the engine.
class RecordingProxy {
 public:
  RecordingProxy(std::string engine_socket, const std::string& api_version)
      : engine_socket_(std::move(engine_socket)), proxy_(api_version) {
    for (const char* method : {"GET", "POST", "DELETE"}) {
      proxy_.On(method, "*", [this](const EngineRequest& request, EngineReply& reply) {
        Forward(request, reply);
      });
    }
    proxy_.On("GET", "/_ping", [=](const EngineRequest&, EngineReply& reply) {
      reply.Raw("HTTP/1.1 200 OK\r\nApi-Version: " + api_version +
                "\r\nContent-Length: 2\r\n\r\nOK");
    });
  }

  [[nodiscard]] std::string Socket() const { return proxy_.Socket(); }

  /// From now on calls are noted as belonging to this CRI call; empty: not noted.
  void During(const std::string& rpc) { noted_.Lock()->rpc = rpc; }
  [[nodiscard]] std::vector<DockerCall> TakeCalls() {
    return std::exchange(noted_.Lock()->calls, {});
  }

 private:
  struct Noted {
    std::string rpc;
    std::vector<DockerCall> calls;
  };

  void Forward(const EngineRequest& request, EngineReply& reply) {
    const auto path = request.Path();
    const bool endless = path == "/events";
    const auto context = CallContext::WithTimeout(std::chrono::minutes(10));
    auto exchange = dockerapi::Exchange::Open(context, engine_socket_,
                                              {.operation = request.target,
                                               .method = request.method,
                                               .target = request.target,
                                               .body = request.body});
    if (!exchange) return reply.Refuse(503, exchange.error().message);
    if (endless) return Stream(context, *exchange, reply);
    const auto body = exchange->ReadAll(context, kAnswerLimit);
    if (!body) return reply.Refuse(503, body.error().message);
    const int status = exchange->Status();
    // The watcher asks whether Docker lives.
    if (path != "/info") Note(request, status);
    status == 204 || status == 304 ? reply.Bare(status) : reply.Json(*body, status);
  }

  static void Stream(const CallContext& context, dockerapi::Exchange& exchange,
                     EngineReply& reply) {
    reply.Begin(exchange.Status());
    std::array<char, 4096> buffer{};
    while (!reply.IsClosed()) {
      // So that the end of the proxy is noticed.
      const auto count = exchange.Read(context.Within(std::chrono::seconds(5)), buffer);
      if (!count || *count == 0) break;
      reply.Chunk({buffer.data(), *count});
    }
    reply.Close();
  }

  void Note(const EngineRequest& request, int status) {
    auto noted = noted_.Lock();
    if (noted->rpc.empty()) return;
    noted->calls.push_back({noted->rpc, request.method, request.target, request.body, status});
  }

  std::string engine_socket_;
  base::Guarded<Noted> noted_;
  testsupport::FakeEngine proxy_;
};

class Recorder {
 public:
  explicit Recorder(const std::string& engine_socket)
      : state_(::getenv("DSD_TEST_STATE")),
        engine_socket_(engine_socket),
        docker_({.socket_path = engine_socket}),
        api_version_(Need(docker_.Negotiate(Limit())).ToString()),
        proxy_(engine_socket, api_version_) {}

  Recording Record() {
    for (const auto& image : {kPauseImage, kImage}) {
      Need(docker_.PullImage(Limit(), {.reference = image, .platform = "", .auth = {}},
                             [](const auto&) {}));
    }
    ::setenv("DSD_TEST_DOCKER_SOCKET", proxy_.Socket().c_str(), 1);
    tests::DaemonProcess daemon({"--sandbox-image=" + kPauseImage, "--network=cni"});
    criclient::Client cri(daemon.Endpoint());
    std::optional<Recording> best;
    for (int i = 0; i < kPods; ++i) {
      auto recording = RecordPod(cri, fmt::format("recorded-{}", i));
      if (!best || recording.calls.size() < best->calls.size()) best = std::move(recording);
    }
    return std::move(*best);
  }

 private:
  static CallContext Limit() { return CallContext::WithTimeout(std::chrono::minutes(2)); }

  nlohmann::json Get(const std::string& path) {
    auto exchange = Need(dockerapi::Exchange::Open(
        Limit(), engine_socket_,
        {.operation = path, .method = "GET", .target = "/v" + api_version_ + path}));
    return nlohmann::json::parse(Need(exchange.ReadAll(Limit(), kAnswerLimit)));
  }

  Recording RecordPod(criclient::Client& cri, const std::string& name) {
    const Pod pod = MakePod(state_, name);
    Recording recording;
    recording.api_version = api_version_;
    recording.pod = name;
    (void)proxy_.TakeCalls();
    proxy_.During("RunPodSandbox");
    recording.sandbox_id = Need(tests::RunPod(cri, pod.sandbox));
    proxy_.During("CreateContainer");
    recording.container_id =
        Need(tests::CreateContainer(cri, recording.sandbox_id, pod.sandbox, pod.container));
    proxy_.During("StartContainer");
    Need(tests::StartContainer(cri, recording.container_id));
    proxy_.During("");
    LookAtEngine(recording);
    proxy_.During("StopContainer");
    Need(tests::StopContainer(cri, recording.container_id, 30));
    proxy_.During("StopPodSandbox");
    Need(tests::StopPod(cri, recording.sandbox_id));
    proxy_.During("RemoveContainer");
    Need(tests::RemoveContainer(cri, recording.container_id));
    proxy_.During("RemovePodSandbox");
    Need(tests::RemovePod(cri, recording.sandbox_id));
    proxy_.During("");
    recording.calls = proxy_.TakeCalls();
    return recording;
  }

  void LookAtEngine(Recording& recording) {
    recording.sandbox = Get("/containers/" + recording.sandbox_id + "/json");
    recording.container = Get("/containers/" + recording.container_id + "/json");
    recording.list = Get("/containers/json?all=1");
    recording.version = Get("/version");
    recording.info = Get("/info");
    recording.images = Get("/images/json");
    for (const auto& image : recording.images) {
      const std::string id = image.at("Id");
      recording.image_inspects[id] = Get("/images/" + id + "/json");
    }
  }

  std::string state_;
  std::string engine_socket_;
  dockerapi::Client docker_;
  std::string api_version_;
  RecordingProxy proxy_;
};

}  // namespace
}  // namespace dockershimd::bench

int main(int argc, char** argv) {
  using namespace dockershimd::bench;
  if (argc != 2) {
    std::cerr << "usage: bench_recorder FILE\n";
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  try {
    Recorder recorder(::getenv("DSD_TEST_DOCKER_SOCKET"));
    Need(recorder.Record().Save(argv[1]));
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::cerr << "bench_recorder: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}
