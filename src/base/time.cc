#include "base/time.h"

#include <charconv>
#include <chrono>

namespace dockershimd::base {
namespace {

constexpr UnixNanos kNanosPerSecond = 1'000'000'000;

/// Reads exactly `digits` digits at `position` and moves it behind them; -1 if they are not there.
int ReadNumber(std::string_view text, std::size_t& position, std::size_t digits) {
  if (position + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t end = position + digits; position < end; ++position) {
    if (text[position] < '0' || text[position] > '9') return -1;
    value = value * 10 + (text[position] - '0');
  }
  return value;
}

bool Skip(std::string_view text, std::size_t& position, std::string_view any_of) {
  if (position >= text.size() || any_of.find(text[position]) == std::string_view::npos) {
    return false;
  }
  ++position;
  return true;
}

/// Nanoseconds; digits beyond them are cut off. -1 without a digit.
UnixNanos ReadFraction(std::string_view text, std::size_t& position) {
  const std::size_t start = position;
  UnixNanos nanos = 0;
  UnixNanos scale = kNanosPerSecond / 10;
  while (position < text.size() && text[position] >= '0' && text[position] <= '9') {
    nanos += (text[position++] - '0') * scale;
    scale /= 10;
  }
  return position > start ? nanos : -1;
}

/// Seconds east of UTC.
std::expected<int, bool> ReadOffset(std::string_view text, std::size_t& position) {
  if (Skip(text, position, "Zz")) return 0;
  const bool west = position < text.size() && text[position] == '-';
  if (!Skip(text, position, "+-")) return std::unexpected(false);
  const int hours = ReadNumber(text, position, 2);
  if (hours < 0 || hours > 23 || !Skip(text, position, ":")) return std::unexpected(false);
  const int minutes = ReadNumber(text, position, 2);
  if (minutes < 0 || minutes > 59) return std::unexpected(false);
  const int seconds = hours * 3600 + minutes * 60;
  return west ? -seconds : seconds;
}

}  // namespace

Result<UnixNanos> ParseRfc3339(std::string_view text) {
  using namespace std::chrono;
  if (text.empty() || text.starts_with("0001-01-01T00:00:00")) return 0;
  const auto malformed = [&] { return Fail(Code::kInternal, "not an RFC 3339 time: '{}'", text); };
  std::size_t at = 0;
  const int year_number = ReadNumber(text, at, 4);
  if (year_number < 0 || !Skip(text, at, "-")) return malformed();
  const int month_number = ReadNumber(text, at, 2);
  if (month_number < 0 || !Skip(text, at, "-")) return malformed();
  const int day_number = ReadNumber(text, at, 2);
  if (day_number < 0 || !Skip(text, at, "Tt ")) return malformed();
  const int hour = ReadNumber(text, at, 2);
  if (hour < 0 || hour > 23 || !Skip(text, at, ":")) return malformed();
  const int minute = ReadNumber(text, at, 2);
  if (minute < 0 || minute > 59 || !Skip(text, at, ":")) return malformed();
  const int second = ReadNumber(text, at, 2);
  if (second < 0 || second > 60) return malformed();
  const UnixNanos nanos = Skip(text, at, ".") ? ReadFraction(text, at) : 0;
  if (nanos < 0) return malformed();
  const auto offset = ReadOffset(text, at);
  const year_month_day date{year(year_number), month(static_cast<unsigned>(month_number)),
                            day(static_cast<unsigned>(day_number))};
  // The years that fit into 64-bit nanoseconds.
  if (!offset || at != text.size() || !date.ok() || year_number < 1678 || year_number > 2261) {
    return malformed();
  }
  const std::int64_t days = sys_days(date).time_since_epoch().count();
  const std::int64_t seconds = days * 86400 + hour * 3600 + minute * 60 + second - *offset;
  return seconds * kNanosPerSecond + nanos;
}

std::string FormatRfc3339(UnixNanos time) {
  using namespace std::chrono;
  const sys_time<nanoseconds> point{nanoseconds(time)};
  const auto days_point = floor<days>(point);
  const year_month_day date(days_point);
  const hh_mm_ss clock(point - days_point);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

UnixNanos WallClockNow() {
  using namespace std::chrono;
  return duration_cast<nanoseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace dockershimd::base
