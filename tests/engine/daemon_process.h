#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <vector>

namespace dockershimd::tests {

/// What a process holds, from /proc.
struct ProcessUse {
  std::size_t resident_kib = 0;
  std::size_t descriptors = 0;
  std::size_t threads = 0;
};

/// The daemon under test, as a process of its own in the environment that with-engine opened.
/// DSD_TEST_BINARY names the program.
class DaemonProcess {
 public:
  /// Starts it; returns once it answers. `flags` are added to those of the environment.
  explicit DaemonProcess(std::vector<std::string> flags = {});
  /// Ends it as systemd would, if it still runs.
  ~DaemonProcess();
  DaemonProcess(const DaemonProcess&) = delete;
  DaemonProcess& operator=(const DaemonProcess&) = delete;

  [[nodiscard]] const std::string& Endpoint() const { return endpoint_; }

  /// Again, after Stop or Kill.
  void Start();
  /// As Start, but returns at once.
  void Launch();
  /// SIGTERM; returns the exit code.
  int Stop();
  /// kill -9.
  void Kill();

  [[nodiscard]] pid_t Pid() const { return pid_; }
  [[nodiscard]] ProcessUse Use() const;

 private:
  void Signal(int number) const;
  void AwaitAnswer() const;
  [[nodiscard]] static std::string LogFile();

  std::vector<std::string> arguments_;
  std::string endpoint_;
  pid_t pid_ = -1;
};

}  // namespace dockershimd::tests
