#include "shim/service/grpc_status.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/log.h"

namespace dockershimd::shim::service {
namespace {

using base::CallContext;
using base::Code;

grpc::StatusCode GrpcCode(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return grpc::StatusCode::INVALID_ARGUMENT;
    case Code::kNotFound:
      return grpc::StatusCode::NOT_FOUND;
    case Code::kAlreadyExists:
      return grpc::StatusCode::ALREADY_EXISTS;
    case Code::kPermissionDenied:
      return grpc::StatusCode::PERMISSION_DENIED;
    case Code::kUnauthenticated:
      return grpc::StatusCode::UNAUTHENTICATED;
    case Code::kFailedPrecondition:
      return grpc::StatusCode::FAILED_PRECONDITION;
    case Code::kResourceExhausted:
      return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case Code::kUnimplemented:
      return grpc::StatusCode::UNIMPLEMENTED;
    case Code::kUnavailable:
      return grpc::StatusCode::UNAVAILABLE;
    case Code::kDeadlineExceeded:
      return grpc::StatusCode::DEADLINE_EXCEEDED;
    case Code::kCancelled:
      return grpc::StatusCode::CANCELLED;
    case Code::kInternal:
      return grpc::StatusCode::INTERNAL;
  }
  return grpc::StatusCode::UNKNOWN;
}

/// An error's text travels in an HTTP/2 header, and gRPC clients refuse headers beyond 8 KiB.
constexpr std::size_t kMaxMessage = 4096;

std::string Shortened(const std::string& message) {
  return message.size() <= kMaxMessage ? message : message.substr(0, kMaxMessage) + "...";
}

/// Kubelet asks these all day, and probes run commands all day.
bool IsRoutine(std::string_view rpc) {
  constexpr std::array kRoutine = {"Version",          "Status",          "RuntimeConfig",
                                   "PodSandboxStatus", "ContainerStatus", "ImageStatus",
                                   "ImageFsInfo",      "ExecSync"};
  return rpc.starts_with("List") || rpc.starts_with("Stream") ||
         std::find(kRoutine.begin(), kRoutine.end(), rpc) != kRoutine.end();
}

}  // namespace

grpc::Status ToGrpcStatus(const base::Error& error) {
  return {GrpcCode(error.code), Shortened(error.message)};
}

CallContext ContextOf(const grpc::ServerContext& context) {
  CallContext call;
  // gRPC counts deadlines on the wall clock; without one it is far in the future.
  const auto left = context.deadline() - std::chrono::system_clock::now();
  if (left < std::chrono::hours(24 * 365)) {
    call.deadline =
        CallContext::Clock::now() + std::chrono::duration_cast<CallContext::Clock::duration>(left);
  }
  call.cancelled = [&context] { return context.IsCancelled(); };
  return call;
}

void LogRpc(const char* rpc, const std::string& subject, const base::Status& outcome,
            std::chrono::nanoseconds duration) {
  const double milliseconds = std::chrono::duration<double, std::milli>(duration).count();
  const std::string call = subject.empty() ? rpc : fmt::format("{} {}", rpc, subject);
  if (!outcome) {
    spdlog::warn("{}: {}: {} ({:.1f} ms)", call, base::CodeName(outcome.error().code),
                 outcome.error().message, milliseconds);
    return;
  }
  spdlog::log(IsRoutine(rpc) ? spdlog::level::debug : spdlog::level::info, "{}: ok ({:.1f} ms)",
              call, milliseconds);
}

}  // namespace dockershimd::shim::service
