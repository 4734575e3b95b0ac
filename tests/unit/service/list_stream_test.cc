#include "shim/service/list_stream.h"

#include <gmock/gmock.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>

#include "base/guarded.h"
#include "cri/runtime/v1/api.grpc.pb.h"

namespace dockershimd::shim::service {
namespace {

using testing::ElementsAre;

runtime::v1::Container Row(const std::string& id) {
  runtime::v1::Container row;
  row.set_id(id);
  (*row.mutable_labels())["name"] = "value";
  return row;
}

TEST(Rows, TheSameOnTheWire) {
  runtime::v1::ListContainersResponse plain;
  runtime::v1::ListContainersResponse encoded;
  for (const std::string id : {"c1", "c2"}) {
    *plain.add_containers() = Row(id);
    AddEncodedRow(Row(id).SerializeAsString(), &encoded);
  }
  EXPECT_EQ(encoded.SerializeAsString(), plain.SerializeAsString());
  EXPECT_EQ(EncodedRows(encoded), EncodedRows(plain));
  EXPECT_THAT(EncodedRows(plain),
              ElementsAre(Row("c1").SerializeAsString(), Row("c2").SerializeAsString()));
  EXPECT_THAT(EncodedRows(runtime::v1::ListContainersResponse()), ElementsAre());
}

class Service final : public runtime::v1::RuntimeService::Service {
 public:
  grpc::Status StreamContainers(
      grpc::ServerContext* context, const runtime::v1::StreamContainersRequest* request,
      grpc::ServerWriter<runtime::v1::StreamContainersResponse>* writer) override {
    return ServeStream(
        {}, "StreamContainers", context, *request, writer,
        [&](const base::CallContext&,
            const auto& asked) -> base::Result<runtime::v1::ListContainersResponse> {
          *filter_id.Lock() = ListRequest<runtime::v1::ListContainersRequest>(asked).filter().id();
          if (rows < 0) return base::Fail(base::Code::kUnavailable, "not now");
          runtime::v1::ListContainersResponse list;
          for (int i = 0; i < rows; ++i) *list.add_containers() = Row(std::to_string(i));
          return list;
        },
        100);
  }

  // Shared with gRPC's threads: what its library synchronizes, the thread sanitizer does not see.
  std::atomic<int> rows = 0;
  base::Guarded<std::string> filter_id;
};

class ListStream : public testing::Test {
 protected:
  ListStream() {
    grpc::ServerBuilder builder;
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    stub_ = runtime::v1::RuntimeService::NewStub(server_->InProcessChannel({}));
  }

  grpc::Status Read() {
    grpc::ClientContext context;
    runtime::v1::StreamContainersRequest request;
    request.mutable_filter()->set_id("wanted");
    const auto reader = stub_->StreamContainers(&context, request);
    runtime::v1::StreamContainersResponse batch;
    while (reader->Read(&batch)) {
      ++batches_;
      for (const auto& row : batch.containers()) ids_.push_back(row.id());
    }
    return reader->Finish();
  }

  Service service_;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<runtime::v1::RuntimeService::Stub> stub_;
  int batches_ = 0;
  std::vector<std::string> ids_;
};

TEST_F(ListStream, AllInBatches) {
  service_.rows = 50;
  ASSERT_TRUE(Read().ok());
  ASSERT_EQ(ids_.size(), 50U);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(ids_[i], std::to_string(i));
  EXPECT_GT(batches_, 3);
  EXPECT_LT(batches_, 50);
  EXPECT_EQ(*service_.filter_id.Lock(), "wanted");
}

TEST_F(ListStream, Nothing) {
  ASSERT_TRUE(Read().ok());
  EXPECT_EQ(batches_, 0);
}

TEST_F(ListStream, Failure) {
  service_.rows = -1;
  const auto status = Read();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "not now");
}

}  // namespace
}  // namespace dockershimd::shim::service
