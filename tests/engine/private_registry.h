#pragma once

#include <sys/types.h>

#include <string>

namespace dockershimd::testsupport {

/// The test images once more, from a registry on loopback that asks for a user and a password.
class PrivateRegistry {
 public:
  static constexpr const char* kUser = "me";
  static constexpr const char* kPassword = "hunter2:with colon";

  /// Answers when this returns; throws where it cannot.
  PrivateRegistry();
  ~PrivateRegistry();
  PrivateRegistry(const PrivateRegistry&) = delete;
  PrivateRegistry& operator=(const PrivateRegistry&) = delete;

  /// "127.0.0.1:<port>"
  [[nodiscard]] std::string Address() const;

 private:
  pid_t pid_ = -1;
};

}  // namespace dockershimd::testsupport
