#include <fmt/format.h>
#include <signal.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <thread>

#include "compare/clean_up.h"
#include "compare/options.h"
#include "compare/run.h"
#include "compare/scenario.h"
#include "shim/version.h"

namespace dockershimd::compare {
namespace {

constexpr int kPolicyBroken = 1;
constexpr int kUnusable = 3;
constexpr int kInterrupted = 130;

/// Turns SIGINT and SIGTERM into a stop, so that a run ends with everything removed.
class SignalStop {
 public:
  SignalStop() {
    ::sigemptyset(&signals_);
    for (const int number : {SIGTERM, SIGINT, SIGHUP}) ::sigaddset(&signals_, number);
    // Before the first thread, so that every other thread has them blocked too.
    ::pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    waiter_ = std::jthread([this](const std::stop_token& ended) { Wait(ended); });
  }

  [[nodiscard]] std::stop_token Token() const { return stop_.get_token(); }

 private:
  void Wait(const std::stop_token& ended) {
    constexpr timespec kPatience{0, 100'000'000};
    while (!ended.stop_requested()) {
      if (::sigtimedwait(&signals_, nullptr, &kPatience) <= 0) continue;
      if (!stop_.stop_requested()) std::cerr << "\ncri-compare: removing what was made\n";
      stop_.request_stop();
    }
  }

  sigset_t signals_{};
  std::stop_source stop_;
  std::jthread waiter_;  // last: begins when the rest is there
};

int List() {
  for (const auto& scenario : AllScenarios()) {
    std::cout << fmt::format("{:<32} {}\n", scenario.name, scenario.about);
  }
  return EXIT_SUCCESS;
}

int Clean(const Options& options) {
  int code = EXIT_SUCCESS;
  for (const auto& [side, address] : {std::pair("left", options.left), {"right", options.right}}) {
    Endpoint endpoint(side, address);
    const auto removed = RemoveLeftovers(endpoint);
    if (removed) {
      std::cout << fmt::format("{}: {} pods removed\n", address, *removed);
    } else {
      std::cerr << "cri-compare: " << removed.error().message << "\n";
      code = kUnusable;
    }
  }
  return code;
}

bool WriteFile(const std::filesystem::path& path, const Report& report,
               void (*write)(const Report&, std::ostream&)) {
  if (path.empty()) return true;
  std::ofstream out(path);
  write(report, out);
  out.close();
  if (!out) std::cerr << "cri-compare: cannot write " << path.string() << "\n";
  return out.good();
}

int CompareBoth(const Options& options) {
  const SignalStop signals;
  const auto report = RunComparison(options, signals.Token(), std::cerr);
  if (!report) {
    std::cerr << "cri-compare: " << report.error().message << "\n";
    if (signals.Token().stop_requested()) return kInterrupted;
    return report.error().code == base::Code::kInvalidArgument ? 2 : kUnusable;
  }
  WriteText(*report, std::cout);
  const bool written = WriteFile(options.json, *report, WriteJson) &
                       WriteFile(options.junit, *report, WriteJunit) &
                       WriteFile(options.html, *report, WriteHtml);
  if (!written) return kUnusable;
  return report->violations.empty() ? EXIT_SUCCESS : kPolicyBroken;
}

}  // namespace
}  // namespace dockershimd::compare

int main(int argc, char** argv) {
  using namespace dockershimd;
  const auto command = compare::ParseCommandLine(argc, argv, shim::kVersion);
  switch (command.action) {
    case compare::CommandLine::Action::kExit:
      return command.exit_code;
    case compare::CommandLine::Action::kList:
      return compare::List();
    case compare::CommandLine::Action::kClean:
      return compare::Clean(command.options);
    case compare::CommandLine::Action::kCompare:
      return compare::CompareBoth(command.options);
  }
  return EXIT_FAILURE;
}
