#include <malloc.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "base/log.h"
#include "shim/adoption/hand_back.h"
#include "shim/check/check.h"
#include "shim/commands/remove_pods.h"
#include "shim/commands/status.h"
#include "shim/config/config.h"
#include "shim/daemon.h"
#include "shim/linux/process_memory.h"
#include "shim/linux/systemd.h"
#include "shim/version.h"

namespace dockershimd::shim {
namespace {

using config::CommandLine;

/// The signals that the main thread takes; blocked before the first thread, so that every other
/// thread has them blocked too.
sigset_t BlockSignals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

/// Threads come and go by the dozen here and allocate little: an arena for each would keep what the
/// largest answer ever took, many times over. What is large is given back at once.
void KeepMemorySmall() {
  constexpr int kLarge = 256 * 1024;
  ::mallopt(M_ARENA_MAX, 2);
  ::mallopt(M_MMAP_THRESHOLD, kLarge);
  ::mallopt(M_TRIM_THRESHOLD, kLarge);
}

base::Status SetUpLog(const config::Config& config) {
  return base::SetUpLog(config.log_level, config.log_format == "json" ? base::LogFormat::kJson
                                                                      : base::LogFormat::kText);
}

constexpr std::chrono::seconds kReleaseInterval(30);

/// systemd wants to hear of us twice per watchdog period.
timespec PatienceOf() {
  const auto half = linuxos::WatchdogPeriod() / 2;
  const auto patience = half.count() == 0
                            ? kReleaseInterval
                            : std::min<std::chrono::microseconds>(half, kReleaseInterval);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(patience);
  return {seconds.count(), std::chrono::nanoseconds(patience - seconds).count()};
}

/// systemd's protocol: it takes the reload as done with the next READY.
void TellReloading() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  linuxos::NotifyServiceManager(fmt::format(
      "RELOADING=1\nMONOTONIC_USEC={}", std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000));
}

/// Only the log's level can change while the daemon runs.
void ApplyNewSettings(int argc, char** argv) {
  const auto again = config::ParseCommandLine(argc, argv, kVersion);
  if (again.action != CommandLine::Action::kRun) {
    spdlog::error("SIGHUP: the configuration is not usable any more; nothing was changed");
    return;
  }
  spdlog::set_level(spdlog::level::from_str(again.config.log_level));
  spdlog::info("SIGHUP: log level is {}; other settings need a restart", again.config.log_level);
}

void Reload(int argc, char** argv) {
  TellReloading();
  ApplyNewSettings(argc, argv);
  linuxos::NotifyServiceManager("READY=1");
}

void WaitForEnd(const sigset_t& signals, int argc, char** argv) {
  const timespec patience = PatienceOf();
  while (true) {
    const int number = ::sigtimedwait(&signals, nullptr, &patience);
    if (number == SIGHUP) {
      Reload(argc, argv);
    } else if (number > 0) {
      spdlog::info("stopping ({}); containers keep running",
                   number == SIGTERM ? "SIGTERM" : "SIGINT");
      return;
    }
    linuxos::NotifyServiceManager("WATCHDOG=1");
    linuxos::ReleaseUnusedMemory();
  }
}

int Run(const config::Config& config, const sigset_t& signals, int argc, char** argv) {
  if (auto set = SetUpLog(config); !set) {
    std::cerr << "dockershimd: " << set.error().message << "\n";
    return EXIT_FAILURE;
  }
  spdlog::info("dockershimd {}", kVersion);
  auto daemon = Daemon::Start(config);
  if (!daemon) {
    spdlog::error("cannot start: {}", daemon.error().message);
    return EXIT_FAILURE;
  }
  linuxos::NotifyServiceManager("READY=1");
  WaitForEnd(signals, argc, argv);
  linuxos::NotifyServiceManager("STOPPING=1");
  return EXIT_SUCCESS;
}

/// What others log on the way goes to stderr, and only what is wrong.
void SetUpToolLog() { (void)base::SetUpLog("warn", base::LogFormat::kText); }

int Check(const config::CommandLine& command) {
  const auto findings = check::CheckNode(command.config);
  command.json ? check::WriteJson(findings, std::cout) : check::WriteText(findings, std::cout);
  return check::Passed(findings) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dockershimd::shim

int main(int argc, char** argv) {
  using namespace dockershimd::shim;
  using Action = config::CommandLine::Action;
  KeepMemorySmall();
  const auto command = config::ParseCommandLine(argc, argv, kVersion);
  const auto exit_code = [](bool fine) { return fine ? EXIT_SUCCESS : EXIT_FAILURE; };
  // A peer that goes away must be an error of the write, not the end of the process.
  ::signal(SIGPIPE, SIG_IGN);
  if (command.action != Action::kRun) SetUpToolLog();
  switch (command.action) {
    case Action::kExit:
      return command.exit_code;
    case Action::kCheck:
      return Check(command);
    case Action::kStatus:
      return exit_code(commands::ShowStatus(command.endpoint, command.json, std::cout, std::cerr));
    case Action::kRemovePods:
      return exit_code(commands::RemovePods(command.endpoint, std::cout, std::cerr));
    case Action::kHandBack:
      return exit_code(adoption::HandBack(command.config, command.root_dir, std::cout, std::cerr));
    case Action::kRun:
      return Run(command.config, BlockSignals(), argc, argv);
  }
  return EXIT_FAILURE;
}
