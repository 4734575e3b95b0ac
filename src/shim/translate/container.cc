#include "shim/translate/container.h"

#include <cctype>
#include <charconv>
#include <cstring>

#include "base/encoding.h"
#include "shim/translate/images.h"
#include "shim/translate/labels.h"
#include "shim/translate/mounts.h"
#include "shim/translate/remembered.h"
#include "shim/translate/resources.h"
#include "shim/translate/sandbox.h"

namespace dockershimd::shim::translate {
namespace {

using base::Code;
using base::Fail;
using base::Result;
using runtime::v1::ContainerConfig;
using runtime::v1::NamespaceMode;

constexpr std::string_view kSignalPrefix = "SIGNAL_";

/// Docker takes an image's labels over: those that we act upon are set even when empty.
dockerapi::Labels ContainerLabels(const ContainerInput& input) {
  auto labels = ToDockerLabels(input.config.labels(), input.config.annotations());
  labels[std::string(kTypeLabel)] = kTypeContainer;
  labels[std::string(kSandboxIdLabel)] = input.sandbox_id;
  labels[std::string(kConfigLabel)] = RememberContainer(input.asked);
  labels[std::string(kLogPathLabel)] = LogPathOf(input.sandbox_config, input.config);
  return labels;
}

/// What Docker's JSON cannot carry must not be changed on the way.
base::Status ApplyEnvironment(const ContainerConfig& config, dockerapi::ContainerSpec* spec) {
  for (const auto& variable : config.envs()) {
    const std::string& name = variable.key();
    if (name.empty() || name.find('=') != std::string::npos) {
      return Fail(Code::kInvalidArgument, "envs: '{}' is not the name of a variable", name);
    }
    if (!base::IsUtf8(variable.value()) || variable.value().find('\0') != std::string::npos) {
      return Fail(Code::kInvalidArgument,
                  "envs[{}].value: Docker's API takes only UTF-8 without zero bytes", name);
    }
    spec->environment.push_back(fmt::format("{}={}", name, variable.value()));
  }
  return {};
}

base::Status ApplyProcess(const ContainerConfig& config, dockerapi::ContainerSpec* spec) {
  const auto image = LookupReference(config.image());
  if (!image) return Fail(image.error());
  const auto stop_signal = StopSignalName(config.stop_signal());
  if (!stop_signal) return Fail(stop_signal.error());
  spec->image = *image;
  spec->stop_signal = *stop_signal;
  spec->working_dir = config.working_dir();
  spec->tty = config.tty();
  spec->open_stdin = config.stdin();
  spec->stdin_once = config.stdin_once();
  // An empty CRI command leaves the image's entrypoint alone; so do empty args its command,
  // except that Docker drops it itself once there is an entrypoint of ours.
  if (config.command_size() > 0) {
    spec->entrypoint.emplace(config.command().begin(), config.command().end());
  }
  if (config.args_size() > 0) spec->command.emplace(config.args().begin(), config.args().end());
  return ApplyEnvironment(config, spec);
}

base::Status ApplyNamespaces(const ContainerInput& input, dockerapi::HostConfig* host) {
  const auto& options = input.config.linux().security_context().namespace_options();
  if (auto checked = CheckNamespaces(options); !checked) return checked;
  const std::string sandbox = "container:" + input.sandbox_id;
  host->network_mode = sandbox;
  if (UsesHostNetwork(input.sandbox_config)) host->uts_mode = "host";
  switch (options.ipc()) {
    case NamespaceMode::NODE:
      host->ipc_mode = "host";
      break;
    case NamespaceMode::CONTAINER:
      host->ipc_mode = "private";
      break;
    default:
      host->ipc_mode = sandbox;
  }
  switch (options.pid()) {
    case NamespaceMode::POD:
      host->pid_mode = sandbox;
      break;
    case NamespaceMode::NODE:
      host->pid_mode = "host";
      break;
    case NamespaceMode::TARGET:
      if (options.target_id().empty()) {
        return Fail(Code::kInvalidArgument,
                    "namespace_options.target_id: is required when pid is TARGET");
      }
      host->pid_mode = "container:" + options.target_id();
      break;
    default:
      // Docker gives each container a PID namespace of its own.
      break;
  }
  return {};
}

base::Status CheckPrivileged(const ContainerInput& input) {
  const bool wanted = input.config.linux().security_context().privileged();
  if (wanted && !input.sandbox_config.linux().security_context().privileged()) {
    return Fail(Code::kInvalidArgument,
                "security_context.privileged: the pod's sandbox was not created as privileged");
  }
  return {};
}

base::Status ApplyResources(const ContainerInput& input, const EngineView& engine,
                            dockerapi::HostConfig* host) {
  const auto& wanted = input.config.linux().resources();
  auto resources = ToDockerResources(wanted);
  if (!resources) return Fail(resources.error());
  // Written once the container runs; refused now, while nothing is there to undo.
  if (auto files = CgroupFilesOf(wanted, engine); !files) return Fail(files.error());
  host->resources = std::move(*resources);
  host->oom_score_adj = AllowedOomScore(engine, static_cast<int>(wanted.oom_score_adj()));
  host->cgroup_parent = CgroupParent(input.sandbox_config.linux().cgroup_parent(), engine);
  return {};
}

}  // namespace

base::Status CheckContainerConfig(const ContainerConfig& config) {
  if (!config.has_metadata() || config.metadata().name().empty()) {
    return Fail(Code::kInvalidArgument, "config.metadata.name: is required");
  }
  if (config.image().image().empty()) {
    return Fail(Code::kInvalidArgument, "config.image.image: is required");
  }
  if (config.has_windows()) {
    return Fail(Code::kInvalidArgument, "config.windows: this is a Linux node");
  }
  return {};
}

Result<dockerapi::ContainerSpec> ContainerSpecOf(const ContainerInput& input,
                                                 const EngineView& engine,
                                                 const ProfileReader& read_profile) {
  auto runtime = RuntimeOf(input.runtime_handler, engine);
  if (!runtime) return Fail(runtime.error());
  dockerapi::ContainerSpec spec;
  spec.labels = ContainerLabels(input);
  auto& host = spec.host;
  host.runtime = *runtime;
  host.log_driver = "json-file";
  // Docker's own defaults may ask for compression, and the log is read from these files.
  host.log_options = {
      {"max-size", engine.log_max_size}, {"max-file", engine.log_max_files}, {"compress", "false"}};
  // A container's annotations are kubelet's and the device plugins', for the OCI runtime. A pod's
  // are its author's: an OCI runtime may act upon them beyond what the author may do.
  if (engine.features.annotations) {
    host.annotations.insert(input.config.annotations().begin(), input.config.annotations().end());
  }
  const auto& security = input.config.linux().security_context();
  base::Status done = CheckPrivileged(input);
  if (done) done = ApplyProcess(input.config, &spec);
  if (done) done = ApplyNamespaces(input, &host);
  if (done) done = ApplyResources(input, engine, &host);
  if (done) done = ApplyMounts(input.config.mounts(), input.sub_mounts, engine, &host);
  if (done) done = ApplyDevices(input.config, engine, &host);
  if (done) done = ApplyContainerSecurity(security, engine, input.accounts, read_profile, &spec);
  if (!done) return Fail(done.error());
  return spec;
}

std::string LogPathOf(const runtime::v1::PodSandboxConfig& sandbox,
                      const ContainerConfig& container) {
  if (sandbox.log_directory().empty() || container.log_path().empty()) return "";
  std::string_view directory = sandbox.log_directory();
  while (directory.ends_with('/')) directory.remove_suffix(1);
  return fmt::format("{}/{}", directory, container.log_path());
}

Result<std::string> StopSignalName(runtime::v1::Signal signal) {
  if (signal == runtime::v1::Signal::SIGNAL_RUNTIME_DEFAULT) return "";
  std::string name = runtime::v1::Signal_Name(signal);
  if (name.empty()) {
    return Fail(Code::kInvalidArgument, "stop_signal: unknown value {}", static_cast<int>(signal));
  }
  name.erase(0, kSignalPrefix.size());
  // CRI spells SIGRTMIN+1 as SIGRTMINPLUS1, SIGRTMAX-1 as SIGRTMAXMINUS1.
  for (const auto& [word, sign] : {std::pair("PLUS", "+"), std::pair("MINUS", "-")}) {
    const auto at = name.find(word);
    if (at != std::string::npos) name.replace(at, std::string_view(word).size(), sign);
  }
  return name;
}

runtime::v1::Signal StopSignalOf(const std::string& name) {
  if (name.empty()) return runtime::v1::Signal::SIGNAL_SIGTERM;
  std::string spelled;
  for (const unsigned char letter : name) spelled += static_cast<char>(std::toupper(letter));
  // An image may give a number, which means the same everywhere that we run.
  int number = 0;
  const auto [end, error] =
      std::from_chars(spelled.data(), spelled.data() + spelled.size(), number);
  if (error == std::errc() && end == spelled.data() + spelled.size()) {
    const char* abbreviation = sigabbrev_np(number);
    spelled = abbreviation == nullptr ? "" : abbreviation;
  }
  if (!spelled.starts_with("SIG")) spelled.insert(0, "SIG");
  for (const auto& [sign, word] : {std::pair("+", "PLUS"), std::pair("-", "MINUS")}) {
    const auto at = spelled.find(sign);
    if (at != std::string::npos) spelled.replace(at, 1, word);
  }
  auto signal = runtime::v1::Signal::SIGNAL_RUNTIME_DEFAULT;
  (void)runtime::v1::Signal_Parse(std::string(kSignalPrefix) + spelled, &signal);
  return signal;
}

}  // namespace dockershimd::shim::translate
