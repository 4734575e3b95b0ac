#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/call_context.h"
#include "base/result.h"
#include "dockerapi/containers.h"
#include "dockerapi/images.h"
#include "dockerapi/streams.h"
#include "dockerapi/system.h"

namespace dockershimd::dockerapi {

/// Where the engine listens and how patient to be with it.
struct ClientOptions {
  std::string socket_path = "/var/run/docker.sock";
  /// For calls that Docker answers at once. Each call also ends at its context's deadline.
  std::chrono::milliseconds call_timeout{std::chrono::minutes(2)};
  /// Kept-alive connections for short calls.
  std::size_t max_idle_connections = 16;
};

/// Seen after each HTTP exchange, for metrics: method and path pattern ("POST
/// /containers/{id}/start"), duration, HTTP status (0: none came).
using CallObserver =
    std::function<void(std::string_view operation, std::chrono::nanoseconds duration, int status)>;

/// The Docker Engine API over a Unix socket. Thread-safe; calls from several threads run at the
/// same time on connections of their own; the process must ignore SIGPIPE. Every call honours its
/// context: at the deadline it returns kDeadlineExceeded, after cancellation kCancelled, and when
/// Docker cannot be reached kUnavailable. Docker's own refusals keep its HTTP status and message:
/// 400 kInvalidArgument, 404 kNotFound, 409 kAlreadyExists, 403 kPermissionDenied, 401
/// kUnauthenticated, 500 kInternal, 501 kUnimplemented, 503 kUnavailable.
class Client {
 public:
  explicit Client(ClientOptions options, CallObserver observer = {});
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Agrees on the newest API that both sides know (GET /_ping). Done by itself before the first
  /// other call; to be called again after the engine came back. kFailedPrecondition: there is none.
  [[nodiscard]] base::Result<ApiVersion> Negotiate(const base::CallContext& context);

  // System (system.cc)
  [[nodiscard]] base::Status Ping(const base::CallContext& context);
  [[nodiscard]] base::Result<EngineVersion> Version(const base::CallContext& context);
  [[nodiscard]] base::Result<EngineInfo> Info(const base::CallContext& context);
  /// Bytes of all image layers (GET /system/df). Slow on old engines: not for a request path.
  [[nodiscard]] base::Result<DiskUsage> GetDiskUsage(const base::CallContext& context);
  /// Hands each event to `on_event` until the context ends (kCancelled), the stream breaks
  /// (kUnavailable), or `on_event` returns false (success). `on_open` is called once Docker has
  /// accepted: from then on nothing is missed.
  [[nodiscard]] base::Status StreamEvents(const base::CallContext& context,
                                          const EventOptions& options,
                                          const std::function<void()>& on_open,
                                          const std::function<bool(const Event&)>& on_event);

  // Containers (containers.cc)
  /// All containers that carry every one of `label_filters` ("name" or "name=value").
  [[nodiscard]] base::Result<std::vector<ContainerSummary>> ListContainers(
      const base::CallContext& context, const std::vector<std::string>& label_filters);
  [[nodiscard]] base::Result<ContainerDetails> InspectContainer(const base::CallContext& context,
                                                                const std::string& id);
  /// Returns the new container's id. kAlreadyExists: the name is taken. kNotFound: no such image.
  [[nodiscard]] base::Result<std::string> CreateContainer(const base::CallContext& context,
                                                          const std::string& name,
                                                          const ContainerSpec& spec);
  /// Fine if it runs already (304).
  [[nodiscard]] base::Status StartContainer(const base::CallContext& context,
                                            const std::string& id);
  /// Stop signal, then SIGKILL after `grace` (whole seconds). Fine if it does not run (304). The
  /// call takes as long as the container.
  [[nodiscard]] base::Status StopContainer(const base::CallContext& context, const std::string& id,
                                           std::chrono::seconds grace);
  /// kAlreadyExists (409) if it does not run.
  [[nodiscard]] base::Status KillContainer(const base::CallContext& context, const std::string& id,
                                           const std::string& signal);
  /// With `force` a running container is killed first. Anonymous volumes go with it.
  [[nodiscard]] base::Status RemoveContainer(const base::CallContext& context,
                                             const std::string& id, bool force);
  [[nodiscard]] base::Status RenameContainer(const base::CallContext& context,
                                             const std::string& id, const std::string& name);
  [[nodiscard]] base::Status UpdateContainer(const base::CallContext& context,
                                             const std::string& id, const Resources& resources);
  /// A file of a container's root filesystem, whether the container runs or not; symbolic links
  /// are followed inside of it. kNotFound: no such file. `limit` is for the archive that the file
  /// comes in.
  [[nodiscard]] base::Result<std::string> ReadContainerFile(const base::CallContext& context,
                                                            const std::string& id,
                                                            const std::string& path,
                                                            std::size_t limit);
  /// Waits until the container does not run; returns its exit code. A long-lived connection.
  [[nodiscard]] base::Result<int> WaitContainer(const base::CallContext& context,
                                                const std::string& id);
  [[nodiscard]] base::Result<HijackedStream> AttachContainer(const base::CallContext& context,
                                                             const std::string& id,
                                                             const AttachOptions& options);
  [[nodiscard]] base::Status ResizeContainer(const base::CallContext& context,
                                             const std::string& id, int rows, int columns);
  /// Hands the log, demultiplexed, to `sink` until it ends, the context ends, or the sink returns
  /// false. `tty` says whether the container has a terminal (its log is then not framed).
  [[nodiscard]] base::Status StreamLogs(
      const base::CallContext& context, const std::string& id, bool tty, const LogOptions& options,
      const std::function<bool(OutputStream, std::string_view)>& sink);

  // Exec (exec.cc)
  [[nodiscard]] base::Result<std::string> CreateExec(const base::CallContext& context,
                                                     const std::string& container_id,
                                                     const ExecSpec& spec);
  [[nodiscard]] base::Result<HijackedStream> StartExec(const base::CallContext& context,
                                                       const std::string& exec_id, bool tty);
  [[nodiscard]] base::Result<ExecState> InspectExec(const base::CallContext& context,
                                                    const std::string& exec_id);
  [[nodiscard]] base::Status ResizeExec(const base::CallContext& context,
                                        const std::string& exec_id, int rows, int columns);

  // Images (images.cc)
  [[nodiscard]] base::Result<std::vector<ImageSummary>> ListImages(
      const base::CallContext& context);
  [[nodiscard]] base::Result<ImageDetails> InspectImage(const base::CallContext& context,
                                                        const std::string& reference);
  /// Pulls until the engine is done; `on_progress` sees each of its messages.
  [[nodiscard]] base::Status PullImage(const base::CallContext& context, const PullOptions& options,
                                       const std::function<void(const Progress&)>& on_progress);
  /// Loads an image from a tar archive as `docker save` writes it.
  [[nodiscard]] base::Status LoadImage(const base::CallContext& context, std::string_view archive);
  [[nodiscard]] base::Status TagImage(const base::CallContext& context, const std::string& image,
                                      const std::string& repository, const std::string& tag);
  /// Removes one name of an image, or the image where it is the last name or an id. With `force`
  /// all names of an id go. kAlreadyExists (409) while a container uses it.
  [[nodiscard]] base::Status RemoveImage(const base::CallContext& context,
                                         const std::string& reference, bool force);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dockershimd::dockerapi
