#include "shim/node/engine.h"

#include <linux/capability.h>

#include <utility>

#include "shim/linux/process_limits.h"

namespace dockershimd::shim::node {

using base::Fail;
using base::Result;

Engine::Engine(dockerapi::Client& docker, Settings settings)
    : docker_(docker), settings_(std::move(settings)) {}

base::Status Engine::Load(const base::CallContext& context) {
  auto negotiated = docker_.Negotiate(context);
  if (!negotiated) return Fail(negotiated.error());
  auto version = docker_.Version(context);
  if (!version) return Fail(version.error(), "read the engine's version");
  auto info = docker_.Info(context);
  if (!info) return Fail(info.error(), "read the engine's properties");

  auto facts = std::make_shared<EngineFacts>();
  facts->version = std::move(*version);
  facts->info = std::move(*info);
  auto& view = facts->view;
  view.features = dockerapi::FeaturesOf(*negotiated, facts->info);
  view.runtimes.insert(facts->info.runtimes.begin(), facts->info.runtimes.end());
  view.may_lower_oom_score = linuxos::HasCapability(CAP_SYS_RESOURCE);
  view.own_oom_score_adj = linuxos::OwnOomScoreAdj();
  view.log_max_size = settings_.log_max_size;
  view.log_max_files = settings_.log_max_files;
  *facts_.Lock() = std::move(facts);
  return {};
}

Result<std::shared_ptr<const EngineFacts>> Engine::Facts() const {
  auto facts = *facts_.Lock();
  if (!facts) {
    return Fail(base::Code::kUnavailable, "not connected to Docker yet; check that dockerd runs");
  }
  return facts;
}

}  // namespace dockershimd::shim::node
