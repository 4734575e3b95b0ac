#include "compare/event_listener.h"

#include <chrono>

namespace dockershimd::compare {

EventListener::EventListener(criclient::Client& client)
    : reader_(client.Runtime().GetContainerEvents(&context_, cri::GetEventsRequest())),
      thread_([this] { Read(); }) {
  // Nothing says when the server has begun to listen on our behalf.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
}

EventListener::~EventListener() {
  context_.TryCancel();
  thread_.join();
  (void)reader_->Finish();
}

std::optional<cri::ContainerEventResponse> EventListener::Find(const std::string& id,
                                                               cri::ContainerEventType type) const {
  const auto events = events_.Lock();
  for (const auto& event : *events) {
    if (event.container_id() == id && event.container_event_type() == type) return event;
  }
  return std::nullopt;
}

void EventListener::Read() {
  cri::ContainerEventResponse event;
  while (reader_->Read(&event)) events_.Lock()->push_back(event);
}

}  // namespace dockershimd::compare
