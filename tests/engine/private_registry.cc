#include "private_registry.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "base/unique_fd.h"

namespace dockershimd::testsupport {
namespace {

/// Nobody else's: tests with an engine have a network namespace of their own.
constexpr int kPort = 5000;
/// bcrypt of kPassword, as htpasswd -B writes it.
constexpr const char* kHash = "$2b$04$Mu1mdNDUVPaYlbb92.CAJOq5xNkgqOtIxQHTGF9KM08QlDgxHPALa";

bool Answers() {
  const base::UniqueFd connection(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(connection.Get(), reinterpret_cast<const sockaddr*>(&address),
                   sizeof(address)) == 0;
}

std::string WriteConfig() {
  const std::string state = std::getenv("DSD_TEST_STATE");
  const std::string folder = state + "/private-registry";
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/htpasswd") << PrivateRegistry::kUser << ":" << kHash << "\n";
  std::ofstream(folder + "/config.yml")
      << "version: 0.1\nlog: {level: warn}\n"
      << "storage:\n  filesystem: {rootdirectory: " << state << "/registry/data}\n"
      << "http: {addr: '127.0.0.1:" << kPort << "'}\n"
      << "auth:\n  htpasswd: {realm: tests, path: " << folder << "/htpasswd}\n";
  return folder;
}

}  // namespace

PrivateRegistry::PrivateRegistry() {
  const std::string folder = WriteConfig();
  std::string program = "docker-registry";
  std::string command = "serve";
  std::string config = folder + "/config.yml";
  char* const argv[] = {program.data(), command.data(), config.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  for (const int fd : {STDOUT_FILENO, STDERR_FILENO}) {
    ::posix_spawn_file_actions_addopen(&actions, fd, (folder + "/log").c_str(),
                                       O_WRONLY | O_CREAT | O_APPEND, 0644);
  }
  pid_t pid = -1;
  const int error = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("cannot start docker-registry");
  pid_ = pid;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!Answers()) {
    const bool has_ended = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (has_ended || std::chrono::steady_clock::now() > deadline) {
      if (!has_ended) ::kill(pid_, SIGKILL);
      throw std::runtime_error("no answer from the private registry; see " + folder + "/log");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
}

PrivateRegistry::~PrivateRegistry() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

std::string PrivateRegistry::Address() const { return "127.0.0.1:" + std::to_string(kPort); }

}  // namespace dockershimd::testsupport
