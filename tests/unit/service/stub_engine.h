#pragma once

#include <httplib.h>

#include <filesystem>
#include <string>
#include <thread>

namespace dockershimd::testsupport {

/// A Docker Engine of API 1.41 whose answers a test writes: paths begin with "/v1.41".
class StubEngine {
 public:
  StubEngine();
  ~StubEngine();
  StubEngine(const StubEngine&) = delete;
  StubEngine& operator=(const StubEngine&) = delete;

  /// Routes must be there before the first call.
  [[nodiscard]] httplib::Server& Routes() { return server_; }
  void Start();
  [[nodiscard]] std::string Socket() const { return folder_ / "docker.sock"; }

 private:
  std::filesystem::path folder_;
  httplib::Server server_;
  std::jthread thread_;
};

/// Docker's refusal: a status and `{"message": ...}`.
void Refuse(httplib::Response& response, int status, const std::string& message);
void AnswerJson(httplib::Response& response, const std::string& body);

}  // namespace dockershimd::testsupport
