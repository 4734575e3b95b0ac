// A logging plugin of Docker's that writes the CRI log from the engine's FIFO, and remembers
// nothing: what the other way to a container's output costs, see docs/logs.md.
// usage: log_plugin NAME FOLDER      (the log of a container is FOLDER/<its id>)
#include <fcntl.h>
#include <fmt/format.h>
#include <httplib.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "log_entry.pb.h"
#include "shim/logs/record.h"
#include "shim/streaming/wire/big_endian.h"

namespace dockershimd::bench {
namespace {

namespace wire = shim::streaming::wire;

/// Writes one container's log.
class LogCopy {
 public:
  LogCopy(const std::string& fifo, const std::string& log)
      : input_(Opened(fifo, O_RDONLY)), output_(Opened(log, O_WRONLY | O_CREAT | O_APPEND)) {
    ::fcntl(input_.Get(), F_SETPIPE_SZ, kPipeSize);
  }

  /// Until the engine closes the FIFO.
  void Run() {
    std::string bytes(2 * kPipeSize, '\0');
    std::size_t have = 0;
    while (true) {
      const auto got = ::read(input_.Get(), bytes.data() + have, bytes.size() - have);
      if (got <= 0) return;
      have += static_cast<std::size_t>(got);
      const auto done = Write(std::string_view(bytes).substr(0, have));
      have -= done;
      std::memmove(bytes.data(), bytes.data() + done, have);
    }
  }

 private:
  static constexpr int kPipeSize = 1 << 20;

  static base::UniqueFd Opened(const std::string& path, int flags) {
    auto fd = base::OpenFile(path, flags, 0644);
    if (!fd) throw std::runtime_error(fd.error().message);
    return std::move(*fd);
  }

  /// Writes the line of each whole entry; returns how many bytes of `bytes` that were.
  std::size_t Write(std::string_view bytes) {
    constexpr std::size_t kSizeBytes = 4;
    out_.clear();
    std::size_t done = 0;
    while (bytes.size() - done >= kSizeBytes) {
      const auto size = wire::ReadBigEndian(bytes.substr(done, kSizeBytes));
      if (bytes.size() - done - kSizeBytes < size) break;
      AppendEntry(bytes.substr(done + kSizeBytes, size));
      done += kSizeBytes + size;
    }
    if (auto written = base::WriteAll(output_.Get(), out_, "write the log"); !written) {
      throw std::runtime_error(written.error().message);
    }
    return done;
  }

  void AppendEntry(std::string_view bytes) {
    if (!entry_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
      throw std::runtime_error("an entry of Docker's log cannot be read");
    }
    if (!entry_.partial()) entry_.mutable_line()->push_back('\n');
    shim::logs::AppendLine(TimeOf(entry_.time_nano()), entry_.source(), entry_.line(), out_);
  }

  /// FormatRfc3339, once for a second: there may be many lines in it.
  const std::string& TimeOf(base::UnixNanos time) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    constexpr std::size_t kFraction = std::string_view("2026-01-02T03:04:05.").size();
    if (time / kSecond != second_) time_ = base::FormatRfc3339(time);
    second_ = time / kSecond;
    fmt::format_to(time_.begin() + kFraction, "{:09}", time % kSecond);
    return time_;
  }

  base::UniqueFd input_;
  base::UniqueFd output_;
  LogEntry entry_;
  std::string out_;
  std::int64_t second_ = -1;
  std::string time_;
};

int Run(const std::string& name, const std::filesystem::path& folder) {
  std::filesystem::create_directories(folder);
  std::mutex mutex;
  std::list<std::jthread> copies;
  httplib::Server server;
  const auto answer = [](httplib::Response& response, const nlohmann::json& body) {
    response.set_content(body.dump(), "application/vnd.docker.plugins.v1.1+json");
  };
  server.Post("/Plugin.Activate", [&](const auto&, auto& response) {
    answer(response, {{"Implements", {"LogDriver"}}});
  });
  server.Post("/LogDriver.Capabilities", [&](const auto&, auto& response) {
    answer(response, {{"Cap", {{"ReadLogs", false}}}});
  });
  server.Post("/LogDriver.StartLogging", [&](const auto& request, auto& response) {
    const auto asked = nlohmann::json::parse(request.body);
    const std::scoped_lock lock(mutex);
    copies.emplace_back(
        [fifo = asked.at("File").template get<std::string>(),
         log = folder / asked.at("Info").at("ContainerID").template get<std::string>()] {
          LogCopy(fifo, log).Run();
        });
    answer(response, {{"Err", ""}});
  });
  server.Post("/LogDriver.StopLogging",
              [&](const auto&, auto& response) { answer(response, {{"Err", ""}}); });
  // Where Docker looks for plugins.
  const std::filesystem::path plugins("/run/docker/plugins");
  std::filesystem::create_directories(plugins);
  server.set_address_family(AF_UNIX);
  return server.listen((plugins / (name + ".sock")).string(), 80) ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace dockershimd::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: log_plugin NAME FOLDER\n";
    return EXIT_FAILURE;
  }
  ::signal(SIGPIPE, SIG_IGN);
  return dockershimd::bench::Run(argv[1], argv[2]);
}
