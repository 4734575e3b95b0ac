#include "docker_cli.h"

#include <gtest/gtest.h>

#include "base/process.h"

namespace dockershimd::tests {

std::string Docker(const std::string& arguments) {
  const base::Command command{.argv = {"/bin/sh", "-c", "exec docker " + arguments},
                              .environment = base::OwnEnvironment(),
                              .standard_input = {}};
  const auto limit = base::CallContext::WithTimeout(std::chrono::minutes(2));
  auto output = base::Run(limit, command);
  if (!output) {
    ADD_FAILURE() << "docker " << arguments << ": " << output.error().message;
    return output.error().message;
  }
  EXPECT_EQ(output->exit_code, 0) << "docker " << arguments << ": " << output->standard_error;
  auto text = output->exit_code == 0 ? output->standard_output : output->standard_error;
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace dockershimd::tests
