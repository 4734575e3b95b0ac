#include "log_writing.h"

#include "dockerapi/client.h"

namespace dockershimd::bench {
namespace {

namespace fs = std::filesystem;

class CriWriter final : public LogWriter {
 public:
  explicit CriWriter(Contender& contender) : contender_(contender) {}

  const std::string& Name() const override { return contender_.name; }
  const Environment& Where() const override { return contender_.environment; }

  base::Result<fs::path> Start(const std::string& name,
                               const std::vector<std::string>& command) override {
    const auto& state = contender_.environment.State();
    Pod pod = MakePod(state, name);
    auto& container = pod.container;
    container.mutable_command()->Assign(command.begin(), command.end());
    for (const auto& folder : {ProgramFolder(), state}) {
      auto& mount = *container.add_mounts();
      mount.set_host_path(folder);
      mount.set_container_path(folder);
      mount.set_readonly(true);
    }
    auto started = bench::Start(contender_.client, std::move(pod));
    if (!started) return base::Fail(started.error());
    running_ = std::move(*started);
    return LogFolder() / running_.pod.container.log_path();
  }

  base::Status Remove() override {
    if (auto done = StopAndRemove(contender_.client, running_); !done) return done;
    contender_.environment.RemoveCgroup(CgroupOf(running_.pod));
    fs::remove_all(LogFolder());
    return {};
  }

 private:
  [[nodiscard]] fs::path LogFolder() const { return running_.pod.sandbox.log_directory(); }

  Contender& contender_;
  RunningPod running_;
};

class DockerWriter final : public LogWriter {
 public:
  explicit DockerWriter(const Environment& environment)
      : environment_(environment),
        docker_({.socket_path = environment.Inside("/run/docker.sock")}) {}

  const std::string& Name() const override { return kDockerAlone; }
  const Environment& Where() const override { return environment_; }

  base::Result<fs::path> Start(const std::string& name,
                               const std::vector<std::string>& command) override {
    dockerapi::ContainerSpec spec;
    spec.image = kImage;
    spec.command = command;
    spec.host.network_mode = "none";
    for (const auto& folder : {ProgramFolder(), environment_.State()}) {
      spec.host.binds.push_back(folder.string() + ":" + folder.string() + ":ro");
    }
    spec.host.log_driver = "json-file";
    spec.host.log_options = {{"max-size", "10m"}, {"max-file", "3"}, {"compress", "false"}};
    auto created = docker_.CreateContainer(Limit(), name, spec);
    if (!created) return base::Fail(created.error());
    id_ = std::move(*created);
    if (auto started = docker_.StartContainer(Limit(), id_); !started) {
      return base::Fail(started.error());
    }
    const auto details = docker_.InspectContainer(Limit(), id_);
    if (!details) return base::Fail(details.error());
    return fs::path(details->log_path);
  }

  base::Status Remove() override { return docker_.RemoveContainer(Limit(), id_, true); }

 private:
  static base::CallContext Limit() {
    return base::CallContext::WithTimeout(std::chrono::minutes(2));
  }

  const Environment& environment_;
  dockerapi::Client docker_;
  std::string id_;
};

}  // namespace

fs::path ProgramFolder() { return fs::path(LINE_WRITER).parent_path(); }

std::unique_ptr<LogWriter> WriterOf(Contender& contender) {
  return std::make_unique<CriWriter>(contender);
}

std::unique_ptr<LogWriter> DockerAlone(Contender& contender) {
  return std::make_unique<DockerWriter>(contender.environment);
}

}  // namespace dockershimd::bench
