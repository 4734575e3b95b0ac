#include "fake_docker.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

namespace dockershimd::testsupport {
namespace {

using Json = nlohmann::json;

Json LabelsOf(const FakeContainer& container) {
  if (container.sandbox_id.empty()) return {{"io.kubernetes.docker.type", "podsandbox"}};
  return {{"io.kubernetes.docker.type", "container"},
          {"io.kubernetes.sandbox.id", container.sandbox_id}};
}

Json StateOf(const FakeContainer& container) {
  return {{"Status", container.status},
          {"Running", container.status == "running" || container.status == "paused"},
          {"Paused", container.status == "paused"},
          {"StartedAt", base::FormatRfc3339(container.started_at)},
          {"FinishedAt", base::FormatRfc3339(container.finished_at)}};
}

/// The second part of a path such as "/containers/<id>/json"; the ids of images have a colon.
std::string NameIn(const EngineRequest& request) {
  const auto path = request.Path();
  const auto begin = path.find('/', 1) + 1;
  const auto name = path.substr(begin, path.rfind('/') - begin);
  const auto colon = name.find("%3A");
  return colon == std::string::npos ? name : name.substr(0, colon) + ":" + name.substr(colon + 3);
}

}  // namespace

FakeDocker::FakeDocker() {
  engine_.On("GET", "/info", [this](const EngineRequest&, EngineReply& reply) {
    while (info_hangs_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    reply.Json("{}");
  });
  engine_.On("GET", "/containers/json",
             [this](const EngineRequest&, EngineReply& reply) { List(reply); });
  engine_.On("GET", "/containers/*/json", [this](const EngineRequest& request, EngineReply& reply) {
    Inspect(NameIn(request), reply);
  });
  engine_.On("GET", "/images/json",
             [this](const EngineRequest&, EngineReply& reply) { ListImages(reply); });
  engine_.On("GET", "/images/*/json", [this](const EngineRequest& request, EngineReply& reply) {
    InspectImage(NameIn(request), reply);
  });
  engine_.On("GET", "/events",
             [this](const EngineRequest&, EngineReply& reply) { StreamEvents(reply); });
}

FakeDocker::~FakeDocker() {
  info_hangs_ = false;
  events_.Lock()->ending = true;
  told_.notify_all();
}

void FakeDocker::Inspect(const std::string& id, EngineReply& reply) {
  ++inspects;
  if (inspect_fails) return reply.Refuse(500, "cannot look at it");
  Json answer;
  {
    const auto containers = containers_.Lock();
    const auto found = containers->find(id);
    if (found != containers->end()) {
      answer = {{"Id", id},
                {"Name", "/" + found->second.name},
                {"State", StateOf(found->second)},
                {"Config", {{"Labels", LabelsOf(found->second)}}}};
    }
  }
  if (before_answer) before_answer(id);
  if (answer.is_null()) return reply.Refuse(404, "No such container: " + id);
  reply.Json(answer.dump());
}

void FakeDocker::List(EngineReply& reply) {
  ++lists;
  Json answer = Json::array();
  const auto containers = containers_.Lock();
  for (const auto& [id, container] : *containers) {
    answer.push_back({{"Id", id},
                      {"Names", {"/" + container.name}},
                      {"State", container.status},
                      {"Labels", LabelsOf(container)}});
  }
  reply.Json(answer.dump());
}

void FakeDocker::ListImages(EngineReply& reply) {
  if (images_fail) return reply.Refuse(500, "no images today");
  Json answer = Json::array();
  const auto images = images_.Lock();
  for (const auto& [id, image] : *images) {
    answer.push_back({{"Id", id}, {"RepoTags", image.tags}, {"Size", 5}});
  }
  reply.Json(answer.dump());
}

void FakeDocker::InspectImage(const std::string& id, EngineReply& reply) {
  ++image_inspects;
  const auto images = images_.Lock();
  const auto found = images->find(id);
  if (found == images->end()) return reply.Refuse(404, "No such image: " + id);
  const Json answer = {
      {"Id", id}, {"RepoTags", found->second.tags}, {"Size", 5}, {"Config", {{"User", "1000"}}}};
  reply.Json(answer.dump());
}

void FakeDocker::Emit(const std::string& line) {
  events_.Lock()->all.push_back(line + "\n");
  told_.notify_all();
}

void FakeDocker::Tell(const std::string& action, const std::string& id) {
  const Json event = {
      {"Type", "container"},
      {"Action", action},
      {"Actor", {{"ID", id}, {"Attributes", {{"io.kubernetes.docker.type", "container"}}}}},
      {"timeNano", base::WallClockNow() + clock_offset}};
  Emit(event.dump());
}

void FakeDocker::TellExecEnd(const std::string& id, const std::string& exec_id, int exit_code) {
  const Json attributes = {{"execID", exec_id}, {"exitCode", std::to_string(exit_code)}};
  const Json event = {{"Type", "container"},
                      {"Action", "exec_die"},
                      {"Actor", {{"ID", id}, {"Attributes", attributes}}},
                      {"timeNano", base::WallClockNow() + clock_offset}};
  Emit(event.dump());
}

void FakeDocker::TellImage(const std::string& action, const std::string& id) {
  const Json event = {{"Type", "image"},
                      {"Action", action},
                      {"Actor", {{"ID", id}, {"Attributes", Json::object()}}},
                      {"timeNano", base::WallClockNow() + clock_offset}};
  Emit(event.dump());
}

void FakeDocker::CutEvents() {
  ++events_.Lock()->cut;
  told_.notify_all();
}

void FakeDocker::StreamEvents(EngineReply& reply) {
  auto events = events_.Lock();
  std::size_t next = events->all.size();
  const int cut = events->cut;
  ++events->listeners;
  reply.Begin();
  const auto is_over = [&] { return events->ending || events->cut != cut || reply.IsClosed(); };
  while (!is_over()) {
    events.Wait(told_, [&] { return is_over() || events->all.size() > next; });
    while (!is_over() && next < events->all.size()) reply.Chunk(events->all[next++]);
  }
  --events->listeners;
  reply.Close();
}

}  // namespace dockershimd::testsupport
