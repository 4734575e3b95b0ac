#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "compare/endpoint.h"
#include "compare/findings.h"
#include "compare/rules.h"

namespace dockershimd::compare {

/// What is the same for every scenario of a run.
struct Settings {
  std::string run;               ///< in the name of everything that is made; unique
  std::string image;             ///< with a shell and busybox's programs
  std::string removable_image;   ///< may be pulled and removed; empty: none
  std::string runtime_handler;   ///< for every pod; empty: the default
  std::string cgroup_parent;     ///< for every pod; empty: the runtime's default
  std::filesystem::path folder;  ///< logs and mount sources lie below it
  std::string restart_left;      ///< shell command that restarts the runtime; empty: none
  std::string restart_right;
};

struct Pod {
  std::string id;
  cri::PodSandboxConfig config;
};

/// Ends a scenario that cannot go on; why is a check that failed.
struct ScenarioEnded {};

/// One scenario on one side: what it may do, and what it found. Everything that is made through it
/// is removed with it. Calls without a Result end the scenario when they fail, and say so as a
/// failed check.
class Session {
 public:
  Session(Endpoint& endpoint, const Settings& settings, std::stop_token stop);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  // What to make. Names need to be unique within the scenario only.
  [[nodiscard]] cri::PodSandboxConfig PodConfig(const std::string& name);
  [[nodiscard]] cri::ContainerConfig Command(const std::string& name,
                                             const std::vector<std::string>& argv);
  [[nodiscard]] cri::ContainerConfig Shell(const std::string& name, const std::string& script);
  /// Runs until it is told to end, and then ends at once with code 0.
  [[nodiscard]] cri::ContainerConfig Sleeper(const std::string& name);

  // Steps.
  Pod RunPod(const cri::PodSandboxConfig& config);
  std::string Create(const Pod& pod, const cri::ContainerConfig& config);
  void Start(const std::string& container);
  /// Create and start.
  std::string Run(const Pod& pod, const cri::ContainerConfig& config);
  void Stop(const std::string& container, std::chrono::seconds grace = std::chrono::seconds(10));
  void Remove(const std::string& container);
  void StopPod(const Pod& pod);
  void RemovePod(const Pod& pod);

  // The same where a refusal is of interest too.
  [[nodiscard]] base::Result<Pod> TryRunPod(const cri::PodSandboxConfig& config,
                                            const std::string& runtime_handler);
  [[nodiscard]] base::Result<std::string> TryCreate(const Pod& pod,
                                                    const cri::ContainerConfig& config);
  [[nodiscard]] base::Result<cri::StartContainerResponse> TryStart(const std::string& container);

  // Questions.
  [[nodiscard]] cri::ContainerStatusResponse Status(const std::string& container);
  [[nodiscard]] cri::PodSandboxStatusResponse PodStatus(const Pod& pod);
  /// Waits until the container has ended, at most a minute.
  [[nodiscard]] cri::ContainerStatusResponse WaitForEnd(const std::string& container);
  [[nodiscard]] base::Result<cri::ExecSyncResponse> TryExec(
      const std::string& container, const std::vector<std::string>& argv,
      std::chrono::seconds timeout = std::chrono::seconds(20));
  /// Standard output of a shell script in the container, without the last line end.
  [[nodiscard]] std::string Output(const std::string& container, const std::string& script);
  /// What a container of its own wrote to its log until its end.
  [[nodiscard]] std::string OutputOf(const Pod& pod, const cri::ContainerConfig& config);
  /// The container's log as the file has it now; empty while there is none.
  [[nodiscard]] std::string Log(const Pod& pod, const cri::ContainerConfig& config) const;

  /// Waits until the text is in the log. False if it does not come.
  [[nodiscard]] bool WaitForLog(const Pod& pod, const cri::ContainerConfig& config,
                                const std::string& text);

  /// Any call.
  template <class Stub, class Request, class Response>
  [[nodiscard]] base::Result<Response> Try(grpc::Status (Stub::*rpc)(grpc::ClientContext*,
                                                                     const Request&, Response*),
                                           const Request& request) {
    return endpoint_.Call(rpc, request, stop_);
  }
  /// Any call that has to succeed.
  template <class Stub, class Request, class Response>
  [[nodiscard]] Response Ask(const std::string& name,
                             grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&,
                                                       Response*),
                             const Request& request) {
    return Need(name, Try(rpc, request));
  }
  template <class Value>
  Value Need(const std::string& name, base::Result<Value> result) {
    if (!result) EndFor(name, result.error());
    return std::move(*result);
  }

  /// Waits until the condition holds. False after the limit.
  template <class Condition>
  [[nodiscard]] bool WaitUntil(Condition condition,
                               std::chrono::seconds limit = std::chrono::seconds(20)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      Pause();
    }
    return true;
  }

  // Findings.
  /// Something that must hold of any runtime; `detail` says what was seen.
  void Verify(const std::string& name, bool holds, const std::string& detail = {});
  /// A value that the other side should show too.
  void Observe(const std::string& name, const std::string& value);
  /// How a call ended: "ok" or the error's code.
  template <class Value>
  void ObserveCode(const std::string& name, const base::Result<Value>& result) {
    Observe(name, result ? "ok" : std::string(base::CodeName(result.error().code)));
  }
  /// An answer, value by value.
  void Record(const std::string& moment, const google::protobuf::Message& answer);

  /// Shown instead of `value` in what is compared.
  void Name(const std::string& value, const std::string& shown) { names_[value] = shown; }
  /// A new folder on this machine for mounts, removed with the session.
  [[nodiscard]] std::filesystem::path Folder(const std::string& name);

  [[nodiscard]] Endpoint& Runtime() { return endpoint_; }
  [[nodiscard]] const Settings& Config() const { return settings_; }
  [[nodiscard]] const std::stop_token& StopToken() const { return stop_; }
  /// The shell command that restarts this side's runtime; empty: none was given.
  [[nodiscard]] const std::string& RestartCommand() const;
  /// In the name of everything that this side makes.
  [[nodiscard]] const std::string& Tag() const { return tag_; }

  [[nodiscard]] Findings Take() { return std::move(findings_); }

 private:
  [[noreturn]] void EndFor(const std::string& name, const base::Error& error);
  /// A short wait; ends the scenario when the run is stopped.
  void Pause();

  Endpoint& endpoint_;
  const Settings& settings_;
  std::stop_token stop_;
  std::string tag_;
  std::filesystem::path folder_;
  Names names_;
  std::vector<Pod> pods_;
  Findings findings_;
};

}  // namespace dockershimd::compare
