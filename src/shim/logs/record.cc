#include "shim/logs/record.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>

namespace dockershimd::shim::logs {
namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

bool IsPlain(char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; }

/// Bytes before the first quote, backslash or control character; sixteen at a time, by the
/// compiler's vectors, as most of a log is plain text.
std::size_t PlainLength(const char* text, std::size_t size) {
  using Block = unsigned char __attribute__((vector_size(16)));
  using Words = std::uint64_t __attribute__((vector_size(16)));
  std::size_t at = 0;
  for (; at + sizeof(Block) <= size; at += sizeof(Block)) {
    Block block;
    std::memcpy(&block, text + at, sizeof(block));
    const auto special = (block == '"') | (block == '\\') | (block < 0x20);
    Words words;
    std::memcpy(&words, &special, sizeof(words));
    for (const std::size_t half : {0, 1}) {
      if (words[half] == 0) continue;
      return at + half * 8 + static_cast<std::size_t>(std::countr_zero(words[half])) / 8;
    }
  }
  while (at < size && IsPlain(text[at])) ++at;
  return at;
}

void AppendUtf8(std::uint32_t code, std::string& out) {
  const auto push = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    push(code);
  } else if (code < 0x800) {
    push(0xc0 | code >> 6);
    push(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    push(0xe0 | code >> 12);
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
  } else {
    push(0xf0 | code >> 18);
    push(0x80 | (code >> 12 & 0x3f));
    push(0x80 | (code >> 6 & 0x3f));
    push(0x80 | (code & 0x3f));
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

/// `text` starts behind a backslash, with a 'u'. Halves of a pair that stand alone become U+FFFD,
/// as Go reads them.
bool UnescapeUnicode(std::string_view& text, std::string& out) {
  const auto code = TakeHex(text);
  if (!code) return false;
  if (*code < 0xd800 || *code > 0xdfff) {
    AppendUtf8(*code, out);
    return true;
  }
  if (*code < 0xdc00 && text.starts_with("\\u")) {
    auto behind = text.substr(1);
    const auto low = TakeHex(behind);
    if (!low) return false;
    if (*low >= 0xdc00 && *low <= 0xdfff) {
      AppendUtf8(0x10000 + ((*code - 0xd800) << 10) + (*low - 0xdc00), out);
      text = behind;
      return true;
    }
  }
  out += kReplacement;
  return true;
}

/// `text` starts behind a backslash.
bool UnescapeOne(std::string_view& text, std::string& out) {
  if (text.empty()) return false;
  constexpr std::string_view kNames = "nrt\"\\/bf";
  constexpr std::string_view kBytes = "\n\r\t\"\\/\b\f";
  const auto index = kNames.find(text.front());
  if (index == std::string_view::npos) return UnescapeUnicode(text, out);
  out.push_back(kBytes[index]);
  text.remove_prefix(1);
  return true;
}

/// Appends what a JSON string says, given without its quotes. False: it is none, or it has a
/// newline before its end.
bool Unescape(std::string_view text, std::string& out) {
  while (true) {
    const std::size_t plain = PlainLength(text.data(), text.size());
    out.append(text.data(), plain);
    text.remove_prefix(plain);
    if (text.empty()) return true;
    if (text.front() != '\\') return false;
    text.remove_prefix(1);
    if (!UnescapeOne(text, out)) return false;
    if (out.back() == '\n' && !text.empty()) return false;
  }
}

bool TakeSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

/// Looks at each letter of each record: a table, as a search in a string costs as much as all else.
bool IsOfTime(char letter) {
  static constexpr auto kLetters = [] {
    std::array<bool, 256> letters{};
    for (const char one : std::string_view("0123456789-:.TZ+")) {
      letters[static_cast<unsigned char>(one)] = true;
    }
    return letters;
  }();
  return kLetters[static_cast<unsigned char>(letter)];
}

bool LooksLikeTime(std::string_view time) {
  return time.size() >= 20 && time.size() <= 35 && time[4] == '-' && time[10] == 'T' &&
         std::all_of(time.begin(), time.end(), IsOfTime);
}

/// A record as views into its line; `text` is still escaped.
struct Fields {
  std::string_view text;
  std::string_view stream;
  std::string_view time;
};

/// Reads {"log":"...","stream":"...","time":"..."} from its end, without looking at the text. That
/// is sound because a quote inside the text would have a backslash before it.
std::optional<Fields> Split(std::string_view line) {
  constexpr std::string_view kHead = R"({"log":")";
  if (!line.starts_with(kHead)) return std::nullopt;
  line.remove_prefix(kHead.size());
  if (!TakeSuffix(line, "\"}")) return std::nullopt;
  const auto quote = line.rfind('"');
  if (quote == std::string_view::npos) return std::nullopt;
  Fields fields;
  fields.time = line.substr(quote + 1);
  line.remove_suffix(line.size() - quote - 1);
  if (TakeSuffix(line, R"(","stream":"stdout","time":")")) {
    fields.stream = "stdout";
  } else if (TakeSuffix(line, R"(","stream":"stderr","time":")")) {
    fields.stream = "stderr";
  } else {
    return std::nullopt;
  }
  fields.text = line;
  return LooksLikeTime(fields.time) ? std::optional(fields) : std::nullopt;
}

void AppendHead(std::string_view time, std::string_view stream, std::string& out) {
  using namespace std::string_view_literals;
  out.append(time);
  out.append(stream == "stderr" ? " stderr F "sv : " stdout F "sv);
}

/// Completes a line whose text has been appended from `text` on: the text's own newline ends it.
void EndLine(std::size_t text, std::string& out) {
  if (out.back() != '\n' || out.size() == text) {
    out[text - 2] = 'P';
    out.push_back('\n');
  }
}

}  // namespace

void AppendLine(std::string_view time, std::string_view stream, std::string_view text,
                std::string& out) {
  while (!text.empty()) {
    const auto part = text.substr(0, std::min(text.find('\n'), text.size() - 1) + 1);
    AppendHead(time, stream, out);
    const std::size_t start = out.size();
    out.append(part);
    EndLine(start, out);
    text.remove_prefix(part.size());
  }
}

bool AppendRecord(std::string_view record, std::string& out) {
  const auto fields = Split(record);
  if (!fields) return AppendUnusualRecord(record, out);
  const std::size_t before = out.size();
  AppendHead(fields->time, fields->stream, out);
  const std::size_t text = out.size();
  if (!Unescape(fields->text, out) || out.size() == text) {
    out.resize(before);
    return AppendUnusualRecord(record, out);
  }
  EndLine(text, out);
  return true;
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
