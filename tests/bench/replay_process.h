#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace dockershimd::bench {

/// The program bench_replay inside an environment: it has pods started and stopped by Docker and
/// CNI calls alone.
class ReplayProcess {
 public:
  /// `init` is process 1 of the environment, by its number here. Throws where it cannot be started.
  ReplayProcess(const std::string& program, pid_t init, const std::string& recording);
  ~ReplayProcess();
  ReplayProcess(const ReplayProcess&) = delete;
  ReplayProcess& operator=(const ReplayProcess&) = delete;

  /// The pod's files must be there (MakePod).
  [[nodiscard]] base::Status Start(const std::string& pod) { return Ask("start " + pod); }
  /// Stops and removes the pod started last.
  [[nodiscard]] base::Status Stop() { return Ask("stop"); }

 private:
  [[nodiscard]] base::Status Ask(const std::string& command);

  base::UniqueFd socket_;
  pid_t pid_ = -1;
};

}  // namespace dockershimd::bench
