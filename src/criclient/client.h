#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "base/result.h"
#include "cri/runtime/v1/api.grpc.pb.h"

namespace dockershimd::criclient {

/// gRPC's code as ours; the message is kept as the server wrote it.
[[nodiscard]] base::Error ToError(const grpc::Status& status);

/// A client of any CRI runtime, for the tools and the tests. Thread-safe.
class Client {
 public:
  /// `endpoint` as kubelet writes it: "unix:///run/dockershimd.sock". Connects with the first call.
  explicit Client(const std::string& endpoint);

  /// One unary call: `client.Call(&RuntimeService::StubInterface::Version, request)`. A stop ends
  /// it at once with kCancelled.
  template <class Request, class Response>
  [[nodiscard]] base::Result<Response> Call(
      grpc::Status (runtime::v1::RuntimeService::StubInterface::*rpc)(grpc::ClientContext*,
                                                                      const Request&, Response*),
      const Request& request, std::chrono::milliseconds timeout = std::chrono::minutes(2),
      const std::stop_token& stop = {}) {
    return CallOn(*runtime_, rpc, request, timeout, stop);
  }
  template <class Request, class Response>
  [[nodiscard]] base::Result<Response> Call(
      grpc::Status (runtime::v1::ImageService::StubInterface::*rpc)(grpc::ClientContext*,
                                                                    const Request&, Response*),
      const Request& request, std::chrono::milliseconds timeout = std::chrono::minutes(2),
      const std::stop_token& stop = {}) {
    return CallOn(*images_, rpc, request, timeout, stop);
  }

  [[nodiscard]] runtime::v1::RuntimeService::StubInterface& Runtime() { return *runtime_; }

 private:
  template <class Stub, class Request, class Response>
  static base::Result<Response> CallOn(
      Stub& stub, grpc::Status (Stub::*rpc)(grpc::ClientContext*, const Request&, Response*),
      const Request& request, std::chrono::milliseconds timeout, const std::stop_token& stop) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    const std::stop_callback cancel(stop, [&context] { context.TryCancel(); });
    Response response;
    const auto status = (stub.*rpc)(&context, request, &response);
    if (!status.ok()) return base::Fail(ToError(status));
    return response;
  }

  std::unique_ptr<runtime::v1::RuntimeService::StubInterface> runtime_;
  std::unique_ptr<runtime::v1::ImageService::StubInterface> images_;
};

}  // namespace dockershimd::criclient
