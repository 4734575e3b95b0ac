// Makes the Docker and CNI calls of recorded pods, one after the other, inside an environment:
// what a pod costs without a daemon. Reads "start NAME" and "stop" (the pod started last), a line
// each, and answers "ok" or what went wrong.
// usage: bench_replay RECORDING
#include <signal.h>

#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/log.h"
#include "dockerapi/unary_client.h"
#include "recording.h"
#include "shim/linux/network_namespace.h"
#include "shim/network/cni_config_folder.h"
#include "shim/network/cni_runner.h"

namespace dockershimd::bench {
namespace {

using base::CallContext;
using base::Result;
using base::Status;
namespace network = shim::network;

/// Where tests/support/with-engine has them.
constexpr const char* kDockerSocket = "/run/docker.sock";
constexpr const char* kCniConfigs = "/etc/cni/net.d";
constexpr const char* kCniPlugins = "/usr/lib/cni";

CallContext Limit() { return CallContext::WithTimeout(std::chrono::minutes(2)); }

class Replay {
 public:
  explicit Replay(Recording recording)
      : recording_(std::move(recording)),
        docker_(kDockerSocket, std::chrono::minutes(2), 4),
        configs_(kCniConfigs),
        plugins_({kCniPlugins}, std::chrono::minutes(1)) {}

  Status Start(const std::string& pod) {
    names_ = {{recording_.pod, pod},
              // The daemon on the same engine is not to take it for one of its own.
              {"io.kubernetes.docker.type", "io.kubernetes.bench.type"}};
    pid_ = 0;
    if (auto done = Send("RunPodSandbox"); !done) return done;
    if (auto done = AddNetwork(); !done) return done;
    if (auto done = Send("CreateContainer"); !done) return done;
    return Send("StartContainer");
  }

  Status Stop() {
    if (auto done = Send("StopContainer"); !done) return done;
    const auto config = configs_.Current();
    if (!config) return base::Fail(config.error());
    if (auto done = plugins_.Delete(**config, attachment_); !done) return done;
    for (const char* rpc : {"StopPodSandbox", "RemoveContainer", "RemovePodSandbox"}) {
      if (auto done = Send(rpc); !done) return done;
    }
    return {};
  }

 private:
  Status Send(const std::string& rpc) {
    for (const auto& call : recording_.calls) {
      if (call.rpc != rpc) continue;
      const auto answer = docker_.Call(Limit(), {.operation = call.target,
                                                 .method = call.method,
                                                 .target = Replaced(call.target, names_),
                                                 .body = Replaced(call.body, names_)});
      if (!answer) return base::Fail(answer.error());
      if (answer->status != call.status) {
        return base::Fail(dockerapi::FromDocker(call.target, answer->status, answer->body));
      }
      Learn(call, answer->body);
    }
    return {};
  }

  /// Ids that later calls need, and the process whose namespace gets a network.
  void Learn(const DockerCall& call, const std::string& body) {
    if (call.target.find("/containers/create") != std::string::npos) {
      const std::string id = nlohmann::json::parse(body).at("Id");
      const bool is_sandbox = call.rpc == "RunPodSandbox";
      names_.emplace_back(is_sandbox ? recording_.sandbox_id : recording_.container_id, id);
      if (is_sandbox) attachment_.container_id = id;
    } else if (call.rpc == "RunPodSandbox" && call.method == "GET") {
      pid_ = nlohmann::json::parse(body).at("State").at("Pid");
    }
  }

  Status AddNetwork() {
    const auto config = configs_.Current();
    if (!config) return base::Fail(config.error());
    attachment_.network = (*config)->name;
    attachment_.interface = "eth0";
    attachment_.netns = "/proc/" + std::to_string(pid_) + "/ns/net";
    attachment_.args = "IgnoreUnknown=1";
    attachment_.capabilities = "{}";
    if (auto up = shim::linuxos::BringLoopbackUp(attachment_.netns); !up) return up;
    const auto keep_nothing = [](const std::string&) { return Status(); };
    auto result = plugins_.Add(Limit(), **config, attachment_, keep_nothing);
    if (!result) return base::Fail(result.error());
    attachment_.result = std::move(*result);
    return {};
  }

  Recording recording_;
  dockerapi::UnaryClient docker_;
  network::CniConfigFolder configs_;
  network::CniRunner plugins_;
  std::vector<std::pair<std::string, std::string>> names_;
  network::CniAttachment attachment_;
  int pid_ = 0;
};

}  // namespace
}  // namespace dockershimd::bench

int main(int argc, char** argv) {
  using namespace dockershimd::bench;
  const auto recording = argc == 2 ? Recording::Load(argv[1]) : Recording();
  // Standard output is for the answers.
  const auto logged = dockershimd::base::SetUpLog("warn", dockershimd::base::LogFormat::kText);
  if (argc != 2 || !recording || !logged) {
    std::cerr << "usage: bench_replay RECORDING\n";
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  Replay replay(*recording);
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string verb;
    std::string pod;
    words >> verb >> pod;
    const auto done = verb == "start" ? replay.Start(pod) : replay.Stop();
    // An answer is one line.
    std::cout << (done ? "ok" : Replaced(done.error().message, {{"\n", " "}})) << std::endl;
  }
  return EXIT_SUCCESS;
}
