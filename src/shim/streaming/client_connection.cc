#include "shim/streaming/client_connection.h"

#include <algorithm>

#include "base/log.h"
#include "shim/streaming/channel_session.h"
#include "shim/streaming/docker_targets.h"
#include "shim/streaming/spdy_channels.h"
#include "shim/streaming/spdy_forward.h"
#include "shim/streaming/spdy_tunnel.h"
#include "shim/streaming/websocket_channels.h"
#include "shim/streaming/websocket_forward.h"

namespace dockershimd::shim::streaming {
namespace {

namespace asio = boost::asio;
using Framing = wire::Upgrade::Framing;

constexpr std::chrono::seconds kAbortLimit(10);
/// How often to look after a client that nothing is read from, since the container takes nothing.
constexpr std::chrono::seconds kPeerCheck(30);

}  // namespace

void ClientConnection::Start(std::function<void()> on_end) {
  const auto self = shared_from_this();
  context_.loop.Spawn(Watch(self));
  asio::co_spawn(context_.loop.Io(), Run(self),
                 [self, on_end = std::move(on_end)](const std::exception_ptr& thrown) {
                   if (thrown) spdlog::error("streaming: a session ended unexpectedly");
                   self->Close();
                   on_end();
                 });
}

Awaitable<void> ClientConnection::Run([[maybe_unused]] Self self) {
  std::string rest;
  const std::string head = co_await ReadHead(&rest);
  if (head.empty()) co_return;
  const auto accepted = Accept(head);
  if (accepted) {
    co_await Converse(std::move(rest));
  } else {
    socket_->Send({accepted.error()});
    socket_->FinishThenClose(kDrainLimit);
  }
  co_await Drain();
}

Awaitable<std::string> ClientConnection::ReadHead(std::string* rest) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  std::string head;
  while (true) {
    const auto bytes = co_await socket_->Read(context_.loop.Buffer().first(wire::kHeadLimit));
    if (bytes.empty()) co_return std::string();
    const std::size_t searched = head.size() < kEnd.size() ? 0 : head.size() - kEnd.size() + 1;
    head.append(bytes);
    const auto end = head.find(kEnd, searched);
    if (end != std::string::npos) {
      *rest = head.substr(end + kEnd.size());
      head.resize(end + kEnd.size());
      co_return head;
    }
    if (head.size() > wire::kHeadLimit) co_return head;
  }
}

std::expected<void, wire::HttpAnswer> ClientConnection::Accept(const std::string& head) {
  if (head.size() > wire::kHeadLimit) {
    return std::unexpected(wire::RefusalAnswer(431, "request header too large"));
  }
  const auto parsed = wire::ParseHead(head);
  if (!parsed) return std::unexpected(parsed.error());
  const auto route = wire::RouteOf(*parsed);
  if (!route) return std::unexpected(route.error());
  // Whatever is wrong with the rest, the token is used up.
  auto request = context_.tokens.Take(route->token, TokenTable::Clock::now());
  if (!request || request->index() != static_cast<std::size_t>(route->kind)) {
    return std::unexpected(wire::NotFoundAnswer());
  }
  const auto upgrade = wire::Negotiate(*parsed, route->kind);
  if (!upgrade) return std::unexpected(upgrade.error());
  socket_->Send({upgrade->answer});
  Begin(std::move(*request), *upgrade);
  return {};
}

void ClientConnection::Begin(Request request, const wire::Upgrade& upgrade) {
  stage_began_ = std::chrono::steady_clock::now();
  watch_timer_.cancel();
  if (auto* forward = std::get_if<ForwardRequest>(&request)) {
    protocol_ = MakeForward(std::move(*forward), upgrade);
    return;
  }
  std::shared_ptr<SessionTarget> target;
  StreamChoice streams;
  if (auto* exec = std::get_if<ExecRequest>(&request)) {
    streams = exec->streams;
    target = MakeExecTarget(context_.docker, std::move(*exec));
  } else {
    auto& attach = std::get<AttachRequest>(request);
    streams = attach.streams;
    target = MakeAttachTarget(context_.docker, std::move(attach));
  }
  const auto session = std::make_shared<ChannelSession>(context_.loop, std::move(target));
  if (upgrade.framing == Framing::kSpdy) {
    protocol_ = std::make_shared<SpdyChannels>(std::make_unique<Transport>(socket_), streams,
                                               upgrade.version, session);
    return;
  }
  const auto channels = std::make_shared<WebSocketChannels>(socket_, streams, upgrade, session);
  protocol_ = channels;
  channels->Start();
}

std::shared_ptr<ClientProtocol> ClientConnection::MakeForward(ForwardRequest request,
                                                              const wire::Upgrade& upgrade) {
  auto& loop = context_.loop;
  forwarded_sandbox_ = request.sandbox_id;
  PodConnector connector(loop, std::move(request.network_namespace),
                         context_.options.connect_limit);
  if (upgrade.framing == Framing::kWebSocket) {
    const auto forward = std::make_shared<WebSocketForward>(socket_, upgrade);
    forward->Start(loop, connector, forwarded_sandbox_, request.ports);
    return forward;
  }
  const ForwardLimits limits{context_.options.creation_limit, context_.options.max_forward_streams};
  if (upgrade.framing == Framing::kSpdy) {
    return std::make_shared<SpdyForward>(loop, std::make_unique<Transport>(socket_),
                                         std::move(connector), forwarded_sandbox_, limits);
  }
  const auto tunnel = std::make_shared<WebSocketConnection>(socket_);
  return std::make_shared<SpdyTunnel>(
      tunnel,
      std::make_shared<SpdyForward>(loop, std::make_unique<TunnelTransport>(socket_, tunnel),
                                    std::move(connector), forwarded_sandbox_, limits));
}

Awaitable<void> ClientConnection::Converse(std::string rest) {
  base::Status fed;
  if (!rest.empty()) fed = protocol_->Feed(rest);
  while (fed) {
    co_await protocol_->Room();
    const auto buffer = context_.loop.Buffer();
    const auto bytes = co_await socket_->Read(buffer);
    if (bytes.empty()) break;
    const bool was_set_up = protocol_->IsSetUp();
    fed = protocol_->Feed(buffer.first(bytes.size()));
    // Another limit holds from now on.
    if (!was_set_up && protocol_->IsSetUp()) watch_timer_.cancel();
  }
  if (!fed) spdlog::debug("streaming: {}", fed.error().message);
  protocol_->OnGone();
  // What is still to be sent may interest a client that was told that it broke the rules.
  if (!fed) socket_->FinishThenClose(kDrainLimit);
}

Awaitable<void> ClientConnection::Drain() {
  while (true) {
    const auto bytes = co_await socket_->Read(context_.loop.Buffer());
    if (bytes.empty()) break;
  }
}

std::chrono::steady_clock::time_point ClientConnection::Deadline() const {
  if (!protocol_) return stage_began_ + context_.options.head_limit;
  if (aborted_) return stage_began_ + kAbortLimit;
  if (!protocol_->IsSetUp()) return stage_began_ + context_.options.creation_limit;
  return socket_->LastActivity() + context_.options.idle_limit;
}

Awaitable<void> ClientConnection::Watch([[maybe_unused]] Self self) {
  while (!ended_) {
    const auto deadline = Deadline();
    const auto now = std::chrono::steady_clock::now();
    if (now - socket_->LastActivity() >= kPeerCheck && socket_->PeerHasLeft()) {
      Close();
    } else if (now < deadline) {
      boost::system::error_code changed;
      watch_timer_.expires_at(std::min(deadline, now + kPeerCheck));
      co_await watch_timer_.async_wait(asio::redirect_error(asio::use_awaitable, changed));
    } else if (!protocol_ || aborted_) {
      Close();
    } else {
      Abort(protocol_->IsSetUp() ? "the session was idle for too long"
                                 : "timed out waiting for the client's streams");
    }
  }
}

void ClientConnection::Abort(const std::string& reason) {
  if (!protocol_) return Close();
  if (std::exchange(aborted_, true)) return;
  stage_began_ = std::chrono::steady_clock::now();
  watch_timer_.cancel();
  protocol_->Abort(reason);
}

void ClientConnection::Close() {
  ended_ = true;
  watch_timer_.cancel();
  if (protocol_) protocol_->OnGone();
  socket_->Close();
}

}  // namespace dockershimd::shim::streaming
