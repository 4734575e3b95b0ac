#include "simulated_node.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "shim/network/cni_cache.h"
#include "shim/network/cni_config_folder.h"

namespace dockershimd::bench {
namespace {

namespace fs = std::filesystem;
namespace network = shim::network;
using nlohmann::json;
using testsupport::EngineReply;
using testsupport::EngineRequest;

/// Ids as Docker's: 64 hex digits; the last ones are the pod's number.
std::string IdOf(char kind, int number) { return fmt::format("{}{:063x}", kind, number); }

/// The part of a path between "/containers/" or "/images/" and "/json".
std::string NameIn(const EngineRequest& request) {
  const auto path = request.Path();
  const auto begin = path.find('/', 1) + 1;
  return Replaced(path.substr(begin, path.rfind('/') - begin), {{"%3A", ":"}, {"%2F", "/"}});
}

std::string WithOurPid(json inspected) {
  inspected.at("State").at("Pid") = ::getpid();
  return inspected.dump();
}

std::shared_ptr<const network::CniConfig> CurrentNetwork() {
  const auto config = network::CniConfigFolder(std::getenv("DSD_TEST_CNI_CONF_DIR")).Current();
  if (!config) throw std::runtime_error(config.error().message);
  return *config;
}

}  // namespace

SimulatedNode::SimulatedNode(const Recording& recording, const std::string& state, int pods)
    : recording_(recording),
      state_(state + "/simulated"),
      recorded_state_(
          fs::path(recording.info.at("DockerRootDir").get<std::string>()).parent_path()),
      sandbox_(WithOurPid(recording.sandbox)),
      container_(WithOurPid(recording.container)),
      network_(CurrentNetwork()),
      engine_(recording.api_version) {
  for (int number = 0; number < pods; ++number) AddPod(number);
  Answer();
}

SimulatedNode::~SimulatedNode() {
  engine_.Stop();
  fs::remove_all(state_);
  fs::remove_all(fs::path(std::getenv("DSD_TEST_CNI_CACHE_DIR")) / "results");
}

SimulatedNode::Replacements SimulatedNode::NamesOf(const RunningPod& pod) const {
  return {{recording_.sandbox_id, pod.sandbox_id},
          {recording_.container_id, pod.container_id},
          {recording_.pod, pod.pod.name},
          {recorded_state_, state_}};
}

void SimulatedNode::AddPod(int number) {
  const RunningPod pod{MakePod(state_, fmt::format("simulated-{}", number)), IdOf('a', number),
                       IdOf('c', number)};
  const std::string log = Replaced(recording_.container.at("LogPath"), NamesOf(pod));
  fs::create_directories(fs::path(log).parent_path());
  std::ofstream(log)
      << R"({"log":"up\n","stream":"stdout","time":"2026-01-01T00:00:00.000000001Z"})" << "\n";
  AddNetwork(pod, number);
  pods_.push_back(pod);
}

void SimulatedNode::AddNetwork(const RunningPod& pod, int number) const {
  network::CniAttachment attachment;
  attachment.network = network_->name;
  attachment.container_id = pod.sandbox_id;
  attachment.interface = "eth0";
  attachment.netns = fmt::format("/proc/{}/ns/net", ::getpid());
  attachment.config = network_->text;
  attachment.capabilities = "{}";
  const json address{{"interface", 0},
                     {"address", fmt::format("10.244.{}.{}/16", number / 250, number % 250 + 2)}};
  attachment.result = json{{"cniVersion", "1.0.0"},
                           {"interfaces", {{{"name", "eth0"}, {"sandbox", attachment.netns}}}},
                           {"ips", json::array({address})}}
                          .dump();
  const network::CniCache cache(std::getenv("DSD_TEST_CNI_CACHE_DIR"));
  if (auto saved = cache.Save(attachment); !saved) {
    throw std::runtime_error(saved.error().message);
  }
}

void SimulatedNode::Answer() {
  engine_.Answer("GET", "/version", recording_.version.dump());
  engine_.Answer("GET", "/info", Replaced(recording_.info.dump(), {{recorded_state_, state_}}));
  engine_.Answer("GET", "/images/json", recording_.images.dump());
  engine_.On("GET", "/images/*/json", [this](const EngineRequest& request, EngineReply& reply) {
    if (request.Path() == "/images/json") return reply.Json(recording_.images.dump());
    InspectImage(request, reply);
  });
  engine_.On("GET", "/containers/*/json",
             [this](const EngineRequest& request, EngineReply& reply) { Inspect(request, reply); });
  std::string list;
  const auto recorded = recording_.list.dump();
  for (const auto& pod : pods_) {
    const auto rows = Replaced(recorded, NamesOf(pod));
    list += (list.empty() ? "[" : ",") + rows.substr(1, rows.size() - 2);
  }
  engine_.Answer("GET", "/containers/json", list + "]");
  engine_.On("GET", "/events", [](const EngineRequest&, EngineReply& reply) {
    reply.Begin();
    reply.Hang();
  });
}

void SimulatedNode::Inspect(const EngineRequest& request, EngineReply& reply) const {
  const auto id = NameIn(request);
  if (id.size() != 64) return reply.Refuse(404, "No such container: " + id);
  const auto& pod = pods_.at(std::stoul(id.substr(1), nullptr, 16));
  reply.Json(Replaced(id == pod.sandbox_id ? sandbox_ : container_, NamesOf(pod)));
}

void SimulatedNode::InspectImage(const EngineRequest& request, EngineReply& reply) const {
  const auto name = NameIn(request);
  for (const auto& [id, image] : recording_.image_inspects.items()) {
    const auto& tags = image.at("RepoTags");
    if (id == name || std::find(tags.begin(), tags.end(), name) != tags.end()) {
      return reply.Json(image.dump());
    }
  }
  reply.Refuse(404, "No such image: " + name);
}

}  // namespace dockershimd::bench
