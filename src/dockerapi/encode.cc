#include "dockerapi/encode.h"

#include <fmt/format.h>

#include "base/encoding.h"
#include "dockerapi/json_util.h"

namespace dockershimd::dockerapi {

std::string ToJson(const ExecSpec& spec) {
  Json json = {{"Cmd", spec.command},
               {"AttachStdin", spec.attach_stdin},
               {"AttachStdout", spec.attach_stdout},
               {"AttachStderr", spec.attach_stderr},
               {"Tty", spec.tty}};
  SetIf(json, "Env", spec.environment);
  SetIf(json, "User", spec.user);
  SetIf(json, "WorkingDir", spec.working_dir);
  SetIf(json, "DetachKeys", spec.detach_keys);
  SetIf(json, "Privileged", spec.privileged);
  return DumpJson(json);
}

std::string ExecStartJson(bool tty) { return DumpJson(Json{{"Detach", false}, {"Tty", tty}}); }

std::string RegistryAuthHeader(const RegistryAuth& auth) {
  Json json = Json::object();
  SetIf(json, "username", auth.username);
  SetIf(json, "password", auth.password);
  SetIf(json, "serveraddress", auth.server_address);
  SetIf(json, "identitytoken", auth.identity_token);
  SetIf(json, "registrytoken", auth.registry_token);
  return base::Base64UrlEncode(DumpJson(json));
}

std::string LabelFilters(const std::vector<std::string>& labels) {
  Json json = Json::object();
  SetIf(json, "label", labels);
  return DumpJson(json);
}

std::string EventFilters(const EventOptions& options) {
  Json json = Json::object();
  SetIf(json, "type", options.types);
  SetIf(json, "event", options.actions);
  return DumpJson(json);
}

std::string DockerTime(base::UnixNanos time) {
  constexpr base::UnixNanos kSecond = 1'000'000'000;
  return fmt::format("{}.{:09}", time / kSecond, time % kSecond);
}

std::string TerminalSize(int rows, int columns) { return fmt::format("?h={}&w={}", rows, columns); }

std::string UrlEncode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace dockershimd::dockerapi
