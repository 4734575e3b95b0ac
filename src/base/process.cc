#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/unique_fd.h"

// glibc 2.36's header lacks the linkage.
extern "C" {
#include <sys/pidfd.h>
}

namespace dockershimd::base {
namespace {

constexpr std::size_t kOutputLimit = 8 << 20;
/// One read takes all that a pipe holds when the program ends; the rest is for what was on its way.
constexpr int kReadsAfterExit = 8;
/// How often a caller that has gone away is noticed.
constexpr std::chrono::milliseconds kCancelCheck(100);

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Result<Pipe> MakePipe() {
  std::array<int, 2> ends;
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return Fail(ErrnoError(errno, "pipe"));
  return Pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// Our ends of the pipes to a running program. Killed and reaped when it goes out of scope early.
class Child {
 public:
  Child(pid_t pid, UniqueFd pidfd, UniqueFd input, UniqueFd output, UniqueFd error)
      : pid_(pid),
        pidfd_(std::move(pidfd)),
        input_(std::move(input)),
        output_(std::move(output)),
        error_(std::move(error)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) Reap(true);
  }

  Result<CommandOutput> Finish(const CallContext& context, std::string_view standard_input);

 private:
  int Reap(bool kill_first) {
    if (kill_first) ::kill(-pid_, SIGKILL);
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void Feed(std::string_view& rest);
  static void Drain(UniqueFd& from, std::string& into);

  pid_t pid_;
  UniqueFd pidfd_;
  UniqueFd input_;
  UniqueFd output_;
  UniqueFd error_;
};

void Child::Feed(std::string_view& rest) {
  const ssize_t count = ::write(input_.Get(), rest.data(), rest.size());
  if (count > 0) rest.remove_prefix(static_cast<std::size_t>(count));
  // A program that does not read its input has said so by closing it: no error of ours.
  if (rest.empty() || (count < 0 && errno != EINTR && errno != EAGAIN)) input_.Reset();
}

void Child::Drain(UniqueFd& from, std::string& into) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(from.Get(), buffer.data(), buffer.size());
  if (count > 0) {
    const auto room = kOutputLimit - std::min(kOutputLimit, into.size());
    into.append(buffer.data(), std::min(static_cast<std::size_t>(count), room));
  } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
    from.Reset();
  }
}

Result<CommandOutput> Child::Finish(const CallContext& context, std::string_view standard_input) {
  CommandOutput result;
  if (standard_input.empty()) input_.Reset();
  // A grandchild may hold the pipes open, or write, for ever: once the program is gone, what is in
  // the pipes is taken and no more waited for.
  int reads_after_exit = 0;
  bool finished = false;
  while (!finished) {
    if (context.IsExpired()) return Fail(Code::kDeadlineExceeded, "did not end in time; killed");
    if (context.IsCancelled()) return Fail(Code::kCancelled, "the caller went away; killed");
    std::array<pollfd, 4> polled = {{{pidfd_.Get(), POLLIN, 0},
                                     {output_.Get(), POLLIN, 0},
                                     {error_.Get(), POLLIN, 0},
                                     {input_.Get(), POLLOUT, 0}}};
    const auto wait = std::min(context.Remaining(), kCancelCheck);
    if (::poll(polled.data(), polled.size(), static_cast<int>(wait.count())) < 0) continue;
    if (polled[1].revents != 0) Drain(output_, result.standard_output);
    if (polled[2].revents != 0) Drain(error_, result.standard_error);
    if (polled[3].revents != 0) Feed(standard_input);
    const bool exited = polled[0].revents != 0;
    const bool drained = polled[1].revents == 0 && polled[2].revents == 0;
    finished = exited && (drained || ++reads_after_exit > kReadsAfterExit);
  }
  result.exit_code = Reap(false);
  return result;
}

struct SpawnAttributes {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  SpawnAttributes() {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() {
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
  }
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const auto& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::vector<std::string> OwnEnvironment() {
  std::vector<std::string> variables;
  for (char** variable = ::environ; *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  return variables;
}

Result<CommandOutput> Run(const CallContext& context, const Command& command) {
  // Better not begun than cut off at once.
  if (context.IsExpired()) return Fail(Code::kDeadlineExceeded, "not run: no time is left");
  if (context.IsCancelled()) return Fail(Code::kCancelled, "not run: the caller has gone away");
  auto input = MakePipe();
  auto output = MakePipe();
  auto error = MakePipe();
  if (!input || !output || !error) return Fail(ErrnoError(errno, "pipe"));

  SpawnAttributes spawn;
  posix_spawn_file_actions_adddup2(&spawn.actions, input->read_end.Get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&spawn.actions, output->write_end.Get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&spawn.actions, error->write_end.Get(), STDERR_FILENO);
  // The daemon blocks and ignores signals that a program expects in their default state.
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&spawn.attributes, &none);
  posix_spawnattr_setsigdefault(&spawn.attributes, &all);
  posix_spawnattr_setpgroup(&spawn.attributes, 0);
  posix_spawnattr_setflags(&spawn.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);

  pid_t pid = -1;
  const auto arguments = Pointers(command.argv);
  const auto environment = Pointers(command.environment);
  const int failed = ::posix_spawn(&pid, arguments[0], &spawn.actions, &spawn.attributes,
                                   arguments.data(), environment.data());
  if (failed != 0) return Fail(ErrnoError(failed, "run " + command.argv[0]));

  input->read_end.Reset();
  output->write_end.Reset();
  error->write_end.Reset();
  ::fcntl(input->write_end.Get(), F_SETFL, O_NONBLOCK);
  UniqueFd pidfd(::pidfd_open(pid, 0));
  const int pidfd_errno = errno;
  const bool watched = pidfd.IsOpen();
  Child child(pid, std::move(pidfd), std::move(input->write_end), std::move(output->read_end),
              std::move(error->read_end));
  if (!watched) return Fail(ErrnoError(pidfd_errno, "watch " + command.argv[0]));
  return child.Finish(context, command.standard_input);
}

}  // namespace dockershimd::base
