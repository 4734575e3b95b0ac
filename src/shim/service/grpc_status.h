#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include "base/call_context.h"
#include "base/result.h"

namespace dockershimd::shim::service {

/// The one place where our errors become gRPC's.
[[nodiscard]] grpc::Status ToGrpcStatus(const base::Error& error);

/// The call's deadline and cancellation, for whatever blocks on its behalf.
[[nodiscard]] base::CallContext ContextOf(const grpc::ServerContext& context);

/// The one line that the log gets of an RPC when it is over: reads at debug, changes at info,
/// failures at warn.
void LogRpc(const char* rpc, const std::string& subject, const base::Status& outcome,
            std::chrono::nanoseconds duration);

}  // namespace dockershimd::shim::service
