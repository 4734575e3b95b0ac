#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace dockershimd::base {

/// What kind of failure it was, in the terms that a gRPC client understands. The set is closed:
/// callers switch on it, never on text.
enum class Code : std::uint8_t {
  kInvalidArgument,
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,
  kUnauthenticated,
  kFailedPrecondition,
  kResourceExhausted,
  kUnimplemented,
  kUnavailable,
  kDeadlineExceeded,
  kCancelled,
  kInternal,
};

/// A failure that a caller can handle. `message` is for people: it names the object and what to do.
struct Error {
  Code code = Code::kInternal;
  std::string message;
  /// Docker's HTTP status where Docker answered; empty for local failures.
  std::optional<int> http_status;

  /// The same error with "context: " before its message. Each layer adds its context once.
  [[nodiscard]] Error Within(std::string_view context) const {
    return {code, fmt::format("{}: {}", context, message), http_status};
  }
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

/// Returns an error from any function that returns a Result: `return Fail(Code::kNotFound, ...)`.
template <class... Args>
[[nodiscard]] std::unexpected<Error> Fail(Code code, fmt::format_string<Args...> format,
                                          Args&&... args) {
  return std::unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...), {}});
}

/// Passes an error on, with the context of the layer that could not go on.
[[nodiscard]] inline std::unexpected<Error> Fail(const Error& cause, std::string_view context) {
  return std::unexpected(cause.Within(context));
}

/// Passes an error on as it is.
[[nodiscard]] inline std::unexpected<Error> Fail(Error cause) {
  return std::unexpected(std::move(cause));
}

/// An error for a failed system call: errno's meaning after what was tried.
[[nodiscard]] Error ErrnoError(int error_number, std::string_view what);

/// The lower-case name of a code, as logs and metrics show it ("not_found").
[[nodiscard]] std::string_view CodeName(Code code);

}  // namespace dockershimd::base
