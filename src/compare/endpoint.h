#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <utility>

#include "compare/latency.h"
#include "criclient/client.h"

namespace dockershimd::compare {

namespace cri = runtime::v1;
using Runtime = cri::RuntimeService::StubInterface;
using ImageApi = cri::ImageService::StubInterface;

/// One of the two runtimes that are compared.
class Endpoint {
 public:
  /// While it lives, the time of each call that succeeds is kept.
  class Measurement {
   public:
    explicit Measurement(bool& measuring) : measuring_(measuring) { measuring_ = true; }
    Measurement(const Measurement&) = delete;
    Measurement& operator=(const Measurement&) = delete;
    ~Measurement() { measuring_ = false; }

   private:
    bool& measuring_;
  };

  /// `side` is "left" or "right"; `address` as kubelet writes it.
  Endpoint(std::string side, std::string address)
      : side_(std::move(side)), address_(std::move(address)), client_(address_) {}

  [[nodiscard]] const std::string& Side() const { return side_; }
  [[nodiscard]] const std::string& Address() const { return address_; }
  [[nodiscard]] criclient::Client& Client() { return client_; }

  /// One call; a stop ends it at once.
  template <class Stub, class Request, class Response>
  [[nodiscard]] base::Result<Response> Call(grpc::Status (Stub::*rpc)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                                            const Request& request, const std::stop_token& stop) {
    const auto start = std::chrono::steady_clock::now();
    auto response = client_.Call(rpc, request, std::chrono::minutes(2), stop);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    if (measuring_ && response)
      samples_[RpcName(Request::descriptor()->name())].push_back(took.count());
    return response;
  }

  [[nodiscard]] Measurement Measure() { return Measurement(measuring_); }
  [[nodiscard]] const compare::Samples& Samples() const { return samples_; }

 private:
  /// "VersionRequest" is what Version is asked with.
  static std::string RpcName(const std::string& request) {
    return request.substr(0, request.rfind("Request"));
  }

  std::string side_;
  std::string address_;
  criclient::Client client_;
  bool measuring_ = false;
  compare::Samples samples_;
};

}  // namespace dockershimd::compare
