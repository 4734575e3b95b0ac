// What a line of the log torture says: the writer in the container and the test that reads the log
// make the same from its number. C, as the writer is.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LOG_LINE_ROOM ((100 << 10) + 64)

static inline uint64_t log_line_random(uint64_t seed, uint64_t number) {
  uint64_t mixed = (seed << 40) + number * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

// In runs, so that neither stream waits for the other at each line.
static inline int log_line_is_stderr(uint64_t seed, uint64_t number) {
  return (log_line_random(seed + 1, number / 8) & 3) == 0;
}

// In a seed: all sizes from 0 to 100 KiB are equally frequent.
#define LOG_EVEN_SIZES ((uint64_t)1 << 16)

// Mostly short, as logs are; one in 500 has up to 100 KiB. 230 bytes on average.
static inline size_t log_line_size(uint64_t seed, uint64_t random) {
  const uint64_t kind = random % 500;
  const uint64_t size = random >> 32;
  if (kind == 0 || (seed & LOG_EVEN_SIZES) != 0) return size % (100 << 10);
  return size % (kind < 50 ? 1200 : 150);
}

// Writes the line, without a newline, to `out`; returns its length. Short ones have characters of
// several bytes: in lines above 16 KiB Docker may cut those in two and so lose them.
static inline size_t log_line(uint64_t seed, uint64_t number, char* out) {
  static const char kText[] =
      "the quick brown fox jumps over \"the\" lazy dog; 0123456789 \\n is no newline, nor is \\ "
      "<b>&amp;</b>\ttab \x01\x1b[1mbold\x1b[0m\x7f {\"log\":\"x\\n\",\"stream\":\"stdout\"} ~";
  const size_t text = sizeof(kText) - 1;
  const uint64_t random = log_line_random(seed, number);
  const size_t size = log_line_size(seed, random);
  size_t length = (size_t)sprintf(out, "%llu ", (unsigned long long)number);
  size_t from = (random >> 16) % text;
  for (size_t left = size; left > 0;) {
    const size_t piece = left < text - from ? left : text - from;
    memcpy(out + length, kText + from, piece);
    length += piece;
    left -= piece;
    from = 0;
  }
  if (size < 1200 && (random & 0x700) == 0) {
    static const char kWide[] = "\xc3\xa9\xe2\x80\xa8\xf0\x9f\x98\x80";
    memcpy(out + length, kWide, sizeof(kWide) - 1);
    length += sizeof(kWide) - 1;
  }
  return length;
}
