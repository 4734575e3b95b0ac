#include "pause/pause_image.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "pause/tar_writer.h"

extern "C" {
extern const char dockershimd_pause_binary[];
extern const char dockershimd_pause_binary_end[];
}

namespace dockershimd::pause {
namespace {

constexpr std::string_view kReference = "dockershimd/pause:" PAUSE_VERSION;

std::string_view Binary() {
  return {dockershimd_pause_binary,
          static_cast<std::size_t>(dockershimd_pause_binary_end - dockershimd_pause_binary)};
}

std::string Layer() {
  std::string layer;
  AppendTarFile("pause", Binary(), 0755, &layer);
  FinishTar(&layer);
  return layer;
}

std::string ImageConfig(std::string_view layer) {
  constexpr const char* kEpoch = "1970-01-01T00:00:00Z";
  const nlohmann::json config = {
      {"architecture", PAUSE_ARCHITECTURE},
      {"os", "linux"},
      {"created", kEpoch},
      {"config", {{"Entrypoint", {"/pause"}}, {"WorkingDir", "/"}, {"Env", {"PATH=/"}}}},
      {"rootfs", {{"type", "layers"}, {"diff_ids", {"sha256:" + base::Sha256Hex(layer)}}}},
      {"history", {{{"created", kEpoch}, {"created_by", "dockershimd"}}}}};
  return config.dump();
}

}  // namespace

std::string_view ImageReference() { return kReference; }

std::string BuildImageArchive() {
  const std::string layer = Layer();
  const std::string config = ImageConfig(layer);
  const std::string layer_name = base::Sha256Hex(layer) + ".tar";
  const std::string config_name = base::Sha256Hex(config) + ".json";
  const nlohmann::json manifest = {
      {{"Config", config_name}, {"RepoTags", {kReference}}, {"Layers", {layer_name}}}};
  std::string archive;
  AppendTarFile(layer_name, layer, 0644, &archive);
  AppendTarFile(config_name, config, 0644, &archive);
  AppendTarFile("manifest.json", manifest.dump(), 0644, &archive);
  FinishTar(&archive);
  return archive;
}

}  // namespace dockershimd::pause
