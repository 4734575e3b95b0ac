#include "shim/translate/names.h"

#include <fmt/format.h>

#include <charconv>
#include <vector>

#include "shim/translate/labels.h"

namespace dockershimd::shim::translate {
namespace {

constexpr std::string_view kPrefix = "k8s";

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string MakeName(std::string_view container, const runtime::v1::PodSandboxMetadata& pod,
                     std::uint32_t attempt) {
  return fmt::format("{}_{}_{}_{}_{}_{}", kPrefix, container, pod.name(), pod.namespace_(),
                     pod.uid(), attempt);
}

}  // namespace

std::string SandboxName(const runtime::v1::PodSandboxMetadata& pod) {
  return MakeName(kSandboxContainerName, pod, pod.attempt());
}

std::string ContainerName(const runtime::v1::PodSandboxMetadata& pod,
                          const runtime::v1::ContainerMetadata& container) {
  return MakeName(container.name(), pod, container.attempt());
}

std::optional<ParsedName> ParseName(std::string_view name) {
  if (name.starts_with('/')) name.remove_prefix(1);
  const auto parts = Split(name, '_');
  if ((parts.size() != 6 && parts.size() != 7) || parts[0] != kPrefix) return std::nullopt;
  ParsedName parsed{parts[1], parts[2], parts[3], parts[4], 0};
  const char* end = parts[5].data() + parts[5].size();
  const auto [stop, error] = std::from_chars(parts[5].data(), end, parsed.attempt);
  if (error != std::errc() || stop != end) return std::nullopt;
  return parsed;
}

std::string Describe(const runtime::v1::PodSandboxMetadata& pod, std::string_view container) {
  if (container.empty()) return fmt::format("{}/{}", pod.namespace_(), pod.name());
  return fmt::format("{}/{}/{}", pod.namespace_(), pod.name(), container);
}

}  // namespace dockershimd::shim::translate
