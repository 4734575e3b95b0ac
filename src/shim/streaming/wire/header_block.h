#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

struct z_stream_s;

namespace dockershimd::shim::streaming::wire {

/// Name and value of each header of a SPDY stream; names in lower case.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The first value of a header; empty where it is missing. `name` in lower case.
[[nodiscard]] std::string_view ValueOf(const Headers& headers, std::string_view name);

/// Undoes the compression of SPDY header blocks: one zlib stream per connection and direction,
/// with SPDY/3's dictionary. Every block has to pass through here in order, those of refused
/// streams too.
class HeaderInflater {
 public:
  HeaderInflater();
  ~HeaderInflater();
  HeaderInflater(const HeaderInflater&) = delete;
  HeaderInflater& operator=(const HeaderInflater&) = delete;

  /// Inflates one block. Bad or oversized (32 KiB) data is an error, after which the connection
  /// cannot go on.
  [[nodiscard]] base::Result<std::string> Inflate(std::string_view compressed);

 private:
  std::unique_ptr<z_stream_s> stream_;
};

/// Reads an inflated block: at most 64 headers, no empty and no repeated names.
[[nodiscard]] base::Result<Headers> ParseHeaderBlock(std::string_view block);

}  // namespace dockershimd::shim::streaming::wire
