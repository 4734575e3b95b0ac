// Runs the tests in a network and a mount namespace of their own, also without root where the
// kernel lets users have one.

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>

namespace {

/// Makes us root of a user namespace; what is ours outside is root's inside.
bool BecomeRoot() {
  const auto user = std::to_string(::getuid());
  const auto group = std::to_string(::getgid());
  if (::unshare(CLONE_NEWUSER) != 0) return false;
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
  std::ofstream("/proc/self/gid_map") << "0 " << group << " 1";
  return ::getuid() == 0;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  // As in the daemon: a program may end without reading its input.
  ::signal(SIGPIPE, SIG_IGN);
  if ((::getuid() != 0 && !BecomeRoot()) || ::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    std::cout << "skipped: no namespaces of our own: " << std::strerror(errno) << "\n";
    return 77;
  }
  return RUN_ALL_TESTS();
}
