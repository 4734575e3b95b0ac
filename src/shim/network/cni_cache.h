#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace dockershimd::shim::network {

/// What is remembered of one pod's attachment to a network, as libcni keeps it (kind
/// "cniCacheV1"), so that the pods of a former runtime can be torn down by us and ours by it.
struct CniAttachment {
  std::string network;
  std::string container_id;
  std::string interface;
  std::string netns;
  std::string args;            ///< CNI_ARGS
  std::string config;          ///< the configuration list's text at the time of ADD
  std::string capabilities;    ///< JSON object: runtime values by capability
  std::string result;          ///< JSON of ADD; empty: ADD was begun and its end never seen
  std::string partial_result;  ///< while ADD runs: JSON of the last of its plugins that has ended
  bool ours = true;            ///< written by this daemon
  std::filesystem::path file;  ///< where it was read from; not part of the content
};

[[nodiscard]] std::string EncodeAttachment(const CniAttachment& attachment);
[[nodiscard]] base::Result<CniAttachment> DecodeAttachment(std::string_view text);

/// The attachments below <cache dir>/results, one file each, and those that dockershim and
/// cri-dockerd kept below <cache dir>/cache/results. Writes are atomic. Holds no state.
class CniCache {
 public:
  explicit CniCache(const std::filesystem::path& cache_dir)
      : folder_(cache_dir / "results"), former_folder_(cache_dir / "cache" / "results") {}

  [[nodiscard]] base::Status Save(const CniAttachment& attachment,
                                  base::Durability durability = base::Durability::kPowerLoss) const;

  /// Fine if it is gone already.
  [[nodiscard]] base::Status Remove(const CniAttachment& attachment) const;

  [[nodiscard]] bool Has(const CniAttachment& attachment) const;

  /// A sandbox's attachment to one network; nothing if there is none that can be read.
  [[nodiscard]] std::optional<CniAttachment> Find(const std::string& network,
                                                  const std::string& container_id,
                                                  const std::string& interface) const;

  /// Those of one sandbox, whatever the network: looks at the names of all that are cached.
  [[nodiscard]] std::vector<CniAttachment> Find(const std::string& container_id) const;

  /// All of them; a file that cannot be read is passed over with a warning.
  [[nodiscard]] std::vector<CniAttachment> All() const;

  /// Removes what a crash in the middle of Save leaves.
  void RemoveLeftovers() const;

 private:
  [[nodiscard]] std::filesystem::path FileOf(const CniAttachment& attachment) const;

  std::filesystem::path folder_;
  std::filesystem::path former_folder_;
};

}  // namespace dockershimd::shim::network
