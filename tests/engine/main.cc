// Tests of this folder need a real engine: tests/support/with-engine runs them with one.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (std::getenv("DSD_TEST_DOCKER_SOCKET") == nullptr) {
    std::cout << "skipped: DSD_TEST_DOCKER_SOCKET is not set; run with tests/support/with-engine\n";
    return 77;
  }
  return RUN_ALL_TESTS();
}
