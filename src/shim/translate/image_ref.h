#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dockershimd::shim::translate {

/// An image's name with every part spelled out, as Docker's own library reads it: "busybox" is
/// docker.io/library/busybox.
struct ImageName {
  std::string domain;  ///< "docker.io", "registry.example.com:5000", "[::1]:5000"
  std::string path;    ///< "library/busybox"
  std::string tag;     ///< may be empty
  std::string digest;  ///< "sha256:..."; may be empty

  bool operator==(const ImageName&) const = default;

  /// "docker.io/library/busybox".
  [[nodiscard]] std::string Repository() const;
  /// Without what Docker adds by itself: "busybox".
  [[nodiscard]] std::string FamiliarRepository() const;
  /// The whole of it, in long and in short: "docker.io/library/busybox:1" and "busybox:1". The
  /// short form is for people: that of docker.io/localhost/app, say, means another image.
  [[nodiscard]] std::string Canonical() const;
  [[nodiscard]] std::string Familiar() const;

  /// The one version that is meant: a digest makes the tag superfluous, neither means "latest".
  [[nodiscard]] ImageName Exact() const;
};

/// Reads a name, accepting and refusing what Docker does. kInvalidArgument says what is wrong.
[[nodiscard]] base::Result<ImageName> ParseImageName(std::string_view text);

/// The id in its long form, "sha256:" and 64 hex digits, for a text that is one with or without
/// its prefix; nothing for names and shortened ids.
[[nodiscard]] std::optional<std::string> ParseImageId(std::string_view text);

/// True for what may be the beginning of an id: hex digits, with or without "sha256:".
[[nodiscard]] bool MayBeShortId(std::string_view text);

}  // namespace dockershimd::shim::translate
