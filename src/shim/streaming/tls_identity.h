#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"

namespace boost::asio::ssl {
class context;
}

namespace dockershimd::shim::streaming {

/// The server's certificate chain and key, in PEM files that may be replaced while it runs. Used on
/// one thread only.
class TlsIdentity {
 public:
  /// kInvalidArgument, with the file's name, where they cannot be used.
  [[nodiscard]] static base::Result<std::unique_ptr<TlsIdentity>> Load(
      std::filesystem::path certificate, std::filesystem::path key);
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  /// For the next handshake: read anew if a file has changed. While the new files cannot be used,
  /// because they do not fit each other yet, say, the old ones are.
  [[nodiscard]] std::shared_ptr<boost::asio::ssl::context> Current();

 private:
  class Impl;
  explicit TlsIdentity(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dockershimd::shim::streaming
