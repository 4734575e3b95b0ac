#include "shim/logs/record.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

namespace dockershimd::shim::logs {
namespace {

/// What is looked at in one step, by the compiler's vectors.
using Block = unsigned char __attribute__((vector_size(16)));
using Words = std::uint64_t __attribute__((vector_size(16)));
constexpr std::size_t kBlock = sizeof(Block);

Block Load(const char* from) {
  Block block;
  std::memcpy(&block, from, kBlock);
  return block;
}

/// How many bytes of a comparison stand before the first that is true; kBlock if none is.
template <class Comparison>
std::size_t FirstTrue(const Comparison& comparison) {
  Words words;
  std::memcpy(&words, &comparison, kBlock);
  if ((words[0] | words[1]) == 0) return kBlock;
  const int bits = words[0] != 0 ? std::countr_zero(words[0]) : 64 + std::countr_zero(words[1]);
  return static_cast<std::size_t>(bits) / 8;
}

bool IsPlain(char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; }

/// Copies what stands before the first quote, backslash or control character. May write a block
/// more than that.
void CopyPlain(const char*& in, const char* end, char*& out) {
  while (static_cast<std::size_t>(end - in) >= kBlock) {
    const Block block = Load(in);
    std::memcpy(out, &block, kBlock);
    const auto plain = FirstTrue((block == '"') | (block == '\\') | (block < 0x20));
    in += plain;
    out += plain;
    if (plain < kBlock) return;
  }
  while (in != end && IsPlain(*in)) *out++ = *in++;
}

void PutUtf8(std::uint32_t code, char*& out) {
  const auto put = [&](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

/// Takes "uXXXX" from the front of `text`.
std::optional<std::uint32_t> TakeHex(std::string_view& text) {
  if (text.size() < 5 || text[0] != 'u') return std::nullopt;
  std::uint32_t code = 0;
  for (const char digit : text.substr(1, 4)) {
    const char lower = static_cast<char>(digit | 0x20);
    const bool decimal = digit >= '0' && digit <= '9';
    if (!decimal && (lower < 'a' || lower > 'f')) return std::nullopt;
    code = code << 4 | static_cast<std::uint32_t>(decimal ? digit - '0' : lower - 'a' + 10);
  }
  text.remove_prefix(5);
  return code;
}

/// What an escape with `code` stands for. `text` begins behind it, and may hold the other half of a
/// pair; halves that stand alone are U+FFFD, as Go reads them.
std::optional<std::uint32_t> TakePair(std::uint32_t code, std::string_view& text) {
  constexpr std::uint32_t kReplacement = 0xfffd;
  if (code < 0xd800 || code > 0xdfff) return code;
  if (code >= 0xdc00 || !text.starts_with("\\u")) return kReplacement;
  auto behind = text.substr(1);
  const auto low = TakeHex(behind);
  if (!low) return std::nullopt;
  if (*low < 0xdc00 || *low > 0xdfff) return kReplacement;
  text = behind;
  return 0x10000 + ((code - 0xd800) << 10) + (*low - 0xdc00);
}

/// What a letter behind a backslash stands for; 0 for none.
char UnescapedLetter(char letter) {
  static constexpr auto kMeanings = [] {
    std::array<char, 256> meanings{};
    constexpr std::string_view kNames = "nrt\"\\/bf";
    constexpr std::string_view kBytes = "\n\r\t\"\\/\b\f";
    for (std::size_t index = 0; index < kNames.size(); ++index) {
      meanings[static_cast<unsigned char>(kNames[index])] = kBytes[index];
    }
    return meanings;
  }();
  return kMeanings[static_cast<unsigned char>(letter)];
}

/// Reads the escape at `in`, which is a backslash. False: it is none, or not whole.
bool Unescape(const char*& in, const char* end, char*& out) {
  if (end - in < 2) return false;
  if (const char meant = UnescapedLetter(in[1]); meant != 0) {
    *out++ = meant;
    in += 2;
    return true;
  }
  std::string_view text(in + 1, end);
  const auto code = TakeHex(text);
  const auto meant = code ? TakePair(*code, text) : std::nullopt;
  if (!meant) return false;
  PutUtf8(*meant, out);
  in = text.data();
  return true;
}

/// Writes what the JSON string at `in`, behind its first quote, says; comes to stand at its last
/// one. False: it has none, is no such string, or has a newline before its end.
bool CopyUnescaped(const char*& in, const char* end, char*& out) {
  while (true) {
    CopyPlain(in, end, out);
    if (in == end) return false;
    if (*in == '"') return true;
    if (*in != '\\' || !Unescape(in, end, out)) return false;
    if (out[-1] == '\n' && (in == end || *in != '"')) return false;
  }
}

/// `prefix` is a literal: its length being known, the comparison needs no call.
template <std::size_t kSize>
bool TakePrefix(std::string_view& text, const char (&prefix)[kSize]) {
  constexpr std::size_t kLength = kSize - 1;
  if (text.size() < kLength || std::memcmp(text.data(), prefix, kLength) != 0) return false;
  text.remove_prefix(kLength);
  return true;
}

/// Where letters are none of a time's.
auto AreStrange(Block letters) {
  const auto digits = letters - static_cast<unsigned char>('0') < 10;
  const auto marks = (letters == '-') | (letters == ':') | (letters == '.') | (letters == '+');
  return ~(digits | marks | (letters == 'T') | (letters == 'Z'));
}

constexpr std::size_t kShortestTime = 20;
constexpr std::size_t kLongestTime = 35;

bool LooksLikeTime(std::string_view time) {
  if (time.size() < kShortestTime || time.size() > kLongestTime) return false;
  static_assert(kShortestTime >= kBlock && kLongestTime <= 3 * kBlock);
  const char* start = time.data();
  const std::size_t last = time.size() - kBlock;
  const auto strange =
      AreStrange(Load(start)) | AreStrange(Load(start + last / 2)) | AreStrange(Load(start + last));
  return time[4] == '-' && time[10] == 'T' && FirstTrue(strange) == kBlock;
}

/// What stands in a record behind its text.
struct Ending {
  std::string_view time;
  bool is_stderr = false;
};

/// Takes it with its newline, from behind the text's quote on.
std::optional<Ending> TakeEnding(std::string_view& bytes) {
  Ending ending;
  if (!TakePrefix(bytes, R"(,"stream":"std)")) return std::nullopt;
  ending.is_stderr = bytes.starts_with("err");
  if (!ending.is_stderr && !bytes.starts_with("out")) return std::nullopt;
  bytes.remove_prefix(3);
  if (!TakePrefix(bytes, R"(","time":")")) return std::nullopt;
  ending.time = bytes.substr(0, bytes.substr(0, kLongestTime + 1).find('"'));
  if (!LooksLikeTime(ending.time)) return std::nullopt;
  bytes.remove_prefix(ending.time.size());
  return TakePrefix(bytes, "\"}\n") ? std::optional(ending) : std::nullopt;
}

constexpr std::string_view kStdoutTags = " stdout F ";
constexpr std::string_view kStderrTags = " stderr F ";
/// Of a line whose time has all nine digits of the nanoseconds, as nine of ten have. Docker tells
/// the time behind the text: the text goes to where it will most likely stay.
constexpr std::size_t kLikelyHead =
    std::string_view("2026-01-02T03:04:05.123456789Z").size() + kStdoutTags.size();
/// What a line, and writing it, may need beyond the size of its record.
constexpr std::size_t kRoom = kLongestTime + kStdoutTags.size() + kBlock + 1;

/// Takes a record and writes its line; returns the line's length, 0 if that could not be done.
std::size_t WriteLine(std::string_view& bytes, char* line) {
  if (!TakePrefix(bytes, R"({"log":")")) return 0;
  const char* in = bytes.data();
  char* const text = line + kLikelyHead;
  char* end = text;
  if (!CopyUnescaped(in, in + bytes.size(), end) || end == text) return 0;
  bytes.remove_prefix(static_cast<std::size_t>(in + 1 - bytes.data()));
  const auto ending = TakeEnding(bytes);
  if (!ending) return 0;
  const bool is_partial = end[-1] != '\n';
  if (is_partial) *end++ = '\n';
  const auto& tags = ending->is_stderr ? kStderrTags : kStdoutTags;
  const std::size_t head = ending->time.size() + tags.size();
  const auto length = static_cast<std::size_t>(end - text);
  if (head != kLikelyHead) std::memmove(line + head, text, length);
  std::memcpy(line, ending->time.data(), ending->time.size());
  std::memcpy(line + ending->time.size(), tags.data(), tags.size());
  if (is_partial) line[head - 2] = 'P';
  return head + length;
}

}  // namespace

void AppendLine(std::string_view time, std::string_view stream, std::string_view text,
                std::string& out) {
  while (!text.empty()) {
    const auto part = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    out.append(time);
    out.append(stream == "stderr" ? kStderrTags : kStdoutTags);
    if (part.back() != '\n') out[out.size() - 2] = 'P';
    out.append(part);
    if (part.back() != '\n') out.push_back('\n');
    text.remove_prefix(part.size());
  }
}

std::size_t AppendRecord(std::string_view bytes, std::string& out) {
  const std::size_t before = out.size();
  std::string_view rest = bytes;
  std::size_t written = 0;
  out.resize_and_overwrite(before + bytes.size() + kRoom, [&](char* all, std::size_t) {
    written = WriteLine(rest, all + before);
    return before + written;
  });
  return written == 0 ? 0 : bytes.size() - rest.size();
}

bool AppendUnusualRecord(std::string_view record, std::string& out) {
  const auto json = nlohmann::json::parse(record, nullptr, false);
  if (!json.is_object()) return false;
  const auto text_of = [&](const char* name) {
    const auto field = json.find(name);
    return field != json.end() && field->is_string() ? field->get<std::string>() : std::string();
  };
  const std::string time = text_of("time");
  if (!LooksLikeTime(time)) return false;
  AppendLine(time, text_of("stream") == "stderr" ? "stderr" : "stdout", text_of("log"), out);
  return true;
}

std::optional<base::UnixNanos> TimeOfLine(std::string_view line) {
  const auto time = base::ParseRfc3339(line.substr(0, line.find(' ')));
  if (!time || *time == 0) return std::nullopt;
  return *time;
}

}  // namespace dockershimd::shim::logs
