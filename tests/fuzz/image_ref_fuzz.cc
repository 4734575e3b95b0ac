// Whatever text comes as an image's name: it is refused, or reads back as what it was written.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "shim/translate/image_ref.h"
#include "shim/translate/images.h"

using dockershimd::shim::translate::ImageName;
using dockershimd::shim::translate::ParseImageName;

namespace {

void MustReadBack(const std::string& text, const ImageName& name) {
  const auto again = ParseImageName(text);
  if (!again || *again != name) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)dockershimd::shim::translate::MayBeShortId(text);
  (void)dockershimd::shim::translate::WithoutUrlSecrets(text);
  const auto name = ParseImageName(text);
  if (!name) return 0;
  MustReadBack(name->Canonical(), *name);
  MustReadBack(name->Exact().Canonical(), name->Exact());
  return 0;
}
