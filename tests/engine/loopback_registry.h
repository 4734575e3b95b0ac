#pragma once

#include <string>
#include <thread>

#include "base/guarded.h"
#include "base/unique_fd.h"

namespace dockershimd::testsupport {

/// A registry on a free port of 127.0.0.1, which engines talk to without TLS, that gives nothing.
class LoopbackRegistry {
 public:
  enum class Kind {
    kSilent,    ///< takes connections and never answers
    kRefusing,  ///< answers 401 and asks for user and password
  };

  explicit LoopbackRegistry(Kind kind);
  ~LoopbackRegistry();
  LoopbackRegistry(const LoopbackRegistry&) = delete;
  LoopbackRegistry& operator=(const LoopbackRegistry&) = delete;

  /// "127.0.0.1:<port>".
  [[nodiscard]] std::string Address() const;

  /// All bytes that clients have sent.
  [[nodiscard]] std::string Seen() const { return *seen_.Lock(); }

 private:
  void Accept(const std::stop_token& stop);
  void Answer(int connection);

  Kind kind_;
  base::UniqueFd listener_;
  base::Guarded<std::string> seen_;
  std::jthread thread_;
};

}  // namespace dockershimd::testsupport
