#pragma once

#include <filesystem>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/unique_fd.h"

namespace dockershimd::testsupport {

/// As much of a Docker Engine as the streaming server asks for: one container "c", one exec "e",
/// and a container "stuck", of which nothing is ever answered.
class FakeDocker {
 public:
  /// The process behind an exec or attach: talks over the hijacked connection, which closes when
  /// it returns. Runs on a thread of its own.
  using Process = std::function<void(int fd)>;

  explicit FakeDocker(Process process);
  ~FakeDocker();
  FakeDocker(const FakeDocker&) = delete;
  FakeDocker& operator=(const FakeDocker&) = delete;

  [[nodiscard]] std::string Socket() const { return folder_ / "docker.sock"; }
  /// "POST /containers/c/exec {...}" and so on.
  [[nodiscard]] std::vector<std::string> Calls() const { return *calls_.Lock(); }
  [[nodiscard]] bool WasCalled(const std::string& part) const;

  struct State {
    bool container_runs = true;
    bool ends_when_attached = false;
    std::string exec = R"({"Running":false,"ExitCode":0,"Pid":7})";
    int create_status = 201;
  };
  [[nodiscard]] base::Guarded<State>::Handle<State> Set() { return state_.Lock(); }

 private:
  void Accept(const std::stop_token& stop);
  void Serve(base::UniqueFd fd);
  /// False: the connection was hijacked and is done.
  bool Answer(int fd, const std::string& request, const std::string& body);

  Process process_;
  std::filesystem::path folder_;
  base::UniqueFd listener_;
  base::Guarded<std::vector<std::string>> calls_;
  base::Guarded<State> state_;
  base::Guarded<std::vector<int>> open_;
  std::list<std::jthread> connections_;
  std::jthread acceptor_;
};

/// A frame of Docker's multiplexed stream.
[[nodiscard]] std::string DockerFrame(int stream, const std::string& bytes);
/// Blocking; what cannot be written is lost.
void WriteTo(int fd, const std::string& bytes);
/// Reads to the end.
[[nodiscard]] std::string ReadToEnd(int fd);
/// Reads this many bytes, fewer at the end.
[[nodiscard]] std::string ReadExactly(int fd, std::size_t count);

}  // namespace dockershimd::testsupport
