#include "shim/node/changes.h"

#include "shim/translate/status.h"

namespace dockershimd::shim::node {

Life LifeOf(const translate::SandboxRecord& sandbox) {
  const auto& state = sandbox.details.state;
  Life life;
  life.up = translate::SandboxState(sandbox, sandbox.network) ==
            runtime::v1::PodSandboxState::SANDBOX_READY;
  life.ended = !state.running && state.started_at != 0;
  life.run = state.started_at;
  return life;
}

Life LifeOf(const translate::ContainerRecord& container) {
  const auto state = translate::ContainerStateOf(container);
  Life life;
  life.up = state == runtime::v1::ContainerState::CONTAINER_RUNNING;
  life.ended = state == runtime::v1::ContainerState::CONTAINER_EXITED;
  life.run = container.details.state.started_at;
  return life;
}

std::vector<ChangeKind> ChangesBetween(const std::optional<Life>& before, const Life& after) {
  std::vector<ChangeKind> changes;
  if (!before) changes.push_back(ChangeKind::kCreated);
  const Life old = before.value_or(Life{});
  const bool is_new_run = after.run != old.run;
  if (old.up && (!after.up || is_new_run)) changes.push_back(ChangeKind::kStopped);
  if (after.up) {
    if (!old.up || is_new_run) changes.push_back(ChangeKind::kStarted);
    return changes;
  }
  // An end that nobody saw the beginning of: of a run between the looks, or of a failed start.
  const bool is_old_end = !is_new_run && (old.up || old.ended);
  if (after.ended && !is_old_end) {
    if (is_new_run) changes.push_back(ChangeKind::kStarted);
    changes.push_back(ChangeKind::kStopped);
  }
  return changes;
}

}  // namespace dockershimd::shim::node
