#include "shim/commands/status.h"

#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <ostream>

#include "criclient/client.h"

namespace dockershimd::shim::commands {
namespace {

namespace cri = runtime::v1;
using base::Fail;
using Runtime = cri::RuntimeService::StubInterface;

constexpr std::chrono::seconds kPatience(20);

struct Answers {
  cri::VersionResponse version;
  cri::StatusResponse status;
  cri::ListPodSandboxResponse pods;
  cri::ListContainersResponse containers;
};

template <class Request, class Response>
base::Status Ask(criclient::Client& client,
                 grpc::Status (Runtime::*rpc)(grpc::ClientContext*, const Request&, Response*),
                 Response* answer) {
  auto response = client.Call(rpc, Request(), kPatience);
  if (!response) return Fail(response.error());
  *answer = std::move(*response);
  return {};
}

base::Result<Answers> AskAll(const std::string& endpoint) {
  criclient::Client client(endpoint);
  Answers answers;
  if (auto asked = Ask(client, &Runtime::Version, &answers.version); !asked) {
    return Fail(asked.error());
  }
  if (auto asked = Ask(client, &Runtime::Status, &answers.status); !asked) {
    return Fail(asked.error());
  }
  // A runtime that cannot say which pods there are yet says why in its status.
  (void)Ask(client, &Runtime::ListPodSandbox, &answers.pods);
  (void)Ask(client, &Runtime::ListContainers, &answers.containers);
  return answers;
}

bool IsReady(const cri::StatusResponse& answer) {
  int ready = 0;
  for (const auto& condition : answer.status().conditions()) {
    const bool counts = condition.type() == "RuntimeReady" || condition.type() == "NetworkReady";
    if (counts && condition.status()) ++ready;
  }
  return ready == 2;
}

void WriteText(const std::string& endpoint, const Answers& answers, std::ostream& out) {
  out << fmt::format("{} {}, CRI {}, on {}\n", answers.version.runtime_name(),
                     answers.version.runtime_version(), answers.version.runtime_api_version(),
                     endpoint);
  for (const auto& condition : answers.status.status().conditions()) {
    out << fmt::format("{}: {}{}{}\n", condition.type(), condition.status() ? "yes" : "no",
                       condition.message().empty() ? "" : ", ", condition.message());
  }
  int ready = 0;
  for (const auto& pod : answers.pods.items()) {
    if (pod.state() == cri::PodSandboxState::SANDBOX_READY) ++ready;
  }
  int running = 0;
  for (const auto& container : answers.containers.containers()) {
    if (container.state() == cri::ContainerState::CONTAINER_RUNNING) ++running;
  }
  out << fmt::format("pods: {}, {} of them ready; containers: {}, {} of them running\n",
                     answers.pods.items_size(), ready, answers.containers.containers_size(),
                     running);
}

void WriteJson(const std::string& endpoint, const Answers& answers, std::ostream& out) {
  using Json = nlohmann::ordered_json;
  Json json = {{"endpoint", endpoint},
               {"runtime", answers.version.runtime_name()},
               {"version", answers.version.runtime_version()},
               {"ready", IsReady(answers.status)},
               {"conditions", Json::array()},
               {"pods", Json::array()},
               {"containers", Json::array()}};
  for (const auto& condition : answers.status.status().conditions()) {
    json["conditions"].push_back({{"type", condition.type()},
                                  {"status", condition.status()},
                                  {"reason", condition.reason()},
                                  {"message", condition.message()}});
  }
  for (const auto& pod : answers.pods.items()) {
    json["pods"].push_back({{"id", pod.id()},
                            {"namespace", pod.metadata().namespace_()},
                            {"name", pod.metadata().name()},
                            {"ready", pod.state() == cri::PodSandboxState::SANDBOX_READY}});
  }
  for (const auto& container : answers.containers.containers()) {
    json["containers"].push_back(
        {{"id", container.id()},
         {"pod", container.pod_sandbox_id()},
         {"name", container.metadata().name()},
         {"running", container.state() == cri::ContainerState::CONTAINER_RUNNING}});
  }
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace

bool ShowStatus(const std::string& endpoint, bool json, std::ostream& out, std::ostream& err) {
  const auto answers = AskAll(endpoint);
  if (!answers) {
    err << fmt::format("status: {}: {}\n", endpoint, answers.error().message);
    return false;
  }
  json ? WriteJson(endpoint, *answers, out) : WriteText(endpoint, *answers, out);
  return IsReady(answers->status);
}

}  // namespace dockershimd::shim::commands
