#include "shim/streaming/forwarded_connection.h"

#include <fmt/format.h>

namespace dockershimd::shim::streaming {
namespace {

constexpr std::size_t kReadSize = 64 << 10;
constexpr std::size_t kEarlyLimit = 256 << 10;

}  // namespace

void ForwardedConnection::Start(PodConnector connector, const std::string& pod) {
  loop_.Spawn(Run(shared_from_this(), std::move(connector), pod));
}

Awaitable<void> ForwardedConnection::Run([[maybe_unused]] Self self, PodConnector connector,
                                         std::string pod) {
  auto connected = co_await connector.Connect(port_);
  if (over_) {
    if (connected) (*connected)->Close();
    co_return;
  }
  if (!connected) {
    client_->Refuse(fmt::format("error forwarding port {} to pod {}, uid : {}", port_, pod,
                                connected.error().message));
    Close();
    co_return;
  }
  application_ = *connected;
  application_->Send({std::exchange(early_, {})});
  if (client_ended_) application_->FinishSending();
  changed_.Notify();
  co_await MoveFromApplication();
}

Awaitable<void> ForwardedConnection::MoveFromApplication() {
  while (const auto client = client_) {
    co_await client->ClientRoom();
    const auto bytes = co_await application_->Read(loop_.Buffer().first(kReadSize));
    if (!client_) co_return;
    if (!bytes.empty()) {
      client->Send(bytes);
    } else if (application_->WasReset()) {
      client->Drop();
      Close();
    } else {
      client->End();
      application_ended_ = true;
      EndIfDone();
      co_return;
    }
  }
}

void ForwardedConnection::OnData(std::string_view bytes) {
  if (over_ || client_ended_) return;
  if (!application_) {
    early_.append(bytes);
    return;
  }
  application_->Send({bytes});
  if (application_->CanSend() || !application_ended_) return;
  // It reads no more and has said all: nothing is left of it.
  client_->Drop();
  Close();
}

void ForwardedConnection::OnEnd() {
  if (std::exchange(client_ended_, true)) return;
  if (application_) application_->FinishSending();
  EndIfDone();
}

void ForwardedConnection::EndIfDone() {
  if (!client_ended_ || !application_ended_ || over_) return;
  // What is still to be sent goes out first.
  application_->FinishThenClose(std::chrono::milliseconds(0));
  over_ = true;
  client_ = nullptr;
}

void ForwardedConnection::OnGone() { Close(); }

void ForwardedConnection::Close() {
  over_ = true;
  client_ = nullptr;
  early_ = {};
  if (application_) application_->Close();
  changed_.Notify();
}

Awaitable<void> ForwardedConnection::Room() {
  const auto self = shared_from_this();
  while (!over_ && !application_ && early_.size() > kEarlyLimit) co_await changed_.Wait();
  if (application_) co_await application_->Room();
}

}  // namespace dockershimd::shim::streaming
