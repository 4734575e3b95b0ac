#include "base/digest.h"

#include <fmt/format.h>
#include <nettle/sha1.h>
#include <nettle/sha2.h>

#include <array>

namespace dockershimd::base {
namespace {

const std::uint8_t* Bytes(std::string_view bytes) {
  return reinterpret_cast<const std::uint8_t*>(bytes.data());
}

}  // namespace

std::string Sha256Hex(std::string_view bytes) {
  sha256_ctx context;
  std::array<std::uint8_t, SHA256_DIGEST_SIZE> digest;
  sha256_init(&context);
  sha256_update(&context, bytes.size(), Bytes(bytes));
  sha256_digest(&context, digest.size(), digest.data());
  std::string text;
  for (const auto byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string Sha1(std::string_view bytes) {
  sha1_ctx context;
  std::string digest(SHA1_DIGEST_SIZE, '\0');
  sha1_init(&context);
  sha1_update(&context, bytes.size(), Bytes(bytes));
  sha1_digest(&context, digest.size(), reinterpret_cast<std::uint8_t*>(digest.data()));
  return digest;
}

}  // namespace dockershimd::base
