#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace dockershimd::shim::server {

struct SocketOptions {
  std::string path;   ///< absolute, at most 107 characters
  std::string group;  ///< may connect besides root; empty: root alone
};

/// Whether somebody accepts connections on the Unix socket at `path`.
[[nodiscard]] bool IsListening(const std::string& path);

/// The socket that kubelet connects to: handed over by systemd (socket activation), or made here
/// with mode 0600 (0660 with a group). A lock file beside it ("<path>.lock") keeps a second daemon
/// away; a socket that nobody listens on any more is replaced, one that is in use never.
class ListeningSocket {
 public:
  /// kAlreadyExists: somebody listens there. kPermissionDenied: its folder is writable for others,
  /// who could put their own socket in its place.
  [[nodiscard]] static base::Result<ListeningSocket> Open(const SocketOptions& options);

  ListeningSocket(ListeningSocket&&) = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  /// Removes a socket that was made here, so that clients see at once that nobody is there.
  ~ListeningSocket();

  [[nodiscard]] int Fd() const { return fd_.Get(); }

 private:
  ListeningSocket() = default;

  base::UniqueFd lock_;
  base::UniqueFd fd_;
  std::string own_path_;  ///< empty where systemd made the socket
};

}  // namespace dockershimd::shim::server
