#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/call_context.h"
#include "base/result.h"
#include "dockerapi/http.h"
#include "dockerapi/streams.h"

namespace dockershimd::dockerapi {

/// One HTTP exchange on a connection of its own, for whatever takes long or can be cancelled.
/// Runs on the caller's thread; the context's deadline and cancellation end it at once. Not
/// thread-safe.
class Exchange {
 public:
  /// Connects and sends; returns once the answer's header is there. Any HTTP status is a success.
  [[nodiscard]] static base::Result<Exchange> Open(const base::CallContext& context,
                                                   const std::string& socket_path,
                                                   const HttpRequest& request);
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;
  ~Exchange();

  [[nodiscard]] int Status() const;

  /// The request's, for errors.
  [[nodiscard]] const std::string& Operation() const;

  /// Reads some of the body; 0 at its end. kUnavailable for a body that was cut.
  [[nodiscard]] base::Result<std::size_t> Read(const base::CallContext& context,
                                               std::span<char> buffer);

  /// The rest of the body, up to `limit` bytes.
  [[nodiscard]] base::Result<std::string> ReadAll(const base::CallContext& context,
                                                  std::size_t limit);

  /// Takes the connection over as a raw stream. The exchange is of no use afterwards.
  [[nodiscard]] HijackedStream Hijack() &&;

 private:
  class Impl;
  explicit Exchange(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace dockershimd::dockerapi
