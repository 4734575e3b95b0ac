#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "base/result.h"
#include "dockerapi/client.h"
#include "shim/streaming/requests.h"

namespace dockershimd::shim::streaming {

/// Where the server listens and what it allows.
struct ServerOptions {
  /// Address and port; 0 for any port. Whoever can connect still needs a token, but there is no
  /// other protection: a loopback address unless there is a reason.
  std::string address = "127.0.0.1:0";
  /// Scheme, host and port of the URLs that clients get; empty: as it listens.
  std::string base_url = {};
  /// PEM files; both empty: plain HTTP. Read again when they change.
  std::filesystem::path tls_certificate = {};
  std::filesystem::path tls_key = {};
  std::chrono::milliseconds token_lifetime = std::chrono::minutes(1);
  std::size_t max_pending_requests = 1000;
  std::size_t max_connections = 4096;
  std::size_t max_forward_streams = 1000;  ///< of one port-forward session, open at a time
  std::chrono::milliseconds head_limit = std::chrono::seconds(10);
  std::chrono::milliseconds creation_limit = std::chrono::seconds(30);  ///< for all streams
  std::chrono::milliseconds connect_limit = std::chrono::seconds(10);   ///< for an application
  std::chrono::milliseconds idle_limit = std::chrono::hours(4);
  std::size_t most_blocking_threads = 256;  ///< that call Docker and visit network namespaces
};

/// The streaming server of CRI: exec, attach and port-forward, over SPDY/3.1 and WebSocket.
/// Requests that were accepted become a URL that is good once and for a short time. Thread-safe.
class Server {
 public:
  /// `docker` must outlive the server.
  Server(ServerOptions options, dockerapi::Client& docker);
  /// As Stop().
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Reads the certificate, binds the address and serves from then on.
  [[nodiscard]] base::Status Start();
  /// Tells clients that it is over, and ends within about a second. Containers go on.
  void Stop();

  /// The absolute URL for the client of this request. kResourceExhausted: too many wait.
  [[nodiscard]] base::Result<std::string> Exec(ExecRequest request);
  [[nodiscard]] base::Result<std::string> Attach(AttachRequest request);
  [[nodiscard]] base::Result<std::string> PortForward(ForwardRequest request);

  /// Ends the port-forward sessions of a pod that has ended.
  void EndForwards(const std::string& sandbox_id);

  /// "http://127.0.0.1:1234", or https, once started; what the options say where they do.
  [[nodiscard]] std::string BaseUrl() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dockershimd::shim::streaming
