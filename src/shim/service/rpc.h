#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "shim/service/grpc_status.h"
#include "shim/translate/names.h"

namespace dockershimd::shim::service {

/// Whom a request is about, for its line in the log: the pod or container by name where the
/// request has it, by id otherwise.
template <class Request>
std::string SubjectOf(const Request& request) {
  if constexpr (requires {
                  request.sandbox_config();
                  request.config().metadata();
                }) {
    return translate::Describe(request.sandbox_config().metadata(),
                               request.config().metadata().name());
  } else if constexpr (requires { request.config().metadata(); }) {
    return translate::Describe(request.config().metadata());
  } else if constexpr (requires { request.container_id(); }) {
    return request.container_id();
  } else if constexpr (requires { request.pod_sandbox_id(); }) {
    return request.pod_sandbox_id();
  } else if constexpr (requires { request.image().image(); }) {
    return request.image().image();
  } else {
    return "";
  }
}

/// Told of each RPC when it is over, for metrics; `code` is "ok" or an error code's name.
using RpcObserver = std::function<void(std::string_view rpc, std::string_view code,
                                       std::chrono::nanoseconds duration)>;

/// Every unary RPC goes through here: `answer(context, request)` returns a Result of the response.
/// Logs the call once when it is over; what is thrown becomes INTERNAL with its message.
template <class Request, class Response, class Answer>
grpc::Status Serve(const RpcObserver& observer, const char* rpc,
                   grpc::ServerContext* server_context, const Request& request, Response* response,
                   Answer answer) {
  const auto start = std::chrono::steady_clock::now();
  base::Status outcome;
  try {
    auto result = answer(ContextOf(*server_context), request);
    if (result) {
      *response = std::move(*result);
    } else {
      outcome = base::Fail(result.error());
    }
  } catch (const std::exception& error) {
    outcome = base::Fail(base::Code::kInternal, "unexpected: {}", error.what());
  }
  const auto duration = std::chrono::steady_clock::now() - start;
  LogRpc(rpc, SubjectOf(request), outcome, duration);
  if (observer) observer(rpc, outcome ? "ok" : base::CodeName(outcome.error().code), duration);
  return outcome ? grpc::Status::OK : ToGrpcStatus(outcome.error());
}

}  // namespace dockershimd::shim::service
