#include "shim/service/image_rpcs.h"

#include "shim/service/list_stream.h"
#include "shim/service/rpc.h"

namespace dockershimd::shim::service {

using base::CallContext;

grpc::Status ImageRpcs::ListImages(grpc::ServerContext* context,
                                   const runtime::v1::ListImagesRequest* request,
                                   runtime::v1::ListImagesResponse* response) {
  return Serve(
      observer_, "ListImages", context, *request, response,
      [&](const CallContext& call, const auto& asked) { return images_.List(call, asked); });
}

grpc::Status ImageRpcs::ImageStatus(grpc::ServerContext* context,
                                    const runtime::v1::ImageStatusRequest* request,
                                    runtime::v1::ImageStatusResponse* response) {
  return Serve(
      observer_, "ImageStatus", context, *request, response,
      [&](const CallContext& call, const auto& asked) { return images_.Status(call, asked); });
}

grpc::Status ImageRpcs::PullImage(grpc::ServerContext* context,
                                  const runtime::v1::PullImageRequest* request,
                                  runtime::v1::PullImageResponse* response) {
  return Serve(
      observer_, "PullImage", context, *request, response,
      [&](const CallContext& call, const auto& asked) { return images_.Pull(call, asked); });
}

grpc::Status ImageRpcs::RemoveImage(grpc::ServerContext* context,
                                    const runtime::v1::RemoveImageRequest* request,
                                    runtime::v1::RemoveImageResponse* response) {
  return Serve(
      observer_, "RemoveImage", context, *request, response,
      [&](const CallContext& call, const auto& asked) { return images_.Remove(call, asked); });
}

grpc::Status ImageRpcs::ImageFsInfo(grpc::ServerContext* context,
                                    const runtime::v1::ImageFsInfoRequest* request,
                                    runtime::v1::ImageFsInfoResponse* response) {
  return Serve(observer_, "ImageFsInfo", context, *request, response,
               [&](const CallContext&, const auto&) { return images_.FsInfo(); });
}

grpc::Status ImageRpcs::StreamImages(
    grpc::ServerContext* context, const runtime::v1::StreamImagesRequest* request,
    grpc::ServerWriter<runtime::v1::StreamImagesResponse>* writer) {
  return ServeStream(observer_, "StreamImages", context, *request, writer,
                     [&](const CallContext& call, const auto& asked) {
                       return images_.List(call,
                                           ListRequest<runtime::v1::ListImagesRequest>(asked));
                     });
}

}  // namespace dockershimd::shim::service
