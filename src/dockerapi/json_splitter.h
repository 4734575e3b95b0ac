#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace dockershimd::dockerapi {

/// Cuts a stream of JSON objects (events, progress of a pull) into the single objects, however the
/// stream was cut into pieces and whatever white space or record separators stand between them.
class JsonSplitter {
 public:
  /// Returns false when it wants no more.
  using Sink = std::function<base::Result<bool>(std::string_view)>;

  /// Hands each object that is complete by now to `sink`. False when the sink wants no more;
  /// kInternal when the bytes are no JSON objects or one is larger than 16 MiB. The object is of no
  /// use after either.
  [[nodiscard]] base::Result<bool> Feed(std::string_view bytes, const Sink& sink);

  /// True between two objects: a stream that ends elsewhere was cut.
  [[nodiscard]] bool AtBoundary() const { return depth_ == 0; }

 private:
  /// How much of `bytes` belongs to the object that has begun.
  std::size_t Scan(std::string_view bytes);

  std::string pending_;
  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
};

}  // namespace dockershimd::dockerapi
