#include "shim/server/listening_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/log.h"
#include "shim/linux/systemd.h"

namespace dockershimd::shim::server {
namespace {

using base::Code;
using base::ErrnoError;
using base::Fail;
using base::Result;
using base::UniqueFd;

/// A killed daemon's last threads may hold its lock for a moment after its pid is gone.
constexpr std::chrono::seconds kDyingPredecessor(2);

sockaddr_un AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  return address;
}

base::Status CheckFolder(const std::filesystem::path& folder) {
  if (auto made = base::MakeDirectories(folder); !made) return made;
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0) return Fail(ErrnoError(errno, folder.string()));
  const bool others_may_replace =
      (status.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (status.st_mode & S_ISVTX) == 0;
  if (!others_may_replace && (status.st_uid == 0 || status.st_uid == ::geteuid())) return {};
  return Fail(Code::kPermissionDenied,
              "{}: others may write to this folder, and could put a socket of their own in place "
              "of ours; use a folder that only root can write to, such as /run",
              folder.string());
}

Result<UniqueFd> TakeLock(const std::string& path) {
  auto lock = base::OpenFile(path, O_RDWR | O_CREAT | O_NOFOLLOW);
  if (!lock) return Fail(lock.error());
  const auto deadline = std::chrono::steady_clock::now() + kDyingPredecessor;
  while (::flock(lock->Get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return Fail(ErrnoError(errno, "lock " + path));
    if (std::chrono::steady_clock::now() >= deadline) {
      return Fail(Code::kAlreadyExists, "another dockershimd holds {}; stop it first", path);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return lock;
}

/// Removes what a killed daemon left.
base::Status RemoveStale(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? base::Status() : Fail(ErrnoError(errno, path));
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Fail(Code::kAlreadyExists, "{} is there and no socket; remove it or choose another path",
                path);
  }
  if (IsListening(path)) {
    return Fail(Code::kAlreadyExists, "another program listens on {}; stop it first", path);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return Fail(ErrnoError(errno, path));
  return {};
}

base::Status GiveTo(const std::string& path, const std::string& group) {
  if (group.empty()) return {};
  std::vector<char> buffer(16384);
  struct group entry{};
  struct group* found = nullptr;
  ::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return Fail(Code::kInvalidArgument, "socket_group: there is no group '{}'", group);
  }
  if (::chown(path.c_str(), static_cast<uid_t>(-1), found->gr_gid) != 0 ||
      ::chmod(path.c_str(), 0660) != 0) {
    return Fail(ErrnoError(errno, "give " + path + " to group " + group));
  }
  return {};
}

Result<UniqueFd> Listen(const SocketOptions& options) {
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return Fail(ErrnoError(errno, "socket"));
  const auto address = AddressOf(options.path);
  // Bound under a umask, so that it never is open to others, not even for a moment.
  const mode_t before = ::umask(0177);
  const int bound = ::bind(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  const int bind_error = errno;
  ::umask(before);
  if (bound != 0) return Fail(ErrnoError(bind_error, "bind " + options.path));
  if (auto given = GiveTo(options.path, options.group); !given) return Fail(given.error());
  if (::listen(fd.Get(), SOMAXCONN) != 0) return Fail(ErrnoError(errno, "listen"));
  return fd;
}

}  // namespace

bool IsListening(const std::string& path) {
  const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto address = AddressOf(path);
  return ::connect(probe.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
}

Result<ListeningSocket> ListeningSocket::Open(const SocketOptions& options) {
  ListeningSocket socket;
  socket.fd_ = linuxos::SocketFromServiceManager();
  if (socket.fd_) {
    ::fcntl(socket.fd_.Get(), F_SETFL, ::fcntl(socket.fd_.Get(), F_GETFL) | O_NONBLOCK);
    return socket;
  }
  const auto folder = std::filesystem::path(options.path).parent_path();
  if (auto fine = CheckFolder(folder); !fine) return Fail(fine.error());
  auto lock = TakeLock(options.path + ".lock");
  if (!lock) return Fail(lock.error());
  socket.lock_ = std::move(*lock);
  if (auto removed = RemoveStale(options.path); !removed) return Fail(removed.error());
  auto fd = Listen(options);
  if (!fd) return Fail(fd.error());
  socket.fd_ = std::move(*fd);
  socket.own_path_ = options.path;
  return socket;
}

ListeningSocket::~ListeningSocket() {
  if (fd_ && !own_path_.empty()) ::unlink(own_path_.c_str());
}

}  // namespace dockershimd::shim::server
