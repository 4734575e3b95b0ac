#include "shim/service/event_streams.h"

#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "base/log.h"
#include "shim/service/container_status.h"
#include "shim/translate/labels.h"
#include "shim/translate/status.h"

namespace dockershimd::shim::service {
namespace {

using node::ChangeKind;
using runtime::v1::ContainerEventResponse;
using runtime::v1::ContainerEventType;
using EventPtr = std::shared_ptr<const ContainerEventResponse>;

ContainerEventType TypeOf(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::kCreated:
      return ContainerEventType::CONTAINER_CREATED_EVENT;
    case ChangeKind::kStarted:
      return ContainerEventType::CONTAINER_STARTED_EVENT;
    case ChangeKind::kStopped:
      return ContainerEventType::CONTAINER_STOPPED_EVENT;
    case ChangeKind::kDeleted:
      break;
  }
  return ContainerEventType::CONTAINER_DELETED_EVENT;
}

/// For a container whose sandbox was removed before it: kubelet ignores events without a pod.
runtime::v1::PodSandboxStatus StatusFromLabels(const node::Change& change) {
  runtime::v1::PodSandboxStatus status;
  status.set_id(change.sandbox_id);
  status.set_state(runtime::v1::PodSandboxState::SANDBOX_NOTREADY);
  const auto container = change.deleted              ? change.deleted
                         : change.containers.empty() ? nullptr
                                                     : change.containers.front();
  if (!container) return status;
  const auto config = container->config.Get();
  const auto& labels = config.labels();
  auto& metadata = *status.mutable_metadata();
  metadata.set_name(translate::LabelOr(labels, "io.kubernetes.pod.name"));
  metadata.set_namespace_(translate::LabelOr(labels, "io.kubernetes.pod.namespace"));
  metadata.set_uid(translate::LabelOr(labels, "io.kubernetes.pod.uid"));
  return status;
}

runtime::v1::PodSandboxStatus SandboxStatusIn(const node::Change& change) {
  if (!change.sandbox) return StatusFromLabels(change);
  auto status = translate::ToPodSandboxStatus(*change.sandbox, change.sandbox->network);
  const bool is_over = change.kind == ChangeKind::kStopped || change.kind == ChangeKind::kDeleted;
  if (change.IsSandbox() && is_over) {
    // The last record of a removed sandbox may be one of its better days.
    status.set_state(runtime::v1::PodSandboxState::SANDBOX_NOTREADY);
  }
  return status;
}

}  // namespace

ContainerEventResponse ToContainerEvent(const node::Change& change) {
  ContainerEventResponse event;
  event.set_container_id(change.id);
  event.set_container_event_type(TypeOf(change.kind));
  event.set_created_at(change.time);
  *event.mutable_pod_sandbox_status() = SandboxStatusIn(change);
  for (const auto& container : change.containers) {
    *event.add_containers_statuses() = StatusOf(*container);
  }
  return event;
}

/// One client's stream; deletes itself when gRPC is done with it.
class EventStreams::Listener final : public grpc::ServerWriteReactor<ContainerEventResponse> {
 public:
  explicit Listener(EventStreams& owner) : owner_(owner) {}

  void Push(const EventPtr& event) {
    const std::lock_guard lock(mutex_);
    if (is_ending_) return;
    if (queue_.size() >= owner_.queue_limit_) {
      spdlog::warn("GetContainerEvents: a client that does not read its events is dropped");
      EndLocked({grpc::StatusCode::RESOURCE_EXHAUSTED,
                 "events were not read in time and are lost: list anew, then listen again"});
      return;
    }
    queue_.push_back(event);
    if (!is_writing_) WriteLocked();
  }

  void End(const grpc::Status& status) {
    const std::lock_guard lock(mutex_);
    EndLocked(status);
  }

  void OnWriteDone(bool /*ok*/) override {
    const std::lock_guard lock(mutex_);
    is_writing_ = false;
    queue_.pop_front();
    if (is_ending_) {
      Finish(status_);
    } else if (!queue_.empty()) {
      WriteLocked();
    }
  }

  void OnCancel() override { End(grpc::Status::CANCELLED); }

  void OnDone() override {
    owner_.Remove(this);
    {
      // Whoever was the last to end it is through.
      const std::lock_guard lock(mutex_);
    }
    delete this;
  }

 private:
  void WriteLocked() {
    is_writing_ = true;
    StartWrite(queue_.front().get());
  }

  void EndLocked(const grpc::Status& status) {
    if (std::exchange(is_ending_, true)) return;
    status_ = status;
    // What is being written is needed until that is over; the stream ends then.
    if (!is_writing_) return Finish(status_);
    queue_.resize(1);
  }

  EventStreams& owner_;
  std::mutex mutex_;
  std::deque<EventPtr> queue_;
  bool is_writing_ = false;  ///< the first of the queue
  bool is_ending_ = false;
  grpc::Status status_;
};

grpc::ServerWriteReactor<ContainerEventResponse>* EventStreams::Listen() {
  auto* listener = new Listener(*this);
  auto state = state_.Lock();
  if (state->closed) {
    listener->End({grpc::StatusCode::UNAVAILABLE, "dockershimd is shutting down"});
  } else {
    state->listeners.insert(listener);
  }
  return listener;
}

void EventStreams::Send(const node::Change& change) {
  if (ListenerCount() == 0) return;
  const auto event = std::make_shared<const ContainerEventResponse>(ToContainerEvent(change));
  const auto state = state_.Lock();
  for (auto* listener : state->listeners) listener->Push(event);
}

void EventStreams::Close() {
  auto state = state_.Lock();
  state->closed = true;
  for (auto* listener : state->listeners) {
    listener->End({grpc::StatusCode::UNAVAILABLE, "dockershimd is shutting down"});
  }
}

}  // namespace dockershimd::shim::service
