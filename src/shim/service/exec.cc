#include "shim/service/exec.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

// glibc 2.36 forgot to say that its pidfd functions are C.
extern "C" {
#include <sys/pidfd.h>
}

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "base/log.h"
#include "base/unique_fd.h"

namespace dockershimd::shim::service {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::size_t kOutputLimit = 16 << 20;
/// How long a command that is to be killed may take to begin.
constexpr std::chrono::seconds kStartPatience(5);
/// How often a caller that has gone away is noticed.
constexpr std::chrono::milliseconds kCancelCheck(100);
/// How soon Docker's event should follow the end of the output.
constexpr std::chrono::milliseconds kFirstPatience(10);

void AppendUpTo(std::string_view bytes, std::string* output) {
  const std::size_t room = kOutputLimit - std::min(kOutputLimit, output->size());
  output->append(bytes.substr(0, room));
}

/// Reads the demultiplexed output until the command closes it.
base::Status ReadOutput(const base::CallContext& context, const dockerapi::HijackedStream& stream,
                        runtime::v1::ExecSyncResponse* response) {
  dockerapi::Demultiplexer demultiplexer;
  const auto sink = [&](dockerapi::OutputStream which, std::string_view bytes) {
    AppendUpTo(bytes, which == dockerapi::OutputStream::kStdout ? response->mutable_stdout()
                                                                : response->mutable_stderr());
  };
  if (auto fed = demultiplexer.Feed(stream.leftover, sink); !fed) return fed;
  std::array<char, 65536> buffer;
  while (true) {
    if (context.IsExpired()) return Fail(Code::kDeadlineExceeded, "timed out");
    if (context.IsCancelled()) return Fail(Code::kCancelled, "the caller went away");
    pollfd polled{stream.fd.Get(), POLLIN, 0};
    const auto wait = std::min(context.Remaining(), kCancelCheck);
    if (::poll(&polled, 1, static_cast<int>(wait.count())) <= 0) continue;
    const ssize_t count = ::read(stream.fd.Get(), buffer.data(), buffer.size());
    if (count == 0) return {};
    if (count < 0) {
      if (errno == EINTR) continue;
      return Fail(base::ErrnoError(errno, "read the command's output"));
    }
    auto fed = demultiplexer.Feed({buffer.data(), static_cast<std::size_t>(count)}, sink);
    if (!fed) return fed;
  }
}

/// Docker says that the output has ended a moment before it knows the exit code. An event tells
/// that; Docker is asked where none comes.
Result<int> ExitCode(const base::CallContext& context, dockerapi::Client& docker,
                     const std::string& exec_id, const node::ExecEnds::Expected& end) {
  for (auto patience = kFirstPatience;; patience = std::min(patience * 2, kCancelCheck)) {
    if (const auto told = end.WaitUntil(context.Within(patience).deadline)) return *told;
    const auto state = docker.InspectExec(context, exec_id);
    if (!state) return Fail(state.error(), "read the command's exit code");
    if (!state->running) return state->exit_code;
    if (context.IsExpired()) return Fail(Code::kDeadlineExceeded, "timed out");
    if (context.IsCancelled()) return Fail(Code::kCancelled, "the caller went away");
  }
}

/// Docker has no call that ends an exec: the process is killed through its host pid, held by a
/// pidfd and looked at once more, so that a pid that was given to somebody else is left alone.
void Kill(dockerapi::Client& docker, const std::string& exec_id) {
  const auto cleanup = base::CallContext::ForCleanup();
  auto state = docker.InspectExec(cleanup, exec_id);
  // Docker's stream is there before the process is.
  const auto patience = cleanup.Within(kStartPatience);
  while (state && state->running && state->pid <= 0 && !patience.IsExpired()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    state = docker.InspectExec(cleanup, exec_id);
  }
  if (!state || !state->running || state->pid <= 0) return;
  const base::UniqueFd pidfd(::pidfd_open(state->pid, 0));
  const auto again = docker.InspectExec(cleanup, exec_id);
  if (!pidfd || !again || !again->running) return;
  if (::pidfd_send_signal(pidfd.Get(), SIGKILL, nullptr, 0) != 0) {
    spdlog::warn("the process {} of exec {} could not be killed (error {})", state->pid, exec_id,
                 errno);
  }
}

}  // namespace

Result<runtime::v1::ExecSyncResponse> Execs::Sync(const base::CallContext& context,
                                                  const runtime::v1::ExecSyncRequest& request) {
  if (request.cmd().empty()) return Fail(Code::kInvalidArgument, "cmd: is required");
  if (request.timeout() < 0) return Fail(Code::kInvalidArgument, "timeout: is negative");
  const auto container = model_.FindContainer(request.container_id());
  if (!container) return Fail(container.error());
  const auto& details = (*container)->details;
  if (!details.state.running) {
    return Fail(Code::kFailedPrecondition, "container {} does not run", details.id);
  }
  const auto limited =
      request.timeout() == 0 ? context : context.Within(std::chrono::seconds(request.timeout()));
  dockerapi::ExecSpec spec;
  spec.command.assign(request.cmd().begin(), request.cmd().end());
  const auto exec_id = docker_.CreateExec(limited, details.id, spec);
  if (!exec_id) return Fail(exec_id.error());
  const auto end = ends_.Expect(*exec_id);
  const auto stream = docker_.StartExec(limited, *exec_id, false);
  if (!stream) {
    Kill(docker_, *exec_id);
    return Fail(stream.error());
  }

  runtime::v1::ExecSyncResponse response;
  const auto read = ReadOutput(limited, *stream, &response);
  const auto exit_code = read ? ExitCode(limited, docker_, *exec_id, end) : Fail(read.error());
  if (!exit_code) {
    Kill(docker_, *exec_id);
    if (exit_code.error().code != Code::kDeadlineExceeded) return Fail(exit_code.error());
    return Fail(Code::kDeadlineExceeded, "command '{}' did not end within {} s; it was killed",
                request.cmd(0), request.timeout());
  }
  response.set_exit_code(*exit_code);
  return response;
}

}  // namespace dockershimd::shim::service
