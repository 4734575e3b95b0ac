#include "shim/adoption/hand_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <ostream>
#include <set>
#include <string>
#include <variant>

#include "base/file.h"
#include "dockerapi/client.h"
#include "shim/adoption/checkpoint.h"
#include "shim/adoption/log_link.h"
#include "shim/linux/namespace_pins.h"
#include "shim/server/listening_socket.h"
#include "shim/settings.h"
#include "shim/translate/labels.h"
#include "shim/translate/records.h"

namespace dockershimd::shim::adoption {
namespace {

namespace fs = std::filesystem;
using base::CallContext;
using base::Code;
using base::Fail;

constexpr std::chrono::minutes kPatience(2);
constexpr mode_t kCheckpointMode = 0644;

/// Docker's ids, which cri-dockerd names its files after.
bool IsContainerId(const std::string& name) {
  constexpr std::size_t kLength = 64;
  return name.size() == kLength &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isxdigit(c); });
}

class Handover {
 public:
  Handover(dockerapi::Client& docker, fs::path checkpoints, fs::path pins, std::ostream& err)
      : docker_(docker), checkpoints_(std::move(checkpoints)), pins_(std::move(pins)), err_(err) {}

  /// The first thing that keeps all of it from being done.
  base::Status Run() {
    const auto context = CallContext::WithTimeout(kPatience);
    const auto all = docker_.ListContainers(context, {std::string(translate::kTypeLabel)});
    if (!all) return Fail(all.error());
    if (auto made = base::MakeDirectories(checkpoints_); !made) return made;
    for (const auto& summary : *all) {
      ids_.insert(summary.id);
      if (auto done = HandOver(context, summary.id); !done) Note(summary.id, done.error());
    }
    RemoveStale();
    ReleaseNamespaces();
    return {};
  }

  [[nodiscard]] bool Complete() const { return failures_ == 0; }
  [[nodiscard]] std::string Summary() const {
    return fmt::format(
        "{} checkpoints written, {} removed, {} logs linked to Docker's, {} failures", written_,
        removed_, linked_, failures_);
  }

 private:
  base::Status HandOver(const CallContext& context, const std::string& id) {
    auto details = docker_.InspectContainer(context, id);
    if (!details) {
      // Gone since it was listed.
      if (details.error().code == Code::kNotFound) return {};
      return Fail(details.error());
    }
    const auto record = translate::RecordOf(std::move(*details));
    if (const auto* sandbox = std::get_if<translate::SandboxRecord>(&record)) {
      return WriteCheckpoint(*sandbox);
    }
    if (const auto* container = std::get_if<translate::ContainerRecord>(&record)) {
      return LinkLog(*container);
    }
    return {};
  }

  base::Status WriteCheckpoint(const translate::SandboxRecord& sandbox) {
    const auto file = checkpoints_ / sandbox.details.id;
    std::error_code ignored;
    // cri-dockerd's own says more than Docker can: host ports under CNI.
    if (fs::exists(file, ignored)) return {};
    auto done = base::WriteFileAtomically(file, CriDockerdCheckpoint(sandbox.config.Get()),
                                          base::Durability::kPowerLoss, kCheckpointMode);
    if (done) ++written_;
    return done;
  }

  base::Status LinkLog(const translate::ContainerRecord& container) {
    const auto& path = container.log_path;
    const auto& docker_log = container.docker_log_path;
    // One that was never started has no log, and with another log driver there is no file.
    const bool has_run = container.details.state.status != "created";
    if (path.empty() || docker_log.empty() || !has_run) return {};
    const auto linked = LinkLogToDocker(path, docker_log, std::chrono::system_clock::now());
    if (!linked) return Fail(linked.error());
    if (*linked) ++linked_;
    return {};
  }

  void RemoveStale() {
    std::error_code error;
    for (fs::directory_iterator entry(checkpoints_, error), end; !error && entry != end;
         entry.increment(error)) {
      const auto name = entry->path().filename().string();
      if (!IsContainerId(name) || ids_.contains(name)) continue;
      std::error_code ignored;
      if (fs::remove(entry->path(), ignored)) ++removed_;
    }
  }

  /// cri-dockerd finds a namespace by the pod's process, and would never release what keeps it.
  void ReleaseNamespaces() {
    const linuxos::NamespacePins pins(pins_);
    for (const auto& name : pins.Names()) {
      if (auto released = pins.Release(name); !released) Note(name, released.error());
    }
    std::error_code ignored;
    fs::remove(pins_, ignored);
  }

  void Note(const std::string& id, const base::Error& error) {
    ++failures_;
    err_ << fmt::format("container {}: {}\n", id, error.message);
  }

  dockerapi::Client& docker_;
  fs::path checkpoints_;
  fs::path pins_;
  std::ostream& err_;
  std::set<std::string> ids_;
  int written_ = 0;
  int removed_ = 0;
  int linked_ = 0;
  int failures_ = 0;
};

base::Result<std::string> DockerSocket(const config::Config& config) {
  const auto listen = config::SocketPath(config.listen);
  if (!listen) return Fail(listen.error(), "listen");
  if (server::IsListening(*listen)) {
    return Fail(Code::kFailedPrecondition,
                "somebody serves {}: stop dockershimd (its service and its socket) first", *listen);
  }
  auto docker = config::SocketPath(config.docker);
  if (!docker) return Fail(docker.error(), "docker");
  return docker;
}

}  // namespace

bool HandBack(const config::Config& config, const fs::path& root, std::ostream& out,
              std::ostream& err) {
  const auto socket = DockerSocket(config);
  if (!socket) {
    err << "hand-back: " << socket.error().message << "\n";
    return false;
  }
  dockerapi::Client docker({.socket_path = *socket});
  Handover handover(docker, root / "sandbox", CniOptionsOf(config).PinsFolder(), err);
  if (auto done = handover.Run(); !done) {
    err << "hand-back: " << done.error().message << "\n";
    return false;
  }
  out << "hand-back: " << handover.Summary() << "\n";
  return handover.Complete();
}

}  // namespace dockershimd::shim::adoption
