#include "shim/streaming/wire/header_block.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>

#include "shim/streaming/wire/big_endian.h"

extern "C" {
extern const unsigned char dockershimd_spdy3_dictionary[];
extern const unsigned char dockershimd_spdy3_dictionary_end[];
}

namespace dockershimd::shim::streaming::wire {
namespace {

using base::Code;
using base::Fail;

constexpr std::size_t kInflatedLimit = 32 << 10;
constexpr std::uint64_t kHeaderLimit = 64;
constexpr uLong kDictionaryAdler = 0xe3c6a7c2;

char LowerCase(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool SetDictionary(z_stream* stream) {
  const auto size = dockershimd_spdy3_dictionary_end - dockershimd_spdy3_dictionary;
  return stream->adler == kDictionaryAdler &&
         inflateSetDictionary(stream, dockershimd_spdy3_dictionary, static_cast<uInt>(size)) ==
             Z_OK;
}

/// Takes a length and that many bytes off the front; false where there are fewer.
bool TakeText(std::string_view* block, std::string_view* text) {
  if (block->size() < 4) return false;
  const auto length = ReadBigEndian(block->substr(0, 4));
  block->remove_prefix(4);
  if (length > block->size()) return false;
  *text = block->substr(0, length);
  block->remove_prefix(length);
  return true;
}

}  // namespace

std::string_view ValueOf(const Headers& headers, std::string_view name) {
  for (const auto& [candidate, value] : headers) {
    // Several values of one name are joined by NUL.
    if (candidate == name) return std::string_view(value).substr(0, value.find('\0'));
  }
  return {};
}

HeaderInflater::HeaderInflater() : stream_(std::make_unique<z_stream>()) {
  if (inflateInit(stream_.get()) != Z_OK) throw std::bad_alloc();
}

HeaderInflater::~HeaderInflater() { inflateEnd(stream_.get()); }

base::Result<std::string> HeaderInflater::Inflate(std::string_view compressed) {
  std::string inflated;
  std::array<unsigned char, 2048> buffer;
  stream_->next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(compressed.data()));
  stream_->avail_in = static_cast<uInt>(compressed.size());
  do {
    stream_->next_out = buffer.data();
    stream_->avail_out = buffer.size();
    const int code = inflate(stream_.get(), Z_SYNC_FLUSH);
    if (code == Z_NEED_DICT) {
      if (!SetDictionary(stream_.get())) {
        return Fail(Code::kInvalidArgument, "header block: not SPDY/3's dictionary");
      }
      continue;
    }
    // Z_BUF_ERROR only says that there was nothing left to do.
    if (code != Z_OK && code != Z_BUF_ERROR) {
      return Fail(Code::kInvalidArgument, "header block: bad compression");
    }
    inflated.append(reinterpret_cast<const char*>(buffer.data()),
                    buffer.size() - stream_->avail_out);
    if (inflated.size() > kInflatedLimit) {
      return Fail(Code::kInvalidArgument, "header block: longer than {} bytes", kInflatedLimit);
    }
  } while (stream_->avail_in > 0 || stream_->avail_out == 0);
  return inflated;
}

base::Result<Headers> ParseHeaderBlock(std::string_view block) {
  if (block.size() < 4) return Fail(Code::kInvalidArgument, "header block: cut");
  const auto count = ReadBigEndian(block.substr(0, 4));
  block.remove_prefix(4);
  if (count > kHeaderLimit) {
    return Fail(Code::kInvalidArgument, "header block: {} headers", count);
  }
  Headers headers;
  for (std::uint64_t i = 0; i < count; ++i) {
    std::string_view name;
    std::string_view value;
    if (!TakeText(&block, &name) || !TakeText(&block, &value)) {
      return Fail(Code::kInvalidArgument, "header block: cut");
    }
    std::string lower(name);
    std::transform(lower.begin(), lower.end(), lower.begin(), LowerCase);
    const bool repeated = std::any_of(headers.begin(), headers.end(),
                                      [&](const auto& header) { return header.first == lower; });
    if (lower.empty() || repeated) {
      return Fail(Code::kInvalidArgument, "header block: an empty or repeated name");
    }
    headers.emplace_back(std::move(lower), value);
  }
  if (!block.empty()) return Fail(Code::kInvalidArgument, "header block: bytes after its end");
  return headers;
}

}  // namespace dockershimd::shim::streaming::wire
