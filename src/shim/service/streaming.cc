#include "shim/service/streaming.h"

#include <fmt/format.h>

#include <utility>

namespace dockershimd::shim::service {
namespace {

using base::Code;
using base::Fail;
using base::Result;

/// What Exec and Attach have in common, in the order in which clients expect the complaints.
template <class Request>
Result<streaming::StreamChoice> StreamsOf(const Request& request) {
  if (request.container_id().empty()) {
    return Fail(Code::kInvalidArgument, "missing required container_id");
  }
  if (request.tty() && request.stderr()) {
    return Fail(Code::kInvalidArgument, "tty and stderr cannot both be true");
  }
  if (!request.stdin() && !request.stdout() && !request.stderr()) {
    return Fail(Code::kInvalidArgument, "one of stdin, stdout, or stderr must be set");
  }
  return streaming::StreamChoice{request.tty(), request.stdin(), request.stdout(),
                                 request.stderr()};
}

/// Where the pod's ports are now; asked again for each connection.
Result<std::string> NetworkNamespaceOf(const node::Model& model, const std::string& id) {
  const auto sandbox = model.FindSandbox(id);
  if (!sandbox) return Fail(sandbox.error());
  const auto& details = (*sandbox)->details;
  if (!details.state.running || details.state.pid <= 0) {
    return Fail(Code::kFailedPrecondition, "sandbox {} does not run", details.id);
  }
  if ((*sandbox)->network_mode == "host") return std::string();
  return fmt::format("/proc/{}/ns/net", details.state.pid);
}

template <class Response>
Result<Response> WithUrl(Result<std::string> url) {
  if (!url) return Fail(url.error());
  Response response;
  response.set_url(std::move(*url));
  return response;
}

}  // namespace

Result<node::ContainerPtr> Streaming::RunningContainer(const std::string& id) const {
  auto container = model_.FindContainer(id);
  if (!container) return container;
  if ((*container)->details.state.running) return container;
  return Fail(Code::kFailedPrecondition, "container {} does not run", (*container)->details.id);
}

Result<runtime::v1::ExecResponse> Streaming::Exec(const runtime::v1::ExecRequest& request) {
  const auto streams = StreamsOf(request);
  if (!streams) return Fail(streams.error());
  if (request.cmd().empty()) return Fail(Code::kInvalidArgument, "cmd: is required");
  const auto container = RunningContainer(request.container_id());
  if (!container) return Fail(container.error());
  return WithUrl<runtime::v1::ExecResponse>(server_.Exec(
      {(*container)->details.id, {request.cmd().begin(), request.cmd().end()}, *streams}));
}

Result<runtime::v1::AttachResponse> Streaming::Attach(const runtime::v1::AttachRequest& request) {
  const auto streams = StreamsOf(request);
  if (!streams) return Fail(streams.error());
  const auto container = RunningContainer(request.container_id());
  if (!container) return Fail(container.error());
  const auto& record = **container;
  return WithUrl<runtime::v1::AttachResponse>(server_.Attach(
      {record.details.id, *streams, record.tty, record.open_stdin, record.stdin_once}));
}

Result<runtime::v1::PortForwardResponse> Streaming::PortForward(
    const runtime::v1::PortForwardRequest& request) {
  if (request.pod_sandbox_id().empty()) {
    return Fail(Code::kInvalidArgument, "missing required pod_sandbox_id");
  }
  streaming::ForwardRequest forward;
  for (const auto port : request.port()) {
    if (port < 1 || port > 65535) return Fail(Code::kInvalidArgument, "port: {} is none", port);
    forward.ports.push_back(static_cast<std::uint16_t>(port));
  }
  const auto sandbox = model_.FindSandbox(request.pod_sandbox_id());
  if (!sandbox) return Fail(sandbox.error());
  const std::string id = (*sandbox)->details.id;
  if (const auto there = NetworkNamespaceOf(model_, id); !there) return Fail(there.error());
  forward.sandbox_id = id;
  forward.network_namespace = [&model = model_, id] { return NetworkNamespaceOf(model, id); };
  return WithUrl<runtime::v1::PortForwardResponse>(server_.PortForward(std::move(forward)));
}

}  // namespace dockershimd::shim::service
