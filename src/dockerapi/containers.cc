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

constexpr std::size_t kBodyLimit = 1 << 20;

/// A request about one container; `verb` is what follows its id, `query` begins with "?".
HttpRequest About(const std::string& method, const std::string& id, const std::string& verb,
                  const std::string& query = {}) {
  return {.operation = fmt::format("{} /containers/{{id}}{}", method, verb),
          .method = method,
          .target = fmt::format("/containers/{}{}{}", UrlEncode(id), verb, query)};
}

base::Status Done(const Result<HttpResponse>& response) {
  return response ? base::Status() : Fail(response.error());
}

const char* Bool(bool value) { return value ? "1" : "0"; }

}  // namespace

Result<std::vector<ContainerSummary>> Client::ListContainers(
    const CallContext& context, const std::vector<std::string>& label_filters) {
  const auto response = impl_->Call(context, {.operation = "GET /containers/json",
                                              .method = "GET",
                                              .target = "/containers/json?all=1&filters=" +
                                                        UrlEncode(LabelFilters(label_filters))});
  if (!response) return Fail(response.error());
  return DecodeContainerList(response->body);
}

Result<ContainerDetails> Client::InspectContainer(const CallContext& context,
                                                  const std::string& id) {
  const auto response = impl_->Call(context, About("GET", id, "/json"));
  if (!response) return Fail(response.error());
  return DecodeContainer(response->body);
}

Result<std::string> Client::CreateContainer(const CallContext& context, const std::string& name,
                                            const ContainerSpec& spec) {
  const auto response =
      impl_->Call(context, {.operation = "POST /containers/create",
                            .method = "POST",
                            .target = "/containers/create?name=" + UrlEncode(name),
                            .body = ToJson(spec)});
  if (!response) return Fail(response.error());
  return DecodeMember(response->body, "Id");
}

base::Status Client::StartContainer(const CallContext& context, const std::string& id) {
  return Done(impl_->Call(context, About("POST", id, "/start")));
}

base::Status Client::StopContainer(const CallContext& context, const std::string& id,
                                   std::chrono::seconds grace) {
  // Takes as long as the container does: only on a connection of its own is the deadline real.
  auto exchange =
      impl_->Open(context, About("POST", id, "/stop", fmt::format("?t={}", grace.count())));
  return exchange ? base::Status() : Fail(exchange.error());
}

base::Status Client::KillContainer(const CallContext& context, const std::string& id,
                                   const std::string& signal) {
  return Done(impl_->Call(context, About("POST", id, "/kill", "?signal=" + UrlEncode(signal))));
}

base::Status Client::RemoveContainer(const CallContext& context, const std::string& id,
                                     bool force) {
  return Done(
      impl_->Call(context, About("DELETE", id, "", fmt::format("?v=1&force={}", Bool(force)))));
}

base::Status Client::RenameContainer(const CallContext& context, const std::string& id,
                                     const std::string& name) {
  return Done(impl_->Call(context, About("POST", id, "/rename", "?name=" + UrlEncode(name))));
}

base::Status Client::UpdateContainer(const CallContext& context, const std::string& id,
                                     const Resources& resources) {
  auto request = About("POST", id, "/update");
  request.body = ToJson(resources);
  return Done(impl_->Call(context, std::move(request)));
}

Result<int> Client::WaitContainer(const CallContext& context, const std::string& id) {
  auto exchange = impl_->Open(context, About("POST", id, "/wait", "?condition=not-running"));
  if (!exchange) return Fail(exchange.error());
  const auto body = exchange->ReadAll(context, kBodyLimit);
  if (!body) return Fail(body.error());
  return DecodeExitCode(*body);
}

Result<HijackedStream> Client::AttachContainer(const CallContext& context, const std::string& id,
                                               const AttachOptions& options) {
  return impl_->Hijack(context,
                       About("POST", id, "/attach",
                             fmt::format("?stream=1&stdin={}&stdout={}&stderr={}&logs={}",
                                         Bool(options.stdin_stream), Bool(options.stdout_stream),
                                         Bool(options.stderr_stream), Bool(options.logs))));
}

base::Status Client::ResizeContainer(const CallContext& context, const std::string& id, int rows,
                                     int columns) {
  return Done(
      impl_->Call(context, About("POST", id, "/resize", fmt::format("?h={}&w={}", rows, columns))));
}

base::Status Client::StreamLogs(const CallContext& context, const std::string& id, bool tty,
                                const LogOptions& options,
                                const std::function<bool(OutputStream, std::string_view)>& sink) {
  auto exchange = impl_->Open(
      context, About("GET", id, "/logs",
                     fmt::format("?stdout=1&stderr=1&follow={}&timestamps={}&since={}.{:09}",
                                 Bool(options.follow), Bool(options.timestamps),
                                 options.since / 1'000'000'000, options.since % 1'000'000'000)));
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
    if (*count == 0) break;
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
