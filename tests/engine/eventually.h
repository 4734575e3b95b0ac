#pragma once

#include <chrono>
#include <thread>

namespace dockershimd::tests {

/// Waits until it is true, for what takes its time on a busy machine; false if it never is.
template <class Condition>
bool Eventually(const Condition& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return true;
}

}  // namespace dockershimd::tests
