#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "shim/streaming/pod_connector.h"

namespace dockershimd::shim::streaming {

/// The client's end of one forwarded connection.
class ForwardClient {
 public:
  virtual ~ForwardClient() = default;
  virtual void Send(std::string_view bytes) = 0;
  /// The application has ended its direction.
  virtual void End() = 0;
  /// The connection broke: both directions are over.
  virtual void Drop() = 0;
  /// There is no connection, for this reason.
  virtual void Refuse(const std::string& reason) = 0;
  [[nodiscard]] virtual Awaitable<void> ClientRoom() = 0;
};

/// One forwarded connection between a client and a port in the pod. Either direction may end
/// before the other. Used on the loop's thread only.
class ForwardedConnection : public std::enable_shared_from_this<ForwardedConnection> {
 public:
  ForwardedConnection(Loop& loop, std::uint16_t port, std::shared_ptr<ForwardClient> client)
      : loop_(loop), port_(port), client_(std::move(client)), changed_(loop) {}

  /// Connects and moves the bytes. `pod` as the reason of a refusal names it.
  void Start(PodConnector connector, const std::string& pod);

  /// From the client.
  void OnData(std::string_view bytes);
  void OnEnd();
  /// Closes the connection to the application.
  void OnGone();

  /// Waits until the application has taken most of what it was sent.
  [[nodiscard]] Awaitable<void> Room();
  [[nodiscard]] bool IsOver() const { return over_; }

 private:
  using Self = std::shared_ptr<ForwardedConnection>;
  [[nodiscard]] Awaitable<void> Run(Self self, PodConnector connector, std::string pod);
  [[nodiscard]] Awaitable<void> MoveFromApplication();
  void EndIfDone();
  void Close();

  Loop& loop_;
  std::uint16_t port_;
  std::shared_ptr<ForwardClient> client_;  ///< until it is over
  std::shared_ptr<Socket> application_;    ///< once connected
  std::string early_;
  Signal changed_;
  bool client_ended_ = false;
  bool application_ended_ = false;
  bool over_ = false;
};

}  // namespace dockershimd::shim::streaming
