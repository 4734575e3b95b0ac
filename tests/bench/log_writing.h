#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "contender.h"

namespace dockershimd::bench {

/// A container that runs line_writer, by one of those that are compared.
class LogWriter {
 public:
  virtual ~LogWriter() = default;

  /// What the contender is called in the figures.
  [[nodiscard]] virtual const std::string& Name() const = 0;
  [[nodiscard]] virtual const Environment& Where() const = 0;
  /// Starts a container of this name, which is new; returns the log that kubelet would read.
  [[nodiscard]] virtual base::Result<std::filesystem::path> Start(
      const std::string& name, const std::vector<std::string>& command) = 0;
  /// Removes it with its log.
  [[nodiscard]] virtual base::Status Remove() = 0;
};

/// Containers see this folder, which holds the program line_writer.
[[nodiscard]] std::filesystem::path ProgramFolder();

[[nodiscard]] std::unique_ptr<LogWriter> WriterOf(Contender& contender);

/// On the contender's engine, but by Docker alone, seen by no daemon: with the same options of
/// Docker's log, which is what that log costs and is read from; and with the logging plugin that
/// writes a CRI log, with and without the copy of it that Docker keeps for "docker logs".
[[nodiscard]] std::vector<std::unique_ptr<LogWriter>> DockerWriters(Contender& contender);

}  // namespace dockershimd::bench
