#include "shim/linux/oom_watch.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/file.h"

namespace dockershimd::shim::linuxos {
namespace {

using base::ErrnoError;
using base::Fail;
using base::Result;
using base::UniqueFd;

/// A number after its name at the beginning of a line; 0 where there is none.
std::uint64_t CounterIn(std::string_view text, std::string_view name) {
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    const auto line = text.substr(at, text.find('\n', at) - at);
    if (line.starts_with(name) && line.size() > name.size() && line[name.size()] == ' ') {
      std::uint64_t value = 0;
      std::from_chars(line.data() + name.size() + 1, line.data() + line.size(), value);
      return value;
    }
    if (text.find('\n', at) == std::string_view::npos) break;
  }
  return 0;
}

/// What became of reading the kernel's counters.
struct Look {
  bool gone = false;  ///< the cgroup has been removed
  bool hit = false;
};

Look LookAt(int counters) {
  std::array<char, 4096> buffer;
  const ssize_t count = ::pread(counters, buffer.data(), buffer.size(), 0);
  if (count < 0) return {.gone = true};
  const std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  return {.hit = CounterIn(text, "oom_kill") > 0 || CounterIn(text, "under_oom") > 0};
}

}  // namespace

struct OomWatch::Watched {
  UniqueFd news;      ///< v1: an eventfd; v2 polls the counters themselves
  UniqueFd counters;  ///< memory.oom_control or memory.events
  std::uint64_t notified = 0;
  bool hit = false;

  [[nodiscard]] int Polled() const { return news ? news.Get() : counters.Get(); }

  void Update() {
    eventfd_t value = 0;
    if (news && ::eventfd_read(news.Get(), &value) == 0) notified += value;
    const auto look = LookAt(counters.Get());
    // The removal of a v1 cgroup notifies as well, once: a second notification was the killer's.
    hit = hit || look.hit || (look.gone && notified > 1);
  }
};

namespace {

/// cgroup v1: memory.oom_control says what to count, an eventfd is told of each event.
Result<UniqueFd> SubscribeV1(const std::string& folder, int counters) {
  UniqueFd news(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!news) return Fail(ErrnoError(errno, "eventfd"));
  const auto subscribed = base::WriteFileInPlace(folder + "/cgroup.event_control",
                                                 fmt::format("{} {}", news.Get(), counters));
  if (!subscribed) return Fail(subscribed.error());
  return news;
}

}  // namespace

OomWatch::OomWatch()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = -1}};
  ::epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, wake_.Get(), &event);
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

OomWatch::~OomWatch() {
  thread_.request_stop();
  ::eventfd_write(wake_.Get(), 1);
  thread_.join();
}

base::Status OomWatch::Watch(const std::string& container_id, const CgroupFolders& folders) {
  const bool v1 = !folders.memory.empty();
  if (!v1 && folders.unified.empty()) {
    return Fail(base::Code::kNotFound, "container {} has no memory cgroup", container_id);
  }
  auto watched = watched_.Lock();
  if (watched->contains(container_id)) return {};
  const std::string file =
      v1 ? folders.memory + "/memory.oom_control" : folders.unified + "/memory.events";
  auto counters = base::OpenFile(file, O_RDONLY);
  if (!counters) return Fail(counters.error());
  auto entry = std::make_unique<Watched>();
  if (v1) {
    auto news = SubscribeV1(folders.memory, counters->Get());
    if (!news) return Fail(news.error());
    entry->news = std::move(*news);
  }
  entry->counters = std::move(*counters);
  // Edge-triggered: what WasHit has read is not news any more. The kernel tells of a change of
  // memory.events by POLLPRI (cgroup-v2.rst).
  epoll_event event{.events = EPOLLIN | EPOLLPRI | EPOLLET, .data = {.fd = entry->Polled()}};
  if (::epoll_ctl(epoll_.Get(), EPOLL_CTL_ADD, entry->Polled(), &event) != 0 && errno != EPERM) {
    return Fail(ErrnoError(errno, "epoll"));
  }
  // It may have been hit already.
  entry->Update();
  watched->emplace(container_id, std::move(entry));
  return {};
}

bool OomWatch::WasHit(const std::string& container_id) {
  auto watched = watched_.Lock();
  const auto found = watched->find(container_id);
  if (found == watched->end()) return false;
  found->second->Update();
  return found->second->hit;
}

void OomWatch::Forget(const std::string& container_id) { watched_.Lock()->erase(container_id); }

void OomWatch::Run(const std::stop_token& stop) {
  std::array<epoll_event, 16> events;
  while (!stop.stop_requested()) {
    const int count =
        ::epoll_wait(epoll_.Get(), events.data(), static_cast<int>(events.size()), -1);
    auto watched = watched_.Lock();
    for (int index = 0; index < count; ++index) {
      // Few are hit, and each is found by its descriptor: what was forgotten meanwhile is not.
      for (auto& [id, entry] : *watched) {
        if (entry->Polled() == events[static_cast<std::size_t>(index)].data.fd) entry->Update();
      }
    }
  }
}

}  // namespace dockershimd::shim::linuxos
