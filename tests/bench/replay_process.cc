#include "replay_process.h"

#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <vector>

#include "base/file.h"

namespace dockershimd::bench {

ReplayProcess::ReplayProcess(const std::string& program, pid_t init, const std::string& recording) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::runtime_error("no sockets");
  }
  socket_.Reset(ends[0]);
  const base::UniqueFd theirs(ends[1]);
  std::vector<std::string> words = {"nsenter",  "--target", std::to_string(init),
                                    "--net",    "--mount",  "--pid",
                                    "--cgroup", "--ipc",    "--uts",
                                    "--",       program,    recording};
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.Get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.Get(), STDOUT_FILENO);
  const int error = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start nsenter");
}

ReplayProcess::~ReplayProcess() {
  // It ends with its input.
  socket_.Reset();
  ::waitpid(pid_, nullptr, 0);
}

base::Status ReplayProcess::Ask(const std::string& command) {
  if (auto sent = base::WriteAll(socket_.Get(), command + "\n", "replay"); !sent) return sent;
  std::string answer;
  for (char letter = 0; letter != '\n'; answer += letter) {
    if (::read(socket_.Get(), &letter, 1) != 1) {
      return base::Fail(base::Code::kInternal, "the replay has ended");
    }
  }
  if (answer == "ok\n") return {};
  return base::Fail(base::Code::kInternal, "{}", answer);
}

}  // namespace dockershimd::bench
