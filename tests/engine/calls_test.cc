// Which calls to Docker each CRI call makes, against the table in docs/docker-calls.md.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <fstream>
#include <map>
#include <numeric>
#include <sstream>
#include <thread>

#include "criclient/client.h"
#include "daemon_process.h"
#include "pods.h"

namespace dockershimd::tests {
namespace {

namespace cri_v1 = runtime::v1;
using std::chrono::milliseconds;

constexpr const char* kMetricsPort = "29817";
using Counts = std::map<std::string, int>;

std::string Metrics() {
  namespace http = boost::beast::http;
  boost::asio::io_context io;
  boost::asio::ip::tcp::socket socket(io);
  const auto address = boost::asio::ip::make_address("127.0.0.1");
  socket.connect({address, static_cast<std::uint16_t>(std::stoi(kMetricsPort))});
  http::request<http::empty_body> request(http::verb::get, "/metrics", 11);
  request.set(http::field::host, "127.0.0.1");
  http::write(socket, request);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  http::read(socket, buffer, response);
  return response.body();
}

/// How often each operation was asked of Docker since the daemon has started.
Counts DockerCalls() {
  constexpr std::string_view kCounter = "dockershimd_docker_call_duration_seconds_count{";
  constexpr std::string_view kOperation = "operation=\"";
  Counts counts;
  std::istringstream text(Metrics());
  for (std::string line; std::getline(text, line);) {
    if (!line.starts_with(kCounter)) continue;
    const auto begin = line.find(kOperation) + kOperation.size();
    const auto operation = line.substr(begin, line.find('"', begin) - begin);
    counts[operation] += std::stoi(line.substr(line.rfind(' ') + 1));
  }
  // Of the watcher, whenever it likes.
  for (const char* probe : {"GET /info", "GET /_ping", "GET /events"}) counts.erase(probe);
  return counts;
}

/// What `call` and the events that follow it ask of Docker: counted once nothing more comes.
template <class Call>
Counts CallsOf(Call call) {
  const auto before = DockerCalls();
  call();
  auto after = DockerCalls();
  for (int quiet = 0; quiet < 5; ++quiet) {
    std::this_thread::sleep_for(milliseconds(100));
    const auto now = DockerCalls();
    if (now != after) quiet = 0;
    after = now;
  }
  Counts difference;
  for (const auto& [operation, count] : after) {
    const auto found = before.find(operation);
    const int more = count - (found == before.end() ? 0 : found->second);
    if (more > 0) difference[operation] = more;
  }
  return difference;
}

/// The document's row about a CRI call.
Counts Documented(const std::string& rpc) {
  std::ifstream document(DSD_TEST_DOCKER_CALLS);
  for (std::string line; std::getline(document, line);) {
    const std::string start = "| " + rpc + " | ";
    if (!line.starts_with(start)) continue;
    Counts counts;
    std::istringstream cell(line.substr(start.size(), line.rfind(" |") - start.size()));
    for (std::string operation; std::getline(cell, operation, ',');) {
      ++counts[operation.substr(operation.find_first_not_of(' '))];
    }
    return counts;
  }
  ADD_FAILURE() << rpc << " is not in the table";
  return {};
}

/// One pod's life, from RunPodSandbox to RemovePodSandbox: what each RPC asked of Docker, "reads"
/// for all reads in between.
std::map<std::string, Counts> CallsOfAPod(criclient::Client& cri, const std::string& name) {
  std::map<std::string, Counts> counted;
  const auto pod = PodConfig(name);
  base::Result<std::string> pod_id;
  base::Result<std::string> container_id;
  const auto call = [&](auto rpc, auto request) {
    const auto answer = cri.Call(rpc, request);
    EXPECT_TRUE(answer) << answer.error().message;
  };
  counted["RunPodSandbox"] = CallsOf([&] { pod_id = RunPod(cri, pod); });
  EXPECT_TRUE(pod_id) << pod_id.error().message;
  if (!pod_id) return counted;
  counted["CreateContainer"] =
      CallsOf([&] { container_id = CreateContainer(cri, *pod_id, pod, SleeperConfig("main")); });
  EXPECT_TRUE(container_id) << container_id.error().message;
  if (!container_id) return counted;
  counted["StartContainer"] = CallsOf([&] { EXPECT_TRUE(StartContainer(cri, *container_id)); });
  counted["reads"] = CallsOf([&] {
    EXPECT_TRUE(PodStatus(cri, *pod_id));
    EXPECT_TRUE(StatusOf(cri, *container_id));
    call(&Runtime::Version, cri_v1::VersionRequest());
    call(&Runtime::Status, cri_v1::StatusRequest());
    call(&Runtime::ListPodSandbox, cri_v1::ListPodSandboxRequest());
    call(&Runtime::ListContainers, cri_v1::ListContainersRequest());
    call(&Runtime::ListContainerStats, cri_v1::ListContainerStatsRequest());
    call(&Runtime::ListPodSandboxStats, cri_v1::ListPodSandboxStatsRequest());
    call(&Runtime::ListPodSandboxMetrics, cri_v1::ListPodSandboxMetricsRequest());
    call(&ImageApi::ListImages, cri_v1::ListImagesRequest());
  });
  cri_v1::StopContainerRequest stop;
  stop.set_container_id(*container_id);
  stop.set_timeout(30);
  counted["StopContainer"] = CallsOf([&] { call(&Runtime::StopContainer, stop); });
  counted["StopPodSandbox"] = CallsOf([&] { EXPECT_TRUE(StopPod(cri, *pod_id)); });
  cri_v1::RemoveContainerRequest remove;
  remove.set_container_id(*container_id);
  counted["RemoveContainer"] = CallsOf([&] { call(&Runtime::RemoveContainer, remove); });
  counted["RemovePodSandbox"] = CallsOf([&] { EXPECT_TRUE(RemovePod(cri, *pod_id)); });
  return counted;
}

int Total(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), 0,
                         [](int sum, const auto& entry) { return sum + entry.second; });
}

/// An event may come so late that its container is looked at once more, and the probe of the engine
/// may fall into an RPC: of several pods the fewest calls count.
TEST(DockerCalls, AreThoseOfTheDocument) {
  const DaemonProcess daemon({std::string("--metrics-address=127.0.0.1:") + kMetricsPort});
  criclient::Client cri(daemon.Endpoint());
  ASSERT_TRUE(Pull(cri, kBusybox));
  // Whatever follows the pull.
  (void)CallsOf([] {});
  auto fewest = CallsOfAPod(cri, "counted-0");
  for (int number = 1; number < 4; ++number) {
    for (const auto& [rpc, counted] : CallsOfAPod(cri, "counted-" + std::to_string(number))) {
      if (Total(counted) < Total(fewest[rpc])) fewest[rpc] = counted;
    }
  }
  EXPECT_EQ(fewest["reads"], Counts());
  fewest.erase("reads");
  // Newer engines tell of a killed process only after they have answered (docs/docker-calls.md).
  auto& looks = fewest["StopPodSandbox"]["GET /containers/{id}/json"];
  if (looks == 2) looks = 1;
  for (const auto& [rpc, counted] : fewest) EXPECT_EQ(counted, Documented(rpc)) << rpc;
}

}  // namespace
}  // namespace dockershimd::tests
