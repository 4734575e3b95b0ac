// An OCI runtime in front of runc, for test machines without CAP_SYS_RESOURCE: there runc can
// neither lower an oom_score_adj below our own nor grant that capability, and fails the container.
// The bundle's config.json before "create" and "run", and the --process file before "exec", are
// rewritten: oomScoreAdj is raised to our own score, CAP_SYS_RESOURCE leaves the capability lists.
#include <ctype.h>
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *read_all(const char *path, size_t *size) {
  FILE *file = fopen(path, "r");
  struct stat info;
  if (!file || fstat(fileno(file), &info)) err(1, "%s", path);
  char *text = malloc(info.st_size + 1);
  *size = fread(text, 1, info.st_size, file);
  text[*size] = 0;
  fclose(file);
  return text;
}

static long own_score(void) {
  long score = 0;
  FILE *file = fopen("/proc/self/oom_score_adj", "r");
  if (file) {
    if (fscanf(file, "%ld", &score) != 1) score = 0;
    fclose(file);
  }
  return score;
}

static void remove_capability(char *text) {
  static const char name[] = "\"CAP_SYS_RESOURCE\"";
  char *at;
  while ((at = strstr(text, name))) {
    char *end = at + sizeof name - 1;
    while (isspace((unsigned char)*end)) end++;
    if (*end == ',') {
      end++;
    } else {
      while (at > text && isspace((unsigned char)at[-1])) at--;
      if (at > text && at[-1] == ',') at--;
    }
    memmove(at, end, strlen(end) + 1);
  }
}

// Needs room for a longer number behind the text.
static void raise_score(char *text, long least) {
  char *at = strstr(text, "\"oomScoreAdj\"");
  if (!at || !(at = strchr(at, ':'))) return;
  char *end;
  long score = strtol(++at, &end, 10);
  if (end == at || score >= least) return;
  char number[24];
  int length = snprintf(number, sizeof number, "%ld", least);
  memmove(at + length, end, strlen(end) + 1);
  memcpy(at, number, length);
}

static void rewrite(const char *path) {
  size_t size;
  char *text = read_all(path, &size);
  text = realloc(text, size + 64);
  remove_capability(text);
  raise_score(text, own_score());
  FILE *file = fopen(path, "w");
  if (!file || fputs(text, file) < 0 || fclose(file)) err(1, "%s", path);
  free(text);
}

// The value of --name V, --name=V or -n V; NULL when absent.
static const char *option(int argc, char **argv, const char *name, char letter) {
  size_t length = strlen(name);
  for (int i = 1; i < argc; i++) {
    const char *arg = argv[i];
    if (arg[0] == '-' && arg[1] == letter && !arg[2]) return i + 1 < argc ? argv[i + 1] : NULL;
    while (*arg == '-') arg++;
    if (arg - argv[i] != 2 || strncmp(arg, name, length)) continue;
    if (arg[length] == '=') return arg + length + 1;
    if (!arg[length] && i + 1 < argc) return argv[i + 1];
  }
  return NULL;
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "create") || !strcmp(argv[i], "run")) {
      const char *bundle = option(argc, argv, "bundle", 'b');
      char path[4096];
      snprintf(path, sizeof path, "%s/config.json", bundle ? bundle : ".");
      rewrite(path);
      break;
    }
    if (!strcmp(argv[i], "exec")) {
      const char *process = option(argc, argv, "process", 'p');
      if (process) rewrite(process);
      break;
    }
  }
  execvp("runc", argv);
  err(1, "runc");
}
