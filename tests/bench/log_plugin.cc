// A logging plugin of Docker's that writes the CRI log from the engine's FIFO, and remembers
// nothing: what the other way to a container's output costs, see docs/logs.md.
// usage: log_plugin NAME FOLDER      (the log of a container is FOLDER/<its id>)
#include <fcntl.h>
#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <httplib.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

#include "base/file.h"
#include "base/time.h"
#include "base/unique_fd.h"

namespace dockershimd::bench {
namespace {

using google::protobuf::io::CodedInputStream;

/// Docker's api/types/plugins/logdriver/entry.proto.
struct Entry {
  std::string source;
  std::int64_t time_ns = 0;
  std::string line;
  bool partial = false;
};

/// As protobuf's generated parsers do it; `entry` keeps its memory from one to the next.
bool Parse(std::string_view bytes, Entry& entry) {
  constexpr std::uint32_t kSource = 1 << 3 | 2, kTime = 2 << 3, kLine = 3 << 3 | 2;
  constexpr std::uint32_t kPartial = 4 << 3, kPartialMetadata = 5 << 3 | 2;
  entry.partial = false;
  CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                         static_cast<int>(bytes.size()));
  while (const std::uint32_t tag = input.ReadTag()) {
    std::uint64_t number = 0;
    std::uint32_t size = 0;
    switch (tag) {
      case kSource:
        if (!input.ReadVarint32(&size) || !input.ReadString(&entry.source, size)) return false;
        break;
      case kTime:
        if (!input.ReadVarint64(&number)) return false;
        entry.time_ns = static_cast<std::int64_t>(number);
        break;
      case kLine:
        if (!input.ReadVarint32(&size) || !input.ReadString(&entry.line, size)) return false;
        break;
      case kPartial:
        if (!input.ReadVarint64(&number)) return false;
        entry.partial = number != 0;
        break;
      case kPartialMetadata:
        if (!input.ReadVarint32(&size) || !input.Skip(size)) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

/// As CRI wants it. What is the same for a second is made once in it: there may be many lines.
void AppendTime(std::int64_t time_ns, std::string& out) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::size_t kToTheSecond = std::string_view("2026-01-02T03:04:05").size();
  thread_local std::int64_t last = -1;
  thread_local std::string text;
  const auto seconds = time_ns / kSecond;
  if (seconds != last) text = base::FormatRfc3339(seconds * kSecond).substr(0, kToTheSecond);
  last = seconds;
  fmt::format_to(std::back_inserter(out), "{}.{:09}Z", text, time_ns % kSecond);
}

/// Appends CRI's line of each whole entry; returns how many bytes of `bytes` that were.
std::size_t Convert(std::string_view bytes, Entry& entry, std::string& out) {
  std::size_t done = 0;
  while (bytes.size() - done >= 4) {
    std::uint32_t size = 0;  // big endian
    for (const char byte : bytes.substr(done, 4)) {
      size = size << 8 | static_cast<unsigned char>(byte);
    }
    if (bytes.size() - done - 4 < size) break;
    if (!Parse(bytes.substr(done + 4, size), entry)) {
      throw std::runtime_error("an entry of Docker's log cannot be read");
    }
    AppendTime(entry.time_ns, out);
    out.append(" ").append(entry.source).append(entry.partial ? " P " : " F ");
    out.append(entry.line).append("\n");
    done += 4 + size;
  }
  return done;
}

/// Until the engine closes the FIFO.
void Copy(const std::string& fifo, const std::string& log) {
  const auto input = base::OpenFile(fifo, O_RDONLY);
  const auto output = base::OpenFile(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (!input || !output) throw std::runtime_error("cannot open " + fifo + " or " + log);
  constexpr int kPipeSize = 1 << 20;
  ::fcntl(input->Get(), F_SETPIPE_SZ, kPipeSize);
  std::string bytes(2 * kPipeSize, '\0');
  std::string out;
  std::size_t have = 0;
  Entry entry;
  while (true) {
    const auto got = ::read(input->Get(), bytes.data() + have, bytes.size() - have);
    if (got <= 0) return;
    have += static_cast<std::size_t>(got);
    out.clear();
    const auto done = Convert(std::string_view(bytes).substr(0, have), entry, out);
    if (!base::WriteAll(output->Get(), out, log)) throw std::runtime_error("cannot write " + log);
    std::copy(bytes.begin() + static_cast<std::ptrdiff_t>(done),
              bytes.begin() + static_cast<std::ptrdiff_t>(have), bytes.begin());
    have -= done;
  }
}

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
    copies.emplace_back(Copy, asked.at("File").template get<std::string>(),
                        folder / asked.at("Info").at("ContainerID").template get<std::string>());
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
