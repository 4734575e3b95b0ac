#include "shim/service/pull_watch.h"

#include <fmt/format.h>

#include <tuple>

namespace dockershimd::shim::service {

PullWatch::PullWatch(std::chrono::milliseconds limit)
    : limit_(limit), last_change_(Clock::now().time_since_epoch().count()) {}

void PullWatch::See(const dockerapi::Progress& progress) {
  const auto figures = [](const dockerapi::Progress& of) {
    return std::tie(of.status, of.current, of.total);
  };
  const auto [layer, is_new] = layers_.try_emplace(progress.id, progress);
  if (!is_new && figures(layer->second) == figures(progress)) return;
  layer->second = progress;
  last_ = progress;
  last_change_ = Clock::now().time_since_epoch().count();
}

bool PullWatch::IsStalled() const {
  const Clock::time_point last{Clock::duration(last_change_.load())};
  return Clock::now() - last > limit_;
}

base::CallContext PullWatch::Watched(const base::CallContext& context) const {
  base::CallContext watched = context;
  watched.cancelled = [this, cancelled = context.cancelled] {
    return (cancelled && cancelled()) || IsStalled();
  };
  return watched;
}

std::string PullWatch::Last() const {
  if (last_.status.empty()) return "nothing yet";
  std::string text = last_.status;
  if (!last_.id.empty()) text += " " + last_.id;
  if (last_.total > 0) text += fmt::format(" ({} of {} bytes)", last_.current, last_.total);
  return text;
}

}  // namespace dockershimd::shim::service
