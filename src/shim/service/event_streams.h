#pragma once

#include <grpcpp/support/server_callback.h>

#include <cstddef>
#include <memory>
#include <unordered_set>

#include "base/guarded.h"
#include "cri/runtime/v1/api.pb.h"
#include "shim/node/changes.h"

namespace dockershimd::shim::service {

/// A change as CRI tells it, with statuses as complete as those of the status calls.
[[nodiscard]] runtime::v1::ContainerEventResponse ToContainerEvent(const node::Change& change);

/// CRI's GetContainerEvents, to any number of listeners without a thread for any of them. A
/// listener that does not read gets an error once its queue is full, and delays nobody.
/// Thread-safe. Must outlive the gRPC server.
class EventStreams {
 public:
  static constexpr std::size_t kQueueLimit = 1000;

  explicit EventStreams(std::size_t queue_limit = kQueueLimit) : queue_limit_(queue_limit) {}
  EventStreams(const EventStreams&) = delete;
  EventStreams& operator=(const EventStreams&) = delete;

  /// A new listener; gRPC owns it.
  [[nodiscard]] grpc::ServerWriteReactor<runtime::v1::ContainerEventResponse>* Listen();

  /// Sends a change to all listeners. Does not wait for any. To be called with one change after
  /// the other.
  void Send(const node::Change& change);

  /// Ends all streams, and later ones at once: before the server shuts down.
  void Close();

  [[nodiscard]] std::size_t ListenerCount() const { return state_.Lock()->listeners.size(); }

 private:
  class Listener;
  struct State {
    bool closed = false;
    std::unordered_set<Listener*> listeners;
  };

  void Remove(Listener* listener) { state_.Lock()->listeners.erase(listener); }

  std::size_t queue_limit_;
  base::Guarded<State> state_;
};

}  // namespace dockershimd::shim::service
