// What a container of the log benchmark runs: waits until the file START is there, writes lines
// like those of a web service, each with its time, then "end-of-log" and the time of the first
// line, and stays until it is told to end. usage: line_writer START flood MIB LINE_SIZE        as
// fast as it can
//        line_writer START pace SECONDS LINE_SIZE     1 MiB/s

#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { kMib = 1 << 20, kTicksPerSecond = 1000, kHeadSize = 26 };

static char buffer[256 << 10];
static size_t used;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void flush(void) {
  for (size_t done = 0; done < used;) {
    const ssize_t count = write(STDOUT_FILENO, buffer + done, used - done);
    if (count < 0) exit(1);
    done += (size_t)count;
  }
  used = 0;
}

static void append_line(size_t size) {
  static const char kText[] =
      "level=info msg=\"request handled\" method=GET path=/api/v1/items status=200 bytes=5120 ";
  char* line = buffer + used;
  const int head = snprintf(line, kHeadSize, "time=%llu ", (unsigned long long)now());
  for (size_t at = (size_t)head; at < size - 1; ++at) {
    line[at] = kText[(at - (size_t)head) % (sizeof(kText) - 1)];
  }
  line[size - 1] = '\n';
  used += size;
}

static void flood(uint64_t bytes, size_t size) {
  for (uint64_t written = 0; written < bytes; written += size) {
    append_line(size);
    if (used + size > sizeof(buffer)) flush();
  }
  flush();
}

static void pace(uint64_t seconds, size_t size) {
  struct timespec tick;
  clock_gettime(CLOCK_MONOTONIC, &tick);
  uint64_t written = 0;
  for (uint64_t ticks = 1; ticks <= seconds * kTicksPerSecond; ++ticks) {
    while (written < ticks * kMib / kTicksPerSecond) {
      append_line(size);
      written += size;
    }
    flush();
    tick.tv_nsec += 1000000000 / kTicksPerSecond;
    if (tick.tv_nsec >= 1000000000) {
      tick.tv_nsec -= 1000000000;
      ++tick.tv_sec;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &tick, NULL);
  }
}

static void end(int number) {
  (void)number;
  _exit(0);
}

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  signal(SIGTERM, end);
  const uint64_t amount = strtoull(argv[3], NULL, 10);
  const size_t size = strtoull(argv[4], NULL, 10);
  if (size < kHeadSize || size > sizeof(buffer)) return 2;
  while (access(argv[1], F_OK) != 0) usleep(1000);
  const uint64_t start = now();
  if (strcmp(argv[2], "flood") == 0) {
    flood(amount * kMib, size);
  } else {
    pace(amount, size);
  }
  used = (size_t)sprintf(buffer, "end-of-log %llu\n", (unsigned long long)start);
  flush();
  while (1) pause();
}
