#include "dockerapi/client.h"
#include "dockerapi/client_impl.h"
#include "dockerapi/decode.h"
#include "dockerapi/encode.h"

namespace dockershimd::dockerapi {
namespace {

using base::CallContext;
using base::Result;

constexpr const char* kExec = "/exec/{id}";

}  // namespace

Result<std::string> Client::CreateExec(const CallContext& context, const std::string& container_id,
                                       const ExecSpec& spec) {
  auto request = RequestAbout("POST", "/containers/{id}", container_id, "/exec");
  request.body = ToJson(spec);
  return impl_->Ask(context, std::move(request), DecodeId);
}

Result<HijackedStream> Client::StartExec(const CallContext& context, const std::string& exec_id,
                                         bool tty) {
  auto request = RequestAbout("POST", kExec, exec_id, "/start");
  request.body = ExecStartJson(tty);
  return impl_->Hijack(context, std::move(request));
}

Result<ExecState> Client::InspectExec(const CallContext& context, const std::string& exec_id) {
  return impl_->Ask(context, RequestAbout("GET", kExec, exec_id, "/json"), DecodeExec);
}

base::Status Client::ResizeExec(const CallContext& context, const std::string& exec_id, int rows,
                                int columns) {
  return impl_->Tell(context,
                     RequestAbout("POST", kExec, exec_id, "/resize", TerminalSize(rows, columns)));
}

}  // namespace dockershimd::dockerapi
