#include "dockerapi/tar_entry.h"

#include <charconv>

namespace dockershimd::dockerapi {
namespace {

using base::Code;
using base::Fail;
using base::Result;

// POSIX ustar: blocks of 512 bytes; a header's fields by offset and size.
constexpr std::size_t kBlock = 512;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kTypeAt = 156;
constexpr std::size_t kLinkAt = 157;
constexpr std::size_t kMagicAt = 257;

/// A field up to its first zero byte.
std::string_view Field(std::string_view header, std::size_t at, std::size_t size) {
  const auto field = header.substr(at, size);
  return field.substr(0, field.find('\0'));
}

Result<std::size_t> SizeOf(std::string_view header) {
  const auto digits = Field(header, kSizeAt, 12);
  std::size_t size = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size, 8);
  if (error != std::errc() || Field(header, kMagicAt, 5) != "ustar") {
    return Fail(Code::kInternal, "Docker's answer is not a tar archive");
  }
  return size;
}

}  // namespace

Result<TarEntry> FirstTarEntry(std::string_view archive) {
  while (archive.size() >= kBlock) {
    const auto header = archive.substr(0, kBlock);
    const auto size = SizeOf(header);
    if (!size) return Fail(size.error());
    archive.remove_prefix(kBlock);
    if (*size > archive.size()) break;
    switch (header[kTypeAt]) {
      case '0':
      case '\0':
        return TarEntry{std::string(archive.substr(0, *size)), ""};
      case '2':
        return TarEntry{"", std::string(Field(header, kLinkAt, 100))};
      case 'x':
      case 'g':
        // Extended attributes of what follows: none that matter here.
        archive.remove_prefix(std::min(archive.size(), (*size + kBlock - 1) / kBlock * kBlock));
        break;
      default:
        return Fail(Code::kInvalidArgument, "is neither a file nor a symbolic link");
    }
  }
  return Fail(Code::kInternal, "Docker's tar archive ends too early");
}

}  // namespace dockershimd::dockerapi
