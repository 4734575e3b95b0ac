#include "dockerapi/json_splitter.h"

#include <algorithm>

namespace dockershimd::dockerapi {
namespace {

using base::Code;
using base::Fail;

constexpr std::size_t kObjectLimit = 16 << 20;
/// White space, and the record separator of application/json-seq.
constexpr std::string_view kBetween = " \t\r\n\x1e";

}  // namespace

std::size_t JsonSplitter::Scan(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (escaped_) {
      escaped_ = false;
    } else if (in_string_) {
      escaped_ = c == '\\';
      in_string_ = c != '"';
    } else if (c == '"') {
      in_string_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if ((c == '}' || c == ']') && --depth_ == 0) {
      return i + 1;
    }
  }
  return bytes.size();
}

base::Result<bool> JsonSplitter::Feed(std::string_view bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (depth_ == 0) {
      bytes.remove_prefix(std::min(bytes.find_first_not_of(kBetween), bytes.size()));
      if (bytes.empty()) break;
      if (bytes.front() != '{') {
        return Fail(Code::kInternal, "Docker sent something else than JSON: {:.100}", bytes);
      }
    }
    const auto part = bytes.substr(0, Scan(bytes));
    bytes.remove_prefix(part.size());
    if (pending_.size() + part.size() > kObjectLimit) {
      return Fail(Code::kInternal, "Docker sent a JSON object of more than {} bytes", kObjectLimit);
    }
    if (depth_ > 0) {
      pending_.append(part);
      break;
    }
    // Most objects arrive in one piece: those are not copied.
    if (!pending_.empty()) pending_.append(part);
    const auto wanted = sink(pending_.empty() ? part : std::string_view(pending_));
    if (!wanted || !*wanted) return wanted;
    pending_.clear();
  }
  return true;
}

}  // namespace dockershimd::dockerapi
