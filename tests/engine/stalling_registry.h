#pragma once

#include <memory>
#include <string>

namespace dockershimd::testsupport {

/// A registry on loopback with one image, app:1, whose only layer begins and never ends.
class StallingRegistry {
 public:
  StallingRegistry();
  ~StallingRegistry();
  StallingRegistry(const StallingRegistry&) = delete;
  StallingRegistry& operator=(const StallingRegistry&) = delete;

  /// "127.0.0.1:<port>"
  [[nodiscard]] std::string Address() const;
  /// Whether somebody has been sent the beginning of the layer.
  [[nodiscard]] bool HasBegun() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace dockershimd::testsupport
