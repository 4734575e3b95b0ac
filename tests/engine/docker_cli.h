#pragma once

#include <string>

namespace dockershimd::tests {

/// What `docker ARGUMENTS` prints, as people and scripts run it, without the last line's end. A
/// failure fails the test, and its message is returned.
std::string Docker(const std::string& arguments);

}  // namespace dockershimd::tests
