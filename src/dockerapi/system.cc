#include "dockerapi/client.h"
#include "dockerapi/client_impl.h"
#include "dockerapi/decode.h"
#include "dockerapi/encode.h"

namespace dockershimd::dockerapi {

using base::CallContext;
using base::Fail;
using base::Result;

base::Status Client::Ping(const CallContext& context) {
  return impl_->Tell(context, RequestTo("GET", "/_ping"));
}

Result<EngineVersion> Client::Version(const CallContext& context) {
  return impl_->Ask(context, RequestTo("GET", "/version"), DecodeVersion);
}

Result<EngineInfo> Client::Info(const CallContext& context) {
  return impl_->Ask(context, RequestTo("GET", "/info"), DecodeInfo);
}

Result<DiskUsage> Client::GetDiskUsage(const CallContext& context) {
  // API 1.42 can leave out the rest, which takes long.
  return impl_->AskPatiently(context, RequestTo("GET", "/system/df", "?type=image"),
                             DecodeDiskUsage);
}

base::Status Client::StreamEvents(const CallContext& context, const EventOptions& options,
                                  const std::function<void()>& on_open,
                                  const std::function<bool(const Event&)>& on_event) {
  std::string query = "?filters=" + UrlEncode(EventFilters(options));
  if (options.since != 0) query += "&since=" + DockerTime(options.since);
  auto exchange = impl_->Open(context, RequestTo("GET", "/events", query));
  if (!exchange) return Fail(exchange.error());
  on_open();
  bool wanted = true;
  const auto hand_over = [&](std::string_view message) -> Result<bool> {
    const auto event = DecodeEvent(message);
    if (!event) return Fail(event.error());
    wanted = on_event(*event);
    return wanted;
  };
  const auto ended = Impl::ReadObjects(context, *exchange, hand_over);
  if (!ended || !wanted) return ended;
  return Fail(base::Code::kUnavailable, "GET /events: Docker closed the event stream");
}

}  // namespace dockershimd::dockerapi
