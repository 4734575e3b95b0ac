#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace dockershimd::shim::network {

/// What is remembered of one pod's attachment to a network, as libcni keeps it (kind
/// "cniCacheV1"), so that the pods of a former runtime can be torn down by us and ours by it.
struct CniAttachment {
  std::string network;
  std::string container_id;
  std::string interface;
  std::string netns;
  std::string args;          ///< CNI_ARGS
  std::string config;        ///< the configuration list's text at the time of ADD
  std::string capabilities;  ///< JSON object: runtime values by capability
  std::string result;        ///< JSON of ADD; empty: ADD was begun and its end never seen
  bool ours = true;          ///< written by this daemon
};

[[nodiscard]] std::string EncodeAttachment(const CniAttachment& attachment);
[[nodiscard]] base::Result<CniAttachment> DecodeAttachment(std::string_view text);

/// The attachments below <cache dir>/results, one file each. Writes are atomic.
class CniCache {
 public:
  explicit CniCache(std::filesystem::path cache_dir) : folder_(cache_dir / "results") {}

  [[nodiscard]] base::Status Save(const CniAttachment& attachment) const;
  void Remove(const CniAttachment& attachment) const;

  /// Those of one sandbox, whatever the network. A file that cannot be read is passed over with a
  /// warning.
  [[nodiscard]] std::vector<CniAttachment> Find(const std::string& container_id) const;
  [[nodiscard]] std::vector<CniAttachment> All() const;

 private:
  [[nodiscard]] std::filesystem::path FileOf(const CniAttachment& attachment) const;
  [[nodiscard]] std::vector<CniAttachment> Read(std::string_view name_part) const;

  std::filesystem::path folder_;
};

}  // namespace dockershimd::shim::network
