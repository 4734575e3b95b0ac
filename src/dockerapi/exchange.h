#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/call_context.h"
#include "base/result.h"
#include "dockerapi/http.h"
#include "dockerapi/streams.h"

namespace dockershimd::dockerapi {

/// An HTTP exchange on a connection of its own, and others after it. Runs on the caller's thread;
/// the context's deadline and cancellation end it at once. Not thread-safe.
class Exchange {
 public:
  /// Connects and sends; returns once the answer's header is there. Any HTTP status is a success.
  [[nodiscard]] static base::Result<Exchange> Open(const base::CallContext& context,
                                                   const std::string& socket_path,
                                                   const HttpRequest& request);
  Exchange(Exchange&&) noexcept;
  Exchange& operator=(Exchange&&) noexcept;
  ~Exchange();

  /// Sends another request once the answer before has been read; as Open.
  [[nodiscard]] base::Status Send(const base::CallContext& context, const HttpRequest& request);

  /// True where another request can be sent: the answer was read to its end, and Docker has neither
  /// closed the connection since nor said what nobody asked for.
  [[nodiscard]] bool CanGoOn() const;

  /// True once the request was written as a whole: Docker may have carried it out.
  [[nodiscard]] bool WasSent() const;

  [[nodiscard]] int Status() const;

  /// A field of the answer's header; empty where there is none.
  [[nodiscard]] std::string Header(std::string_view name) const;

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
