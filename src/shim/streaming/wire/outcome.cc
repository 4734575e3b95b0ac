#include "shim/streaming/wire/outcome.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace dockershimd::shim::streaming::wire {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFirstWithStatus = 4;

std::string Dump(const Json& json) {
  // Messages may quote a container's bytes.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string Message(const Outcome& outcome) {
  if (outcome.kind == Outcome::Kind::kExitCode) {
    return fmt::format("command terminated with non-zero exit code: exit status {}",
                       outcome.exit_code);
  }
  return "Internal error occurred: " + outcome.message;
}

}  // namespace

Outcome Outcome::Exited(int code) {
  // A status without a code in 1..255 is one that clients fail on.
  const int shown = code < 0 || code > 255 ? 255 : code;
  return shown == 0 ? Success() : Outcome{Kind::kExitCode, shown, {}};
}

Outcome Outcome::Failed(std::string message) { return {Kind::kFailure, 0, std::move(message)}; }

std::string StatusText(const Outcome& outcome, int protocol_version) {
  if (protocol_version < kFirstWithStatus) {
    return outcome.kind == Outcome::Kind::kSuccess ? "" : Message(outcome);
  }
  switch (outcome.kind) {
    case Outcome::Kind::kSuccess:
      return Dump({{"status", "Success"}});
    case Outcome::Kind::kExitCode: {
      const Json cause = {{"reason", "ExitCode"}, {"message", std::to_string(outcome.exit_code)}};
      return Dump({{"status", "Failure"},
                   {"message", Message(outcome)},
                   {"reason", "NonZeroExitCode"},
                   {"details", {{"causes", Json::array({cause})}}}});
    }
    case Outcome::Kind::kFailure:
      break;
  }
  return Dump({{"status", "Failure"},
               {"message", Message(outcome)},
               {"reason", "InternalError"},
               {"code", 500}});
}

}  // namespace dockershimd::shim::streaming::wire
