#include "dockerapi/client.h"
#include "dockerapi/client_impl.h"
#include "dockerapi/decode.h"
#include "dockerapi/encode.h"
#include "dockerapi/json_util.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Fail;
using base::Result;

HttpRequest About(const std::string& method, const std::string& exec_id, const std::string& verb,
                  const std::string& query = {}) {
  return {.operation = fmt::format("{} /exec/{{id}}{}", method, verb),
          .method = method,
          .target = fmt::format("/exec/{}{}{}", UrlEncode(exec_id), verb, query)};
}

}  // namespace

Result<std::string> Client::CreateExec(const CallContext& context, const std::string& container_id,
                                       const ExecSpec& spec) {
  const auto response =
      impl_->Call(context, {.operation = "POST /containers/{id}/exec",
                            .method = "POST",
                            .target = fmt::format("/containers/{}/exec", UrlEncode(container_id)),
                            .body = ToJson(spec)});
  if (!response) return Fail(response.error());
  return DecodeMember(response->body, "Id");
}

Result<HijackedStream> Client::StartExec(const CallContext& context, const std::string& exec_id,
                                         bool tty) {
  auto request = About("POST", exec_id, "/start");
  request.body = DumpJson(Json{{"Detach", false}, {"Tty", tty}});
  return impl_->Hijack(context, std::move(request));
}

Result<ExecState> Client::InspectExec(const CallContext& context, const std::string& exec_id) {
  const auto response = impl_->Call(context, About("GET", exec_id, "/json"));
  if (!response) return Fail(response.error());
  return DecodeExec(response->body);
}

base::Status Client::ResizeExec(const CallContext& context, const std::string& exec_id, int rows,
                                int columns) {
  const auto response = impl_->Call(
      context, About("POST", exec_id, "/resize", fmt::format("?h={}&w={}", rows, columns)));
  return response ? base::Status() : Fail(response.error());
}

}  // namespace dockershimd::dockerapi
