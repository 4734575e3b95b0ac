// Runs the tests in a network and a mount namespace of their own, with the CNI plugins of the
// machine: no bridge and no rule is left behind.

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <string>

namespace {

constexpr const char* kFolder = "/usr/lib/cni/";

std::string ReasonToSkip() {
  if (::getuid() != 0) return "needs root, for network namespaces";
  for (const char* plugin :
       {"bridge", "host-local", "portmap", "bandwidth", "tuning", "firewall"}) {
    if (::access((std::string(kFolder) + plugin).c_str(), X_OK) != 0) {
      return std::string("no ") + plugin + " in " + kFolder +
             ": install containernetworking-plugins";
    }
  }
  if (::unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 ||
      ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return std::string("unshare: ") + std::strerror(errno);
  }
  return "";
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (const auto reason = ReasonToSkip(); !reason.empty()) {
    std::cout << "skipped: " << reason << "\n";
    return 77;
  }
  // As in the daemon: a plugin may end without reading its input.
  ::signal(SIGPIPE, SIG_IGN);
  return RUN_ALL_TESTS();
}
