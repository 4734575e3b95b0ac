#include "stub_engine.h"

#include <stdlib.h>

#include <nlohmann/json.hpp>

namespace dockershimd::testsupport {

StubEngine::StubEngine() {
  std::string name = std::filesystem::temp_directory_path() / "stub-engine.XXXXXX";
  folder_ = ::mkdtemp(name.data());
  server_.set_address_family(AF_UNIX);
  server_.Get("/version", [](const httplib::Request&, httplib::Response& response) {
    AnswerJson(response, R"({"Version":"stub","ApiVersion":"1.41","MinAPIVersion":"1.12"})");
  });
  server_.Get("/_ping", [](const httplib::Request&, httplib::Response& response) {
    response.set_header("Api-Version", "1.41");
    response.set_content("OK", "text/plain");
  });
}

void StubEngine::Start() {
  thread_ = std::jthread([this] { server_.listen(Socket(), 80); });
  while (!server_.is_running()) std::this_thread::yield();
}

StubEngine::~StubEngine() {
  server_.stop();
  if (thread_.joinable()) thread_.join();
  std::filesystem::remove_all(folder_);
}

void Refuse(httplib::Response& response, int status, const std::string& message) {
  response.status = status;
  response.set_content(nlohmann::json{{"message", message}}.dump(), "application/json");
}

void AnswerJson(httplib::Response& response, const std::string& body) {
  response.set_content(body, "application/json");
}

}  // namespace dockershimd::testsupport
