#include "pause/tar_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace dockershimd::pause {
namespace {

constexpr std::size_t kBlock = 512;

// Places of the header's fields (POSIX.1-1988 ustar).
constexpr std::size_t kMode = 100;
constexpr std::size_t kUid = 108;
constexpr std::size_t kGid = 116;
constexpr std::size_t kSize = 124;
constexpr std::size_t kTime = 136;
constexpr std::size_t kChecksum = 148;
constexpr std::size_t kType = 156;
constexpr std::size_t kMagic = 257;

void Put(std::array<char, kBlock>& header, std::size_t at, std::string_view text) {
  std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

void AppendTarFile(std::string_view name, std::string_view content, unsigned mode,
                   std::string* archive) {
  std::array<char, kBlock> header{};
  Put(header, 0, name.substr(0, 100));
  Put(header, kMode, fmt::format("{:07o}", mode));
  Put(header, kUid, "0000000");
  Put(header, kGid, "0000000");
  Put(header, kSize, fmt::format("{:011o}", content.size()));
  Put(header, kTime, "00000000000");
  Put(header, kType, "0");
  Put(header, kMagic, std::string_view("ustar\00000", 8));
  // The checksum is taken with spaces in its own place.
  Put(header, kChecksum, "        ");
  unsigned sum = 0;
  for (const char byte : header) sum += static_cast<unsigned char>(byte);
  Put(header, kChecksum, fmt::format("{:06o}", sum));
  header[kChecksum + 6] = '\0';

  archive->append(header.data(), header.size());
  archive->append(content);
  archive->append((kBlock - content.size() % kBlock) % kBlock, '\0');
}

void FinishTar(std::string* archive) { archive->append(2 * kBlock, '\0'); }

}  // namespace dockershimd::pause
