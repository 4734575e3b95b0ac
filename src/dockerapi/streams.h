#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace dockershimd::dockerapi {

/// A connection that Docker has turned into a raw byte stream (exec, attach). What the container
/// writes is framed by Demultiplexer's format unless it has a terminal; what is written to the fd
/// is the container's stdin. Shut down for writing to close stdin; close to detach.
struct HijackedStream {
  base::UniqueFd fd;     ///< blocking, close-on-exec
  std::string leftover;  ///< bytes of the stream that arrived together with the HTTP header
};

enum class OutputStream : std::uint8_t { kStdout = 1, kStderr = 2 };

/// Splits Docker's multiplexed stream (8-byte header: stream, three zero bytes, big-endian
/// length) into stdout and stderr. Keeps state between calls: any cut of the input is fine.
class Demultiplexer {
 public:
  using Sink = std::function<void(OutputStream, std::string_view)>;

  /// Hands the payload in `bytes` to `sink` as it comes: a frame may reach it in pieces.
  /// kInternal when the bytes are no such stream; the object is of no use then. A "system error"
  /// frame (stream 3) is returned as the error that it carries.
  [[nodiscard]] base::Status Feed(std::string_view bytes, const Sink& sink);

  /// True between two frames: a stream that ends elsewhere was cut.
  [[nodiscard]] bool AtFrameBoundary() const { return header_.empty() && remaining_ == 0; }

 private:
  std::string header_;
  std::string system_error_;
  std::uint8_t stream_ = 0;
  std::size_t remaining_ = 0;
};

/// Docker's client detaches at these keys, ctrl-p ctrl-q by default, and holds ctrl-p back until
/// the next key. It cannot be told to have none: this many NUL bytes in a row nobody types.
inline constexpr const char* kNoDetachKeys =
    "ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,"
    "ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@,ctrl-@";

struct ExecSpec {
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::string user;
  std::string working_dir;
  std::string detach_keys;  ///< empty: Docker's
  bool tty = false;
  bool attach_stdin = false;
  bool attach_stdout = true;
  bool attach_stderr = true;
  bool privileged = false;
};

struct ExecState {
  bool running = false;
  int exit_code = -1;  ///< meaningful only once it does not run
  int pid = 0;         ///< in the engine's PID namespace; 0 before it starts
  std::string container_id;
};

struct AttachOptions {
  bool stdin_stream = false;
  bool stdout_stream = true;
  bool stderr_stream = true;
  bool logs = false;        ///< first what was written before
  std::string detach_keys;  ///< empty: Docker's
};

struct LogOptions {
  bool follow = false;
  bool timestamps = true;
  base::UnixNanos since = 0;
};

/// One message of GET /events.
struct Event {
  std::string type;    ///< container, image, network, ...
  std::string action;  ///< create, start, die, "exec_start: sh", ...
  std::string actor_id;
  std::map<std::string, std::string> attributes;  ///< labels, name, exitCode, ...
  base::UnixNanos time = 0;
};

struct EventOptions {
  base::UnixNanos since = 0;  ///< 0: only what happens from now on
  std::vector<std::string> types;
  std::vector<std::string> actions;
};

}  // namespace dockershimd::dockerapi
