#include "shim/network/pod_cidrs.h"

#include <arpa/inet.h>
#include <fmt/ranges.h>

#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/log.h"

namespace dockershimd::shim::network {
namespace {

using base::Code;
using base::Fail;
using base::Result;

/// "10.0.0.0/24" or "fd00::/64".
bool IsCidr(const std::string& text) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return false;
  const std::string address = text.substr(0, slash);
  std::array<unsigned char, 16> binary;
  const bool v4 = ::inet_pton(AF_INET, address.c_str(), binary.data()) == 1;
  const bool v6 = ::inet_pton(AF_INET6, address.c_str(), binary.data()) == 1;
  int bits = -1;
  const auto [end, error] =
      std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && bits >= 0 && ((v4 && bits <= 32) || (v6 && bits <= 128));
}

std::string Trimmed(std::string_view text) {
  constexpr const char* kSpace = " \t\n";
  const auto first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return "";
  return std::string(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
}

Result<std::vector<std::string>> ParseCidrs(std::string_view text) {
  std::vector<std::string> cidrs;
  while (!text.empty()) {
    const auto part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    std::string cidr = Trimmed(part);
    if (cidr.empty()) continue;
    if (!IsCidr(cidr)) {
      return Fail(Code::kInvalidArgument, "runtime_config.network_config.pod_cidr: '{}' is no CIDR",
                  cidr);
    }
    cidrs.push_back(std::move(cidr));
  }
  return cidrs;
}

}  // namespace

PodCidrs::PodCidrs(std::filesystem::path file) : file_(std::move(file)) {
  const auto text = base::ReadFile(file_);
  auto cidrs = text ? ParseCidrs(*text) : Fail(text.error());
  if (cidrs) *cidrs_.Lock() = std::move(*cidrs);
}

base::Status PodCidrs::Set(const std::string& text) {
  auto cidrs = ParseCidrs(text);
  if (!cidrs) return Fail(cidrs.error());
  auto held = cidrs_.Lock();
  if (cidrs->empty() || *cidrs == *held) return {};
  *held = std::move(*cidrs);
  auto saved = base::MakeDirectories(file_.parent_path(), 0700);
  if (saved) saved = base::WriteFileAtomically(file_, fmt::format("{}\n", fmt::join(*held, ",")));
  if (!saved) spdlog::warn("the pod CIDR is kept until a restart only: {}", saved.error().message);
  return {};
}

}  // namespace dockershimd::shim::network
