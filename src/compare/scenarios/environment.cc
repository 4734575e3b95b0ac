// What a process in a container finds around it: the differences that applications feel.
#include <fmt/format.h>

#include <sstream>

#include "compare/scenario.h"

namespace dockershimd::compare {
namespace {

/// One observation per line "name value", so that they differ one by one.
void ObserveLines(Session& s, const std::string& what, const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto space = line.find_first_of(" \t");
    s.Observe(fmt::format("{}[{}]", what, line.substr(0, space)),
              space == std::string::npos ? "" : line.substr(space + 1));
  }
}

void Process(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("process"));
  const auto id = s.Run(pod, s.Sleeper("main"));
  s.Observe("user and groups", s.Output(id, "echo $(id -u) $(id -g) $(id -G)"));
  s.Observe("umask", s.Output(id, "umask"));
  s.Observe("working directory", s.Output(id, "pwd"));
  s.Observe("oom_score_adj", s.Output(id, "cat /proc/1/oom_score_adj"));
  ObserveLines(s, "status",
               s.Output(id,
                        "grep -E '^(Cap|NoNewPrivs|Seccomp:|Groups)' /proc/1/status | "
                        "tr -d ':' | sed 's/[ \t]*$//'"));
  ObserveLines(s, "limit",
               s.Output(id,
                        "tail -n +2 /proc/1/limits | "
                        "sed 's/   */|/g; s/|$//; s/ /-/g; s/|/ /g'"));
}

void Variables(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("variables"));
  const auto id = s.Run(pod, s.Sleeper("main"));
  ObserveLines(s, "variable", s.Output(id, "tr '\\0' '\\n' </proc/1/environ | sed 's/=/ /'"));
  const auto in_exec = s.Need("ExecSync", s.TryExec(id, {"env"}));
  std::string text = in_exec.stdout();
  for (auto at = text.find('='); at != std::string::npos;
       at = text.find('=', text.find('\n', at))) {
    text[at] = ' ';
  }
  ObserveLines(s, "variable in exec", text);
}

void Mounts(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("mounts"));
  const auto id = s.Run(pod, s.Sleeper("main"));
  // Where, of what kind, and those options that an application feels.
  const auto list = s.Output(id,
                             "while read -r id parent dev root where options rest; do "
                             "[ $where = / ] && continue; shown=; "
                             "for o in ro rw nosuid nodev noexec; do "
                             "case ,$options, in *,$o,*) shown=$shown,$o;; esac; done; "
                             "echo $where $(echo \"$rest\" | sed 's/.*- //; s/ .*//') ${shown#,}; "
                             "done </proc/self/mountinfo | sort -u");
  ObserveLines(s, "mount", list);
  s.Observe("KiB of /dev/shm",
            s.Output(id, "df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2"));
}

void Devices(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("devices"));
  const auto id = s.Run(pod, s.Sleeper("main"));
  ObserveLines(s, "device", s.Output(id, "cd /dev && stat -c '%n %F, %a' *"));
}

void Files(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("files"));
  const auto id = s.Run(pod, s.Sleeper("main"));
  s.Observe("hostname", s.Output(id, "hostname"));
  s.Observe("/etc/hostname", s.Output(id, "cat /etc/hostname"));
  s.Observe("/etc/resolv.conf", s.Output(id, "cat /etc/resolv.conf"));
  s.Observe("/etc/mtab", s.Output(id, "readlink /etc/mtab || echo none"));
  s.Observe("/proc/sys is", s.Output(id,
                                     "(echo x >/proc/sys/kernel/domainname) 2>/dev/null && "
                                     "echo writable || echo read-only"));
  s.Observe("/sys/fs/cgroup is",
            s.Output(id,
                     "for d in /sys/fs/cgroup /sys/fs/cgroup/memory; do "
                     "mkdir $d/probe 2>/dev/null && rmdir $d/probe && found=yes; done; "
                     "[ \"$found\" ] && echo writable || echo read-only"));
}

void CommandLine(Session& s) {
  const auto pod = s.RunPod(s.PodConfig("command"));
  auto both = s.Command("both", {"sh", "-c", "echo \"$0 $@\"", "first"});
  both.add_args("second $(NOT_EXPANDED)");
  s.Observe("command and args", s.OutputOf(pod, both));
  auto tty = s.Shell("tty", "test -t 0 && test -t 1 && echo a terminal, $TERM");
  tty.set_tty(true);
  s.Observe("with a terminal", s.OutputOf(pod, tty));
  auto folder = s.Shell("folder", "pwd");
  folder.set_working_dir("/not/there/yet");
  s.Observe("working directory that is not there", s.OutputOf(pod, folder));
  auto args = s.Command("args", {});
  args.add_args("-c");
  args.add_args("echo args");
  s.ObserveCode("args without a command", s.TryCreate(pod, args));
}

constexpr Scenario kScenarios[] = {
    {"environment/process", "user, capabilities, limits of a container's process", Process},
    {"environment/variables", "environment variables of the process and of exec", Variables},
    {"environment/mounts", "what is mounted in a container by itself", Mounts},
    {"environment/devices", "devices in /dev", Devices},
    {"environment/files", "files that the runtime writes, the kernel's folders", Files},
    {"environment/command", "command, args, terminal, working directory", CommandLine},
};

}  // namespace

std::span<const Scenario> EnvironmentScenarios() { return kScenarios; }

}  // namespace dockershimd::compare
