#pragma once

#include <string>
#include <vector>

#include "base/call_context.h"
#include "base/result.h"

namespace dockershimd::base {

/// A program to run to its end.
struct Command {
  std::vector<std::string> argv;         ///< argv[0] is the program's absolute path
  std::vector<std::string> environment;  ///< "NAME=value"; nothing is inherited
  std::string standard_input;
};

struct CommandOutput {
  int exit_code = 0;  ///< 128 + signal where a signal ended it
  std::string standard_output;
  std::string standard_error;
};

/// This process's own variables, for a program that is to have them.
[[nodiscard]] std::vector<std::string> OwnEnvironment();

/// Runs a program in its own process group and waits for it. A program that is still running at
/// the context's deadline, or when the caller goes away, is killed with its whole group and
/// reaped: the answer is then kDeadlineExceeded or kCancelled. Each output is kept up to 8 MiB.
/// The process must ignore SIGPIPE: a program may end before it has read its input.
[[nodiscard]] Result<CommandOutput> Run(const CallContext& context, const Command& command);

}  // namespace dockershimd::base
