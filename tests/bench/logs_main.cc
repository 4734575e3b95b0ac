// Has containers of several CRI runtimes write logs and prints how fast, how late and at what cost
// their lines reach the file that kubelet reads.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "contender.h"
#include "log_reading.h"
#include "log_writing.h"
#include "targets.h"

namespace dockershimd::bench {
namespace {

struct Options {
  std::vector<std::string> environments;  ///< NAME,PID,STATE
  std::string json;
  int mebibytes = 200;
  int seconds = 5;
  int rounds = 3;
};

/// What a container writes, and what is then looked at.
struct Load {
  std::string name;
  std::string mode;  ///< of line_writer
  int amount = 0;    ///< MiB or seconds: at 1 MiB/s the same
  int line_size = 0;
  base::Result<LogTimes> (*read)(const std::filesystem::path&) = nullptr;
};

void Note(const Load& load, const std::string& contender, const LogTimes& times, const CpuUse& use,
          Figures& figures) {
  const auto add = [&](const std::string& figure, double value) {
    figures.At(load.name + ": " + figure, contender).samples.push_back(value);
  };
  if (times.lags_ms.empty()) {
    add("MiB/s", load.amount / std::chrono::duration<double>(times.whole).count());
  } else {
    auto& lags = figures.At(load.name + ": lag, ms", contender).samples;
    lags.insert(lags.end(), times.lags_ms.begin(), times.lags_ms.end());
  }
  const auto add_cpu = [&](const std::string& whose, std::int64_t nanos) {
    add(whose + ", cpu-ms/MiB", static_cast<double>(nanos) / 1e6 / load.amount);
  };
  add_cpu("all", use.daemon + use.engine + use.shims);
  add_cpu("daemon", use.daemon);
  add_cpu("engine", use.engine);
  add_cpu("shims", use.shims);
}

CpuUse Difference(const CpuUse& after, const CpuUse& before) {
  return {after.daemon - before.daemon, after.engine - before.engine, after.shims - before.shims};
}

/// One container writes; `name` is new.
base::Status Write(const Load& load, const std::string& name, LogWriter& writer, Figures& figures) {
  const auto go = writer.Where().State() / ("go-" + name);
  const auto log =
      writer.Start(name, {(ProgramFolder() / "line_writer").string(), go.string(), load.mode,
                          std::to_string(load.amount), std::to_string(load.line_size)});
  if (!log) return base::Fail(log.error());
  // What follows a start is not to be counted.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  const auto before = writer.Where().Cpu();
  std::ofstream(go) << "\n";
  const auto times = load.read(*log);
  const auto use = Difference(writer.Where().Cpu(), before);
  if (!times) return base::Fail(times.error());
  Note(load, writer.Name(), *times, use, figures);
  return writer.Remove();
}

std::vector<Load> LoadsOf(const Options& options) {
  return {{"lines of 100 bytes", "flood", options.mebibytes, 100, AwaitEndOfLog},
          {"lines of 4 KiB", "flood", options.mebibytes, 4096, AwaitEndOfLog},
          {"1 MiB/s", "pace", options.seconds, 100, FollowLog}};
}

base::Status Measure(const Options& options, std::vector<std::unique_ptr<LogWriter>>& writers,
                     Figures& figures) {
  int containers = 0;
  for (const auto& load : LoadsOf(options)) {
    std::cerr << "bench: " << load.name << std::endl;
    for (int round = 0; round < options.rounds; ++round) {
      for (auto& writer : writers) {
        const auto name = fmt::format("log-{}", containers++);
        if (auto done = Write(load, name, *writer, figures); !done) {
          return base::Fail(done.error(), writer->Name() + ": " + load.name);
        }
      }
      // Nobody always comes first.
      std::rotate(writers.begin(), writers.begin() + 1, writers.end());
    }
  }
  return {};
}

void Print(const Options& options, const Figures& figures) {
  std::cout << "\nx: ours in terms of the peer's median\n\n"
            << figures.Table() << "\n"
            << TextOf(LogTargets(), figures);
  if (options.json.empty()) return;
  const nlohmann::json all{{"figures", figures.ToJson()},
                           {"targets", ToJson(LogTargets(), figures)}};
  std::ofstream(options.json) << all.dump(2) << "\n";
}

int Run(const Options& options) {
  auto contenders = ContendersOf(options.environments);
  std::vector<std::unique_ptr<LogWriter>> writers;
  std::vector<std::string> columns;
  for (auto& contender : contenders) {
    writers.push_back(WriterOf(*contender));
    if (contender->name != kOurs) continue;
    std::ranges::move(DockerWriters(*contender), std::back_inserter(writers));
  }
  for (const auto& writer : writers) columns.push_back(writer->Name());
  Figures figures(columns);
  const auto done = Measure(options, writers, figures);
  Print(options, figures);
  if (!done) std::cerr << "bench: " << done.error().message << "\n";
  return done ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dockershimd::bench

int main(int argc, char** argv) {
  using namespace dockershimd::bench;
  ::signal(SIGPIPE, SIG_IGN);
  Options options;
  CLI::App app("Compares the logs of CRI runtimes; see tests/bench/run.", "bench_logs");
  app.add_option("--environment", options.environments, "NAME,PID,STATE of each runtime")
      ->required();
  app.add_option("--json", options.json, "writes the figures there, too");
  app.add_option("--mebibytes", options.mebibytes, "what is written at full speed");
  app.add_option("--seconds", options.seconds, "how long 1 MiB/s is written");
  app.add_option("--rounds", options.rounds, "how often, at each runtime");
  CLI11_PARSE(app, argc, argv);
  try {
    return Run(options);
  } catch (const std::exception& error) {
    std::cerr << "bench: " << error.what() << "\n";
    return EXIT_FAILURE;
  }
}
