#include "dockerapi/containers.h"

#include <array>

#include "dockerapi/client.h"
#include "dockerapi/client_impl.h"
#include "dockerapi/decode.h"
#include "dockerapi/encode.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Fail;
using base::Result;

constexpr const char* kContainer = "/containers/{id}";

const char* Bool(bool value) { return value ? "1" : "0"; }

}  // namespace

Result<std::vector<ContainerSummary>> Client::ListContainers(
    const CallContext& context, const std::vector<std::string>& label_filters) {
  const auto query = "?all=1&filters=" + UrlEncode(LabelFilters(label_filters));
  return impl_->Ask(context, RequestTo("GET", "/containers/json", query), DecodeContainerList);
}

Result<ContainerDetails> Client::InspectContainer(const CallContext& context,
                                                  const std::string& id) {
  return impl_->Ask(context, RequestAbout("GET", kContainer, id, "/json"), DecodeContainer);
}

Result<std::string> Client::CreateContainer(const CallContext& context, const std::string& name,
                                            const ContainerSpec& spec) {
  auto request = RequestTo("POST", "/containers/create", "?name=" + UrlEncode(name));
  request.body = ToJson(spec);
  return impl_->Ask(context, std::move(request), DecodeId);
}

base::Status Client::StartContainer(const CallContext& context, const std::string& id) {
  return impl_->Tell(context, RequestAbout("POST", kContainer, id, "/start"));
}

base::Status Client::StopContainer(const CallContext& context, const std::string& id,
                                   std::chrono::seconds grace) {
  // Takes as long as the container does: on a connection of its own, not one of the pool.
  const auto query = fmt::format("?t={}", grace.count());
  const auto exchange = impl_->Open(context, RequestAbout("POST", kContainer, id, "/stop", query));
  return exchange ? base::Status() : Fail(exchange.error());
}

base::Status Client::KillContainer(const CallContext& context, const std::string& id,
                                   const std::string& signal) {
  const auto query = "?signal=" + UrlEncode(signal);
  return impl_->Tell(context, RequestAbout("POST", kContainer, id, "/kill", query));
}

base::Status Client::RemoveContainer(const CallContext& context, const std::string& id,
                                     bool force) {
  const auto query = fmt::format("?v=1&force={}", Bool(force));
  return impl_->Tell(context, RequestAbout("DELETE", kContainer, id, "", query));
}

base::Status Client::RenameContainer(const CallContext& context, const std::string& id,
                                     const std::string& name) {
  const auto query = "?name=" + UrlEncode(name);
  return impl_->Tell(context, RequestAbout("POST", kContainer, id, "/rename", query));
}

base::Status Client::UpdateContainer(const CallContext& context, const std::string& id,
                                     const Resources& resources) {
  auto request = RequestAbout("POST", kContainer, id, "/update");
  request.body = ToJson(resources);
  return impl_->Tell(context, std::move(request));
}

Result<int> Client::WaitContainer(const CallContext& context, const std::string& id) {
  const auto request = RequestAbout("POST", kContainer, id, "/wait", "?condition=not-running");
  return impl_->AskPatiently(context, request, DecodeExitCode);
}

Result<HijackedStream> Client::AttachContainer(const CallContext& context, const std::string& id,
                                               const AttachOptions& options) {
  const auto query =
      fmt::format("?stream=1&stdin={}&stdout={}&stderr={}&logs={}&detachKeys={}",
                  Bool(options.stdin_stream), Bool(options.stdout_stream),
                  Bool(options.stderr_stream), Bool(options.logs), UrlEncode(options.detach_keys));
  return impl_->Hijack(context, RequestAbout("POST", kContainer, id, "/attach", query));
}

base::Status Client::ResizeContainer(const CallContext& context, const std::string& id, int rows,
                                     int columns) {
  return impl_->Tell(context,
                     RequestAbout("POST", kContainer, id, "/resize", TerminalSize(rows, columns)));
}

base::Status Client::StreamLogs(const CallContext& context, const std::string& id, bool tty,
                                const LogOptions& options,
                                const std::function<bool(OutputStream, std::string_view)>& sink) {
  auto query = fmt::format("?stdout=1&stderr=1&follow={}&timestamps={}", Bool(options.follow),
                           Bool(options.timestamps));
  if (options.since != 0) query += "&since=" + DockerTime(options.since);
  auto exchange = impl_->Open(context, RequestAbout("GET", kContainer, id, "/logs", query));
  if (!exchange) return Fail(exchange.error());
  bool wanted = true;
  Demultiplexer demultiplexer;
  const auto hand_over = [&](OutputStream which, std::string_view bytes) {
    wanted = wanted && sink(which, bytes);
  };
  std::array<char, 65536> buffer;
  while (wanted) {
    const auto count = exchange->Read(context, buffer);
    if (!count) return Fail(count.error());
    if (*count == 0) {
      if (demultiplexer.AtFrameBoundary()) return {};
      return Fail(base::Code::kUnavailable, "{}: the log was cut", exchange->Operation());
    }
    const std::string_view bytes(buffer.data(), *count);
    if (tty) {
      hand_over(OutputStream::kStdout, bytes);
    } else if (auto fed = demultiplexer.Feed(bytes, hand_over); !fed) {
      return fed;
    }
  }
  return {};
}

}  // namespace dockershimd::dockerapi
