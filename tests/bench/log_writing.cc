#include "log_writing.h"

#include <map>

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

/// The name that tests/bench/environment gives to log_plugin.
constexpr const char* kPluginDriver = "bench-log";

/// What Docker makes of a container's output.
struct DockerLog {
  std::string name;  ///< in the figures
  std::string driver;
  std::map<std::string, std::string> options;
};

class DockerWriter final : public LogWriter {
 public:
  DockerWriter(const Environment& environment, DockerLog log)
      : environment_(environment),
        docker_({.socket_path = environment.Inside("/run/docker.sock")}),
        log_(std::move(log)) {}

  const std::string& Name() const override { return log_.name; }
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
    spec.host.log_driver = log_.driver;
    spec.host.log_options = log_.options;
    auto created = docker_.CreateContainer(Limit(), name, spec);
    if (!created) return base::Fail(created.error());
    id_ = std::move(*created);
    if (auto started = docker_.StartContainer(Limit(), id_); !started) {
      return base::Fail(started.error());
    }
    const auto details = docker_.InspectContainer(Limit(), id_);
    if (!details) return base::Fail(details.error());
    if (!details->log_path.empty()) return fs::path(details->log_path);
    return PluginLog();
  }

  base::Status Remove() override {
    std::error_code not_there;
    fs::remove(PluginLog(), not_there);
    return docker_.RemoveContainer(Limit(), id_, true);
  }

 private:
  /// As tests/bench/environment tells log_plugin.
  [[nodiscard]] fs::path PluginLog() const { return environment_.State() / "plugin-logs" / id_; }

  static base::CallContext Limit() {
    return base::CallContext::WithTimeout(std::chrono::minutes(2));
  }

  const Environment& environment_;
  dockerapi::Client docker_;
  DockerLog log_;
  std::string id_;
};

}  // namespace

fs::path ProgramFolder() { return fs::path(LINE_WRITER).parent_path(); }

std::unique_ptr<LogWriter> WriterOf(Contender& contender) {
  return std::make_unique<CriWriter>(contender);
}

std::vector<std::unique_ptr<LogWriter>> DockerWriters(Contender& contender) {
  const std::map<std::string, std::string> rotation{
      {"max-size", "10m"}, {"max-file", "3"}, {"compress", "false"}};
  std::vector<std::unique_ptr<LogWriter>> writers;
  for (auto& log : std::vector<DockerLog>{
           {kDockerAlone, "json-file", rotation},
           {kPlugin, kPluginDriver, {}},
           {kBarePlugin, kPluginDriver, {{"cache-disabled", "true"}}},
       }) {
    writers.push_back(std::make_unique<DockerWriter>(contender.environment, std::move(log)));
  }
  return writers;
}

}  // namespace dockershimd::bench
