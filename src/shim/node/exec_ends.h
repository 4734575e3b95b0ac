#pragma once

#include <condition_variable>
#include <map>
#include <optional>
#include <string>

#include "base/call_context.h"
#include "base/guarded.h"

namespace dockershimd::shim::node {

/// How commands in containers end, as Docker's events tell it: who runs one waits here instead of
/// asking again and again. Thread-safe. Must outlive what Expect() has returned.
class ExecEnds {
 public:
  class Expected;

  /// From now on the end of this exec is kept, until what is returned goes away. To be called
  /// before the exec starts.
  [[nodiscard]] Expected Expect(std::string exec_id);
  /// Docker's event `exec_die` (API 1.36 and later say the exit code in it).
  void OnEnd(const std::string& exec_id, int exit_code);

 private:
  base::Guarded<std::map<std::string, std::optional<int>>> exit_codes_;
  std::condition_variable told_;
};

class ExecEnds::Expected {
 public:
  Expected(ExecEnds& ends, std::string exec_id) : ends_(ends), exec_id_(std::move(exec_id)) {}
  ~Expected() { ends_.exit_codes_.Lock()->erase(exec_id_); }
  Expected(const Expected&) = delete;
  Expected& operator=(const Expected&) = delete;

  /// The exit code; nothing where no event tells it until `time`. An event may also never come:
  /// for a command that could not be started, or that ended while Docker was not connected.
  [[nodiscard]] std::optional<int> WaitUntil(base::CallContext::Clock::time_point time) const;

 private:
  ExecEnds& ends_;
  const std::string exec_id_;
};

}  // namespace dockershimd::shim::node
