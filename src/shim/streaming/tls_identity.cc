#include "shim/streaming/tls_identity.h"

#include <sys/stat.h>

#include <array>
#include <utility>

#include "base/log.h"
#include "shim/streaming/asio.h"
//
#include <boost/asio/ssl/context.hpp>

namespace dockershimd::shim::streaming {
namespace {

namespace ssl = boost::asio::ssl;
using base::Fail;
using base::Result;
using Context = std::shared_ptr<ssl::context>;

/// Tells one state of a file from another, also where it is a link that now leads elsewhere.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  timespec changed{};

  bool operator==(const FileStamp& other) const {
    return device == other.device && inode == other.inode &&
           changed.tv_sec == other.changed.tv_sec && changed.tv_nsec == other.changed.tv_nsec;
  }
};
using Stamps = std::array<FileStamp, 2>;

FileStamp StampOf(const std::filesystem::path& file) {
  struct stat about{};
  if (::stat(file.c_str(), &about) != 0) return {};
  return {about.st_dev, about.st_ino, about.st_ctim};
}

Result<Context> MakeContext(const std::filesystem::path& certificate,
                            const std::filesystem::path& key) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  // A session may be idle for hours.
  ::SSL_CTX_set_mode(context->native_handle(), SSL_MODE_RELEASE_BUFFERS);
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate.string(), error);
  if (error) {
    return Fail(base::Code::kInvalidArgument, "certificate {}: {}", certificate.string(),
                error.message());
  }
  // Refused as well where it is not the certificate's.
  context->use_private_key_file(key.string(), ssl::context::pem, error);
  if (error) {
    return Fail(base::Code::kInvalidArgument, "key {}: {}", key.string(), error.message());
  }
  return context;
}

}  // namespace

class TlsIdentity::Impl {
 public:
  Impl(std::filesystem::path certificate, std::filesystem::path key)
      : certificate_(std::move(certificate)), key_(std::move(key)) {}

  base::Status Refresh() {
    // Looked at first: what changes while it is read is read again.
    const Stamps stamps{StampOf(certificate_), StampOf(key_)};
    if (context_ && stamps == stamps_) return {};
    stamps_ = stamps;
    auto context = MakeContext(certificate_, key_);
    if (!context) return Fail(context.error());
    context_ = std::move(*context);
    return {};
  }
  [[nodiscard]] const Context& Held() const { return context_; }

 private:
  const std::filesystem::path certificate_;
  const std::filesystem::path key_;
  Stamps stamps_;
  Context context_;
};

TlsIdentity::TlsIdentity(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsIdentity::~TlsIdentity() = default;

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::Load(std::filesystem::path certificate,
                                                       std::filesystem::path key) {
  auto impl = std::make_unique<Impl>(std::move(certificate), std::move(key));
  if (auto read = impl->Refresh(); !read) return Fail(read.error());
  return std::unique_ptr<TlsIdentity>(new TlsIdentity(std::move(impl)));
}

Context TlsIdentity::Current() {
  if (auto read = impl_->Refresh(); !read) {
    spdlog::warn("streaming: the former certificate stays: {}", read.error().message);
  }
  return impl_->Held();
}

}  // namespace dockershimd::shim::streaming
