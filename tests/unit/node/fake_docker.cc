#include "fake_docker.h"

#include <nlohmann/json.hpp>

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

}  // namespace

FakeDocker::FakeDocker() {
  auto& routes = stub_.Routes();
  using httplib::Request;
  routes.new_task_queue = [] { return new httplib::ThreadPool(32); };
  routes.Get("/v1.41/info", [](const Request&, Response& response) { AnswerJson(response, "{}"); });
  routes.Get("/v1.41/version", [](const Request&, Response& response) {
    AnswerJson(response, R"({"Version":"fake","ApiVersion":"1.41"})");
  });
  routes.Get("/v1.41/containers/json",
             [this](const Request&, Response& response) { List(response); });
  routes.Get(R"(/v1\.41/containers/(\w+)/json)",
             [this](const Request& request, Response& response) {
               Inspect(request.matches[1], response);
             });
  routes.Get("/v1.41/images/json",
             [this](const Request&, Response& response) { ListImages(response); });
  routes.Get(R"(/v1\.41/images/(.+)/json)", [this](const Request& request, Response& response) {
    InspectImage(request.matches[1], response);
  });
  routes.Get("/v1.41/events",
             [this](const Request&, Response& response) { StreamEvents(response); });
  stub_.Start();
}

FakeDocker::~FakeDocker() {
  events_.Lock()->ending = true;
  told_.notify_all();
}

void FakeDocker::Inspect(const std::string& id, Response& response) {
  ++inspects;
  if (inspect_fails) return Refuse(response, 500, "cannot look at it");
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
  if (answer.is_null()) return Refuse(response, 404, "No such container: " + id);
  AnswerJson(response, answer.dump());
}

void FakeDocker::List(Response& response) {
  ++lists;
  Json answer = Json::array();
  for (const auto& [id, container] : *containers_.Lock()) {
    answer.push_back({{"Id", id},
                      {"Names", {"/" + container.name}},
                      {"State", container.status},
                      {"Labels", LabelsOf(container)}});
  }
  AnswerJson(response, answer.dump());
}

void FakeDocker::ListImages(Response& response) {
  if (images_fail) return Refuse(response, 500, "no images today");
  Json answer = Json::array();
  for (const auto& [id, image] : *images_.Lock()) {
    answer.push_back({{"Id", id}, {"RepoTags", image.tags}, {"Size", 5}});
  }
  AnswerJson(response, answer.dump());
}

void FakeDocker::InspectImage(const std::string& id, Response& response) {
  ++image_inspects;
  const auto images = images_.Lock();
  const auto found = images->find(id);
  if (found == images->end()) return Refuse(response, 404, "No such image: " + id);
  const Json answer = {
      {"Id", id}, {"RepoTags", found->second.tags}, {"Size", 5}, {"Config", {{"User", "1000"}}}};
  AnswerJson(response, answer.dump());
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
      {"timeNano", base::WallClockNow()}};
  Emit(event.dump());
}

void FakeDocker::TellImage(const std::string& action, const std::string& id) {
  const Json event = {{"Type", "image"},
                      {"Action", action},
                      {"Actor", {{"ID", id}, {"Attributes", Json::object()}}},
                      {"timeNano", base::WallClockNow()}};
  Emit(event.dump());
}

void FakeDocker::CutEvents() {
  ++events_.Lock()->cut;
  told_.notify_all();
}

void FakeDocker::StreamEvents(Response& response) {
  struct Position {
    std::size_t next;
    int cut;
  };
  auto position = std::make_shared<Position>();
  {
    auto events = events_.Lock();
    *position = {events->all.size(), events->cut};
    ++events->listeners;
  }
  response.set_chunked_content_provider(
      "application/json",
      [this, position](std::size_t, httplib::DataSink& sink) {
        std::string line;
        {
          auto events = events_.Lock();
          events.WaitUntil(told_, std::chrono::steady_clock::now() + std::chrono::milliseconds(20),
                           [&] {
                             return events->ending || events->cut != position->cut ||
                                    events->all.size() > position->next;
                           });
          if (events->ending || events->cut != position->cut) return false;
          if (events->all.size() > position->next) line = events->all[position->next++];
        }
        return line.empty() ? sink.is_writable() : sink.write(line.data(), line.size());
      },
      [this](bool) { --events_.Lock()->listeners; });
}

}  // namespace dockershimd::testsupport
