#include <fmt/format.h>

#include "dockerapi/client.h"
#include "dockerapi/client_impl.h"
#include "dockerapi/decode.h"
#include "dockerapi/encode.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Fail;
using base::Result;

HttpRequest Get(const std::string& path) {
  return {.operation = "GET " + path, .method = "GET", .target = path};
}

}  // namespace

base::Status Client::Ping(const CallContext& context) {
  const auto response = impl_->Call(context, Get("/_ping"));
  return response ? base::Status() : Fail(response.error());
}

Result<EngineVersion> Client::Version(const CallContext& context) {
  const auto response = impl_->Call(context, Get("/version"));
  if (!response) return Fail(response.error());
  return DecodeVersion(response->body);
}

Result<EngineInfo> Client::Info(const CallContext& context) {
  const auto response = impl_->Call(context, Get("/info"));
  if (!response) return Fail(response.error());
  return DecodeInfo(response->body);
}

Result<DiskUsage> Client::GetDiskUsage(const CallContext& context) {
  auto exchange = impl_->Open(context, Get("/system/df"));
  if (!exchange) return Fail(exchange.error());
  const auto body = exchange->ReadAll(context, 64 << 20);
  if (!body) return Fail(body.error());
  return DecodeDiskUsage(*body);
}

base::Status Client::StreamEvents(const CallContext& context, const EventOptions& options,
                                  const std::function<void()>& on_open,
                                  const std::function<bool(const Event&)>& on_event) {
  auto request = Get("/events");
  request.target += "?filters=" + UrlEncode(EventFilters(options));
  if (options.since != 0) request.target += "&since=" + DockerTime(options.since);
  auto exchange = impl_->Open(context, std::move(request));
  if (!exchange) return Fail(exchange.error());
  on_open();
  bool wanted = true;
  auto ended = impl_->ReadLines([&] { return context; }, *exchange,
                                [&](std::string_view line) -> Result<bool> {
                                  const auto event = DecodeEvent(line);
                                  if (!event) return Fail(event.error());
                                  wanted = on_event(*event);
                                  return wanted;
                                });
  if (ended && wanted) {
    return Fail(base::Code::kUnavailable, "GET /events: Docker closed the event stream");
  }
  return ended;
}

}  // namespace dockershimd::dockerapi
