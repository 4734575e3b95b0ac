// Whatever Docker answers: it is refused or read, and a container that was read can be asked for.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dockerapi/decode.h"
#include "dockerapi/http.h"

namespace dockerapi = dockershimd::dockerapi;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)dockerapi::DecodeVersion(text);
  (void)dockerapi::DecodeInfo(text);
  (void)dockerapi::DecodeDiskUsage(text);
  (void)dockerapi::DecodeEvent(text);
  (void)dockerapi::DecodeExec(text);
  (void)dockerapi::DecodeExitCode(text);
  (void)dockerapi::DecodeImage(text);
  (void)dockerapi::DecodeProgress(text);
  (void)dockerapi::DecodeId(text);
  (void)dockerapi::FromDocker("GET /x", 500, text);
  if (const auto rows = dockerapi::DecodeContainerList(text)) {
    for (const auto& row : *rows) {
      if (row.id.empty()) std::abort();
    }
  }
  if (const auto images = dockerapi::DecodeImageList(text)) {
    for (const auto& image : *images) {
      if (image.id.empty()) std::abort();
    }
  }
  if (const auto details = dockerapi::DecodeContainer(text)) {
    if (!dockerapi::DecodeContainer(R"({"Id":"c","Config":)" + dockerapi::ToJson(details->spec) +
                                    "}")) {
      std::abort();
    }
  }
  return 0;
}
