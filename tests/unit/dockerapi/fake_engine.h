#pragma once

#include <condition_variable>
#include <filesystem>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "base/unique_fd.h"

namespace dockershimd::testsupport {

/// A request as the engine got it.
struct EngineRequest {
  std::string method;
  std::string target;                          ///< as sent: with version and query
  std::map<std::string, std::string> headers;  ///< by lower-case name
  std::string body;

  /// Without version and query.
  [[nodiscard]] std::string Path() const;
  /// The decoded value of a query parameter; empty where there is none.
  [[nodiscard]] std::string Query(const std::string& name) const;
  [[nodiscard]] std::string Header(const std::string& name) const;
};

/// How the engine answers one request: in any piece, at any time, well-formed or not.
class EngineReply {
 public:
  explicit EngineReply(int fd) : fd_(fd) {}

  void Json(std::string_view body, int status = 200);
  /// Docker's refusal: a status and `{"message": ...}`.
  void Refuse(int status, std::string_view message);
  /// A status without a body (204, 304).
  void Bare(int status);
  /// Begins an answer that never has to end; Chunk adds to it, LastChunk ends it.
  void Begin(int status = 200);
  void Chunk(std::string_view bytes);
  void LastChunk();
  /// Any bytes.
  void Raw(std::string_view bytes);
  /// What the client sends on, up to `count` bytes or its end.
  [[nodiscard]] std::string Read(std::size_t count);
  /// Says nothing until the client has closed (or the engine stops).
  void Hang();
  /// Closes the connection after the handler has returned.
  void Close() { closed_ = true; }
  [[nodiscard]] bool IsClosed() const { return closed_; }

 private:
  int fd_;
  bool closed_ = false;
};

/// A Docker Engine on a real Unix socket whose answers a test writes. Knows /_ping and /version by
/// itself; refuses with 404 what no handler matches.
class FakeEngine {
 public:
  using Handler = std::function<void(const EngineRequest&, EngineReply&)>;

  explicit FakeEngine(std::string api_version = "1.41");
  ~FakeEngine();
  FakeEngine(const FakeEngine&) = delete;
  FakeEngine& operator=(const FakeEngine&) = delete;

  /// Answers requests whose path (without version and query) matches the pattern: "*" stands for
  /// anything. The last one that matches is asked; on a thread of the connection's.
  void On(const std::string& method, const std::string& path, Handler handler);
  /// As On, with one answer for all.
  void Answer(const std::string& method, const std::string& path, const std::string& json,
              int status = 200);

  [[nodiscard]] std::string Socket() const { return folder_ / "docker.sock"; }
  /// All requests but /_ping, in their order.
  [[nodiscard]] std::vector<EngineRequest> Requests() const;
  /// The only request; empty where there are none or several.
  [[nodiscard]] EngineRequest Request() const;
  /// How many connections there have been.
  [[nodiscard]] std::size_t Connections() const;
  /// Waits until clients have closed all connections but `count`; false after 20 s.
  [[nodiscard]] bool WaitForOpenConnections(std::size_t count) const;

  /// As dockerd does when it goes: all connections end and nobody listens.
  void Stop();
  void Start();

 private:
  struct Route {
    std::string method;
    std::string path;
    Handler handler;
  };
  struct Connection {
    base::UniqueFd fd;
    bool ended = false;
    std::jthread thread;
  };
  struct State {
    std::vector<Route> routes;
    std::vector<EngineRequest> requests;
    std::list<Connection> connections;
    std::size_t accepted = 0;
    std::size_t open = 0;
  };

  void Accept(int listener);
  void Serve(Connection& connection, int fd);
  [[nodiscard]] Handler HandlerOf(const EngineRequest& request) const;

  std::filesystem::path folder_;
  std::string api_version_;
  base::UniqueFd listener_;
  base::Guarded<State> state_;
  mutable std::condition_variable closed_;
  std::jthread acceptor_;
};

}  // namespace dockershimd::testsupport
