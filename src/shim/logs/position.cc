#include "shim/logs/position.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/file.h"

namespace dockershimd::shim::logs {
namespace {

constexpr std::uint32_t kMagic = 0x4c534444;
constexpr std::uint32_t kVersion = 1;

struct Stored {
  std::uint32_t magic = kMagic;
  std::uint32_t version = kVersion;
  Position position;
  std::uint64_t checksum = 0;
};
static_assert(std::is_trivially_copyable_v<Stored>);
static_assert(std::has_unique_object_representations_v<Stored>, "padding would reach the file");

/// FNV-1a.
std::uint64_t Hash(std::string_view bytes) {
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char byte : bytes) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

std::uint64_t ChecksumOf(Stored stored) {
  stored.checksum = 0;
  return Hash({reinterpret_cast<const char*>(&stored), sizeof(stored)});
}

}  // namespace

std::uint64_t MarkOf(std::string_view bytes_before) {
  if (bytes_before.size() > kMarkSize) {
    bytes_before.remove_prefix(bytes_before.size() - kMarkSize);
  }
  return Hash(bytes_before);
}

std::string EncodePosition(const Position& position) {
  Stored stored;
  stored.position = position;
  stored.checksum = ChecksumOf(stored);
  return {reinterpret_cast<const char*>(&stored), sizeof(stored)};
}

std::optional<Position> DecodePosition(std::string_view bytes) {
  Stored stored;
  if (bytes.size() != sizeof(stored)) return std::nullopt;
  std::memcpy(&stored, bytes.data(), sizeof(stored));
  if (stored.magic != kMagic || stored.version != kVersion ||
      stored.checksum != ChecksumOf(stored)) {
    return std::nullopt;
  }
  return stored.position;
}

std::optional<Position> PositionFile::Load() {
  const auto content = base::ReadFile(path_);
  return content ? DecodePosition(*content) : std::nullopt;
}

base::Status PositionFile::Save(const Position& position) {
  if (!fd_) {
    auto fd = base::OpenFile(path_, O_WRONLY | O_CREAT);
    if (!fd) return base::Fail(fd.error());
    fd_ = std::move(*fd);
  }
  const std::string stored = EncodePosition(position);
  const ssize_t written = ::pwrite(fd_.Get(), stored.data(), stored.size(), 0);
  if (written == static_cast<ssize_t>(stored.size())) return {};
  return base::Fail(base::ErrnoError(written < 0 ? errno : ENOSPC, "write " + path_));
}

void PositionFile::Remove() {
  fd_.Reset();
  ::unlink(path_.c_str());
}

}  // namespace dockershimd::shim::logs
