#include "shim/streaming/docker_targets.h"

#include <fmt/format.h>

#include "base/guarded.h"
#include "shim/linux/process_identity.h"

namespace dockershimd::shim::streaming {
namespace {

using base::Fail;
using base::Result;
using wire::Outcome;

/// What Docker writes to stdout where a command cannot be started.
constexpr std::string_view kStartFailure = "OCI runtime exec failed: ";
/// How long Docker may need to know of the end of a process.
constexpr std::chrono::seconds kKnowingLimit(10);
/// Attached to a container with no StdinOnce, the stream ends with stdin: what the process says
/// to its last line gets this long.
constexpr std::chrono::milliseconds kLastWords(200);

class ExecTarget final : public SessionTarget {
 public:
  ExecTarget(dockerapi::Client& docker, ExecRequest request)
      : docker_(docker), request_(std::move(request)) {}

  Rules GetRules() const override {
    Rules rules;
    rules.framed = !request_.streams.tty;
    rules.takes_stdin = request_.streams.stdin_stream;
    if (!request_.streams.tty) rules.close_stdin_after = std::chrono::milliseconds(0);
    rules.doubtful_output = kStartFailure;
    return rules;
  }

  Result<Opened> Open(const base::CallContext& context) override {
    dockerapi::ExecSpec spec;
    spec.command = request_.command;
    spec.tty = request_.streams.tty;
    spec.attach_stdin = request_.streams.stdin_stream;
    spec.attach_stdout = request_.streams.stdout_stream;
    spec.attach_stderr = request_.streams.stderr_stream;
    spec.detach_keys = dockerapi::kNoDetachKeys;
    auto id = docker_.CreateExec(context, request_.container_id, spec);
    if (!id) return Fail(id.error());
    *exec_id_.Lock() = *id;
    auto stream = docker_.StartExec(context, *id, request_.streams.tty);
    if (!stream) return Fail(stream.error());
    return Opened{std::move(*stream), false};
  }

  std::optional<Outcome> Ending(const base::CallContext& context, std::string* held_back) override {
    const std::string id = *exec_id_.Lock();
    const auto state = docker_.InspectExec(context, id);
    if (!state) return Failure(state.error());
    if (state->running) return WhileRunning(state->pid);
    if (state->pid == 0) {
      const auto reason = Failure({base::Code::kInternal, Trimmed(*held_back), {}});
      held_back->clear();
      return reason;
    }
    return Outcome::Exited(state->exit_code);
  }

  base::Status Resize(const base::CallContext& context, wire::TerminalSize size) override {
    const std::string id = *exec_id_.Lock();
    return docker_.ResizeExec(context, id, size.height, size.width);
  }

  Outcome Failure(const base::Error& error) const override {
    return Outcome::Failed("error executing command in container: " + error.message);
  }

 private:
  /// A process may close its output and live on: the session lasts as long as it does. What Docker
  /// takes for running without a process is not waited for.
  std::optional<Outcome> WhileRunning(int pid) {
    if (pid > 0 && linuxos::ProcessExists(pid)) return std::nullopt;
    const auto now = base::CallContext::Clock::now();
    auto since = vanished_.Lock();
    if (!*since) *since = now;
    if (now - **since < kKnowingLimit) return std::nullopt;
    return Failure({base::Code::kInternal, "Docker does not tell how it ended", {}});
  }

  static std::string Trimmed(const std::string& text) {
    const auto end = text.find_last_not_of("\r\n");
    return end == std::string::npos ? "the command did not start" : text.substr(0, end + 1);
  }

  dockerapi::Client& docker_;
  const ExecRequest request_;
  base::Guarded<std::string> exec_id_;
  base::Guarded<std::optional<base::CallContext::Clock::time_point>> vanished_;
};

class AttachTarget final : public SessionTarget {
 public:
  AttachTarget(dockerapi::Client& docker, AttachRequest request)
      : docker_(docker), request_(std::move(request)) {}

  Rules GetRules() const override {
    Rules rules;
    rules.framed = !request_.container_tty;
    rules.takes_stdin = request_.streams.stdin_stream && request_.open_stdin;
    if (!request_.container_tty) {
      rules.close_stdin_after = request_.stdin_once ? std::chrono::milliseconds(0) : kLastWords;
    }
    return rules;
  }

  Result<Opened> Open(const base::CallContext& context) override {
    const auto before = IsRunning(context);
    if (!before) return Fail(before.error());
    if (!*before) return Fail(base::Code::kFailedPrecondition, "the container does not run");
    dockerapi::AttachOptions options;
    options.stdin_stream = GetRules().takes_stdin;
    options.stdout_stream = request_.streams.stdout_stream;
    options.stderr_stream = request_.streams.stderr_stream;
    options.detach_keys = dockerapi::kNoDetachKeys;
    auto stream = docker_.AttachContainer(context, request_.container_id, options);
    if (!stream) return Fail(stream.error());
    // Attached to a container that has ended in between, Docker never says anything.
    const auto after = IsRunning(context);
    return Opened{std::move(*stream), !after.value_or(false)};
  }

  std::optional<Outcome> Ending(const base::CallContext& context, std::string*) override {
    // However the container ended is told elsewhere; only a lost Docker is a failure.
    const auto container = docker_.InspectContainer(context, request_.container_id);
    if (container || container.error().code == base::Code::kNotFound) return Outcome::Success();
    return Failure(container.error());
  }

  base::Status Resize(const base::CallContext& context, wire::TerminalSize size) override {
    return docker_.ResizeContainer(context, request_.container_id, size.height, size.width);
  }

  Outcome Failure(const base::Error& error) const override {
    return Outcome::Failed("error attaching to container: " + error.message);
  }

 private:
  Result<bool> IsRunning(const base::CallContext& context) {
    const auto container = docker_.InspectContainer(context, request_.container_id);
    if (!container) return Fail(container.error());
    return container->state.running;
  }

  dockerapi::Client& docker_;
  const AttachRequest request_;
};

}  // namespace

std::shared_ptr<SessionTarget> MakeExecTarget(dockerapi::Client& docker, ExecRequest request) {
  return std::make_shared<ExecTarget>(docker, std::move(request));
}

std::shared_ptr<SessionTarget> MakeAttachTarget(dockerapi::Client& docker, AttachRequest request) {
  return std::make_shared<AttachTarget>(docker, std::move(request));
}

}  // namespace dockershimd::shim::streaming
