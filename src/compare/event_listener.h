#pragma once

#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/guarded.h"
#include "compare/endpoint.h"

namespace dockershimd::compare {

/// Listens to GetContainerEvents in a thread of its own until destroyed. Thread-safe.
class EventListener {
 public:
  explicit EventListener(criclient::Client& client);
  EventListener(const EventListener&) = delete;
  EventListener& operator=(const EventListener&) = delete;
  ~EventListener();

  /// The first event of this kind about a container or pod.
  [[nodiscard]] std::optional<cri::ContainerEventResponse> Find(const std::string& id,
                                                                cri::ContainerEventType type) const;

 private:
  void Read();

  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderInterface<cri::ContainerEventResponse>> reader_;
  base::Guarded<std::vector<cri::ContainerEventResponse>> events_;
  std::jthread thread_;  // last: begins when the rest is there
};

}  // namespace dockershimd::compare
