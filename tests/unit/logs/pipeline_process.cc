// A pipeline in a process of its own, for tests that kill it. Reads commands from standard input,
// "reopen" or "finish", and answers each with a line.
//
// usage: logs_pipeline_process STATE_FOLDER DOCKER_LOG CRI_LOG

#include <iostream>
#include <string>

#include "shim/logs/log_pipeline.h"

namespace logs = dockershimd::shim::logs;

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  dockershimd::dockerapi::Client client({.socket_path = "/nonexistent/docker.sock"});
  logs::LogPipeline pipeline({argv[1]}, client);
  const std::string id = "id";
  if (!pipeline.Follow({id, "test/pod/main", argv[2], argv[3], false})) return 1;
  for (std::string command; std::getline(std::cin, command);) {
    const auto limit = dockershimd::base::CallContext::WithTimeout(std::chrono::minutes(2));
    const auto done = command == "finish" ? pipeline.FinishAndWait(limit, id) : pipeline.Reopen(id);
    std::cout << (done ? "ok" : done.error().message) << std::endl;
  }
}
