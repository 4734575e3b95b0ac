#pragma once

#include <utility>

#include "cri/runtime/v1/api.grpc.pb.h"
#include "shim/service/images.h"
#include "shim/service/rpc.h"

namespace dockershimd::shim::service {

/// runtime.v1.ImageService.
class ImageRpcs final : public runtime::v1::ImageService::Service {
 public:
  ImageRpcs(Images& images, RpcObserver observer)
      : images_(images), observer_(std::move(observer)) {}

  grpc::Status ListImages(grpc::ServerContext* context,
                          const runtime::v1::ListImagesRequest* request,
                          runtime::v1::ListImagesResponse* response) override;
  grpc::Status ImageStatus(grpc::ServerContext* context,
                           const runtime::v1::ImageStatusRequest* request,
                           runtime::v1::ImageStatusResponse* response) override;
  grpc::Status PullImage(grpc::ServerContext* context, const runtime::v1::PullImageRequest* request,
                         runtime::v1::PullImageResponse* response) override;
  grpc::Status RemoveImage(grpc::ServerContext* context,
                           const runtime::v1::RemoveImageRequest* request,
                           runtime::v1::RemoveImageResponse* response) override;
  grpc::Status ImageFsInfo(grpc::ServerContext* context,
                           const runtime::v1::ImageFsInfoRequest* request,
                           runtime::v1::ImageFsInfoResponse* response) override;
  grpc::Status StreamImages(grpc::ServerContext* context,
                            const runtime::v1::StreamImagesRequest* request,
                            grpc::ServerWriter<runtime::v1::StreamImagesResponse>* writer) override;

 private:
  Images& images_;
  RpcObserver observer_;
};

}  // namespace dockershimd::shim::service
