// Writes the lines of log_lines.h, as fast as it can or with a pause after every hundred.
// usage: log_writer SEED LINES PAUSE_MICROSECONDS [START]      (begins when the file START is
// there)

#include <stdlib.h>
#include <unistd.h>

#include "log_lines.h"

static char buffer[4 * LOG_LINE_ROOM];

static void write_all(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t count = write(fd, bytes, size);
    if (count < 0) exit(1);
    bytes += count;
    size -= (size_t)count;
  }
}

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) return 2;
  while (argc == 5 && access(argv[4], F_OK) != 0) usleep(10000);
  const uint64_t seed = strtoull(argv[1], NULL, 10);
  const uint64_t lines = strtoull(argv[2], NULL, 10);
  const useconds_t pause = (useconds_t)strtoul(argv[3], NULL, 10);
  size_t used = 0;
  for (uint64_t number = 0; number < lines; ++number) {
    const int stream = log_line_is_stderr(seed, number) ? STDERR_FILENO : STDOUT_FILENO;
    used += log_line(seed, number, buffer + used);
    buffer[used++] = '\n';
    const int last = number + 1 == lines;
    const int turns = !last && log_line_is_stderr(seed, number + 1) != (stream == STDERR_FILENO);
    if (last || turns || used > sizeof(buffer) - LOG_LINE_ROOM ||
        log_line_random(seed + 2, number) % 16 == 0) {
      write_all(stream, buffer, used);
      used = 0;
    }
    if (pause > 0 && number % 100 == 99) usleep(pause);
  }
  return 0;
}
