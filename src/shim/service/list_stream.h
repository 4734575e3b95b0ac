#pragma once

#include <grpcpp/support/sync_stream.h>

#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <vector>

#include "shim/service/grpc_status.h"
#include "shim/service/rows.h"
#include "shim/service/rpc.h"

namespace dockershimd::shim::service {

/// Small enough for any client's message limit, large enough to cost no more than the list.
inline constexpr std::size_t kStreamBatchBytes = 1 << 20;

/// The list call's request with the filter of a stream's.
template <class ListRequestType, class StreamRequest>
ListRequestType ListRequest(const StreamRequest& asked) {
  ListRequestType request;
  if (asked.has_filter()) *request.mutable_filter() = asked.filter();
  return request;
}

/// Ends early when the client is gone.
template <class Batch>
void WriteInBatches(const std::vector<std::string>& rows, std::size_t batch_bytes,
                    grpc::ServerWriter<Batch>* writer) {
  Batch batch;
  std::size_t bytes = 0;
  for (const auto& row : rows) {
    AddEncodedRow(row, &batch);
    bytes += row.size();
    if (bytes < batch_bytes) continue;
    if (!writer->Write(batch)) return;
    batch.Clear();
    bytes = 0;
  }
  if (bytes > 0) writer->Write(batch);
}

/// Every streamed list goes through here: `answer(context, request)` returns a Result of the list
/// call's response, whose rows go out in batches. Logs the call once when it is over.
template <class Request, class Batch, class Answer>
grpc::Status ServeStream(const RpcObserver& observer, const char* rpc,
                         grpc::ServerContext* server_context, const Request& request,
                         grpc::ServerWriter<Batch>* writer, Answer answer,
                         std::size_t batch_bytes = kStreamBatchBytes) {
  const auto start = std::chrono::steady_clock::now();
  base::Status outcome;
  try {
    const auto list = answer(ContextOf(*server_context), request);
    if (list) {
      WriteInBatches(EncodedRows(*list), batch_bytes, writer);
    } else {
      outcome = base::Fail(list.error());
    }
  } catch (const std::exception& error) {
    outcome = base::Fail(base::Code::kInternal, "unexpected: {}", error.what());
  }
  const auto duration = std::chrono::steady_clock::now() - start;
  LogRpc(rpc, "", outcome, duration);
  if (observer) observer(rpc, outcome ? "ok" : base::CodeName(outcome.error().code), duration);
  return outcome ? grpc::Status::OK : ToGrpcStatus(outcome.error());
}

}  // namespace dockershimd::shim::service
