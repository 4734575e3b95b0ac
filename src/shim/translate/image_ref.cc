#include "shim/translate/image_ref.h"

#include <algorithm>
#include <array>
#include <ranges>
#include <utility>

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;

constexpr std::string_view kDefaultDomain = "docker.io";
constexpr std::string_view kOldDefaultDomain = "index.docker.io";
constexpr std::string_view kOfficial = "library/";
constexpr std::string_view kIdPrefix = "sha256:";
constexpr std::size_t kIdDigits = 64;
constexpr std::size_t kMaxPath = 255;
constexpr std::size_t kMaxTag = 128;

// Locale-free, as Docker's grammar is.
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsAlphanumeric(char c) { return IsDigit(c) || IsLower(c) || IsUpper(c); }
bool IsLowerHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }
bool IsHex(char c) { return IsLowerHex(c) || (c >= 'A' && c <= 'F'); }

/// The text before and after the first `separator`; no second part where there is none.
std::pair<std::string_view, std::optional<std::string_view>> Cut(std::string_view text,
                                                                 char separator) {
  const auto at = text.find(separator);
  if (at == std::string_view::npos) return {text, std::nullopt};
  return {text.substr(0, at), text.substr(at + 1)};
}

/// Splitting an empty text gives no part at all, not an empty one.
template <class Predicate>
bool AllParts(std::string_view text, char separator, Predicate is_valid) {
  return !text.empty() &&
         std::ranges::all_of(std::views::split(text, separator), [&](const auto& part) {
           return is_valid(std::string_view(part.begin(), part.end()));
         });
}

bool IsDomainLabel(std::string_view label) {
  return !label.empty() && IsAlphanumeric(label.front()) && IsAlphanumeric(label.back()) &&
         std::ranges::all_of(label, [](char c) { return IsAlphanumeric(c) || c == '-'; });
}

bool IsIpv6(std::string_view host) {
  return host.size() > 2 && host.starts_with('[') && host.ends_with(']') &&
         std::ranges::all_of(host.substr(1, host.size() - 2),
                             [](char c) { return IsHex(c) || c == ':'; });
}

/// A host name, an IPv4 address or an IPv6 address in brackets, and perhaps a port.
bool IsDomain(std::string_view domain) {
  const auto bracket = domain.rfind(']');
  const auto colon = domain.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = domain.substr(0, colon);
  if (colon != std::string_view::npos) {
    const std::string_view port = domain.substr(colon + 1);
    if (port.empty() || !std::ranges::all_of(port, IsDigit)) return false;
  }
  return IsIpv6(host) || AllParts(host, '.', IsDomainLabel);
}

/// Between two words of a path: one dot, one or two underscores, or dashes.
bool IsPathSeparator(std::string_view text) {
  return text == "." || text == "_" || text == "__" ||
         std::ranges::all_of(text, [](char c) { return c == '-'; });
}

bool IsPathComponent(std::string_view component) {
  const auto is_word = [](char c) { return IsDigit(c) || IsLower(c); };
  if (component.empty() || !is_word(component.front()) || !is_word(component.back())) return false;
  auto at = component.begin();
  while (at != component.end()) {
    const auto separator = std::find_if_not(at, component.end(), is_word);
    at = std::find_if(separator, component.end(), is_word);
    if (separator != at && !IsPathSeparator({separator, at})) return false;
  }
  return true;
}

bool IsTag(std::string_view tag) {
  const auto is_word = [](char c) { return IsAlphanumeric(c) || c == '_'; };
  return !tag.empty() && tag.size() <= kMaxTag && is_word(tag.front()) &&
         std::ranges::all_of(tag, [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

/// The algorithms that Docker has, with the length of their digests.
bool IsDigest(std::string_view digest) {
  constexpr std::array<std::pair<std::string_view, std::size_t>, 3> kAlgorithms = {
      {{"sha256", 64}, {"sha384", 96}, {"sha512", 128}}};
  const auto [algorithm, digits] = Cut(digest, ':');
  return digits && std::ranges::all_of(*digits, IsLowerHex) &&
         std::ranges::find(kAlgorithms, std::pair{algorithm, digits->size()}) != kAlgorithms.end();
}

bool LooksLikeDomain(std::string_view text) {
  return text == "localhost" || text.find_first_of(".:") != std::string_view::npos ||
         std::ranges::any_of(text, IsUpper);
}

/// Where the domain ends and what Docker puts where there is none.
ImageName SplitDomain(std::string_view text) {
  const auto [first, rest] = Cut(text, '/');
  ImageName name{std::string(kDefaultDomain), std::string(text), "", ""};
  if (rest && LooksLikeDomain(first)) {
    name.domain = first == kOldDefaultDomain ? kDefaultDomain : first;
    name.path = *rest;
  }
  if (name.domain == kDefaultDomain && name.path.find('/') == std::string::npos) {
    name.path.insert(0, kOfficial);
  }
  return name;
}

std::unexpected<base::Error> Refuse(std::string_view text, std::string_view reason) {
  return Fail(Code::kInvalidArgument, "image name '{}' is not valid: {}", text, reason);
}

std::string Joined(std::string repository, const ImageName& name) {
  if (!name.tag.empty()) repository += ":" + name.tag;
  if (!name.digest.empty()) repository += "@" + name.digest;
  return repository;
}

}  // namespace

std::string ImageName::Repository() const { return domain + "/" + path; }

std::string ImageName::FamiliarRepository() const {
  if (domain != kDefaultDomain) return Repository();
  const bool is_official =
      path.starts_with(kOfficial) && path.find('/', kOfficial.size()) == std::string::npos;
  return is_official ? path.substr(kOfficial.size()) : path;
}

std::string ImageName::Canonical() const { return Joined(Repository(), *this); }

std::string ImageName::Familiar() const { return Joined(FamiliarRepository(), *this); }

ImageName ImageName::Exact() const {
  ImageName exact = *this;
  if (!digest.empty()) {
    exact.tag.clear();
  } else if (tag.empty()) {
    exact.tag = "latest";
  }
  return exact;
}

Result<ImageName> ParseImageName(std::string_view text) {
  if (text.empty()) return Fail(Code::kInvalidArgument, "the image has no name");
  if (ParseImageId(text) && !text.starts_with(kIdPrefix)) {
    return Refuse(text, "64 hex digits are an id");
  }
  const auto [tagged, digest] = Cut(text, '@');
  if (digest && !IsDigest(*digest)) {
    return Refuse(text, "a digest is 'sha256:' and 64 lower-case hex digits");
  }
  // Only the last part of a path can have a tag: a colon before it is a registry's port.
  const auto last_slash = tagged.rfind('/');
  const auto colon = tagged.find(':', last_slash == std::string_view::npos ? 0 : last_slash);
  auto name = SplitDomain(tagged.substr(0, colon));
  if (colon != std::string_view::npos) {
    name.tag = tagged.substr(colon + 1);
    if (!IsTag(name.tag)) {
      return Refuse(text, "a tag is up to 128 letters, digits, '_', '.' and '-'");
    }
  }
  name.digest = digest.value_or("");
  if (!IsDomain(name.domain)) return Refuse(text, "'" + name.domain + "' is not a registry");
  if (std::ranges::any_of(name.path, IsUpper)) return Refuse(text, "it must be lower case");
  if (!AllParts(name.path, '/', IsPathComponent)) {
    return Refuse(text,
                  "it is words of lower-case letters and digits, separated by '/', '.', '-' "
                  "or '_'");
  }
  if (name.path.size() > kMaxPath) return Refuse(text, "it is longer than 255 characters");
  return name;
}

std::optional<std::string> ParseImageId(std::string_view text) {
  if (text.starts_with(kIdPrefix)) text.remove_prefix(kIdPrefix.size());
  if (text.size() != kIdDigits || !std::ranges::all_of(text, IsLowerHex)) return std::nullopt;
  return std::string(kIdPrefix).append(text);
}

bool MayBeShortId(std::string_view text) {
  if (text.starts_with(kIdPrefix)) text.remove_prefix(kIdPrefix.size());
  return !text.empty() && text.size() <= kIdDigits && std::ranges::all_of(text, IsLowerHex);
}

}  // namespace dockershimd::shim::translate
