#include "shim/check/kubelet.h"

#include <fmt/format.h>

#include <cctype>
#include <vector>

#include "base/file.h"

namespace dockershimd::shim::check {
namespace {

namespace fs = std::filesystem;

constexpr const char* kCommandLine = "kubelet's command line";
constexpr const char* kKubeadmFlags = "/var/lib/kubelet/kubeadm-flags.env";

fs::path Below(const fs::path& root, const std::string& path) {
  return root / fs::path(path).relative_path();
}

/// The value after `at`: without quotes, up to what ends a word in YAML, JSON or a shell's file.
std::string ValueAt(std::string_view text, std::size_t at) {
  while (at < text.size() &&
         (text[at] == ' ' || text[at] == '\t' || text[at] == '"' || text[at] == '\'')) {
    ++at;
  }
  const auto end = text.find_first_of("\"'#,} \t\n", at);
  return std::string(text.substr(at, end == std::string_view::npos ? end : end - at));
}

/// The words of a command line from /proc.
std::vector<std::string> CommandLineOf(const fs::path& process) {
  std::vector<std::string> words;
  const auto text = base::ReadFile(process / "cmdline").value_or("");
  for (std::size_t at = 0; at < text.size();) {
    words.emplace_back(text.c_str() + at);
    at += words.back().size() + 1;
  }
  return words;
}

std::string FlagValue(const std::vector<std::string>& words, const std::string& flag) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].starts_with(flag + "=")) return words[i].substr(flag.size() + 1);
    if (words[i] == flag && i + 1 < words.size()) return words[i + 1];
  }
  return "";
}

std::vector<std::string> RunningKubelet(const fs::path& root) {
  std::error_code error;
  for (fs::directory_iterator entry(root / "proc", error), end; !error && entry != end;
       entry.increment(error)) {
    const auto name = entry->path().filename().string();
    if (!std::isdigit(static_cast<unsigned char>(name[0]))) continue;
    if (base::ReadFile(entry->path() / "comm").value_or("") == "kubelet\n") {
      return CommandLineOf(entry->path());
    }
  }
  return {};
}

/// Of a file that holds flags as one line for a shell, as kubeadm-flags.env.
std::string FlagInFile(const fs::path& file, const std::string& flag) {
  const auto text = base::ReadFile(file).value_or("");
  const auto at = text.find(flag + "=");
  return at == std::string::npos ? "" : ValueAt(text, at + flag.size() + 1);
}

Finding JudgeDriver(const KubeletFacts& kubelet, const std::string& engine) {
  const auto& [value, source] = kubelet.cgroup_driver;
  const std::string own = value.empty() ? "cgroupfs" : value;
  if (own == engine) return {Verdict::kOk, "cgroup driver", engine + " in kubelet and Docker"};
  return {Verdict::kWarn, "cgroup driver",
          fmt::format("{} in kubelet ({}), {} in Docker", own, source, engine),
          fmt::format("kubelet 1.34 and later take Docker's; for an older one set cgroupDriver: {} "
                      "in its configuration",
                      engine)};
}

Finding JudgeEndpoint(const KubeletFacts& kubelet, const std::string& ours) {
  const auto& [endpoint, source] = kubelet.endpoint;
  if (endpoint == ours) return {Verdict::kOk, "kubelet", "uses this runtime"};
  if (endpoint.find("cri-docker") != std::string::npos) {
    return {Verdict::kOk, "kubelet",
            fmt::format("uses {} ({}): /usr/lib/dockershimd/node/adopt takes its pods over as they "
                        "run",
                        endpoint, source)};
  }
  return {Verdict::kOk, "kubelet",
          fmt::format("uses {} ({}): /usr/lib/dockershimd/node/rollback moves the node here",
                      endpoint.empty() ? "its default, containerd" : endpoint, source)};
}

}  // namespace

std::string ConfigValue(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    const bool quoted = at > 0 && text[at - 1] == '"';
    const bool first = at == 0 || text[at - 1] == '\n';
    auto colon = at + key.size();
    if (quoted && colon < text.size() && text[colon] == '"') ++colon;
    while (quoted && colon < text.size() && text[colon] == ' ') ++colon;
    if ((quoted || first) && colon < text.size() && text[colon] == ':') {
      return ValueAt(text, colon + 1);
    }
  }
  return "";
}

std::optional<KubeletFacts> FindKubelet(const fs::path& root) {
  const auto words = RunningKubelet(root);
  const std::string chosen = FlagValue(words, "--config");
  const std::string file =
      chosen.empty() ? "/var/lib/kubelet/config.yaml" : fs::path("/" + chosen).lexically_normal();
  const auto text = base::ReadFile(Below(root, file));
  if (words.empty() && !text) return std::nullopt;
  const std::string default_source = text ? file : kCommandLine;
  // In the order in which kubelet takes them; one that runs has kubeadm's flags in its command
  // line.
  const auto find = [&](const std::string& flag, std::string_view key) -> KubeletSetting {
    if (auto value = FlagValue(words, flag); !value.empty()) return {value, kCommandLine};
    if (words.empty()) {
      auto value = FlagInFile(Below(root, kKubeadmFlags), flag);
      if (!value.empty()) return {value, kKubeadmFlags};
    }
    return {text ? ConfigValue(*text, key) : "", default_source};
  };
  return KubeletFacts{find("--container-runtime-endpoint", "containerRuntimeEndpoint"),
                      find("--cgroup-driver", "cgroupDriver")};
}

Findings JudgeKubelet(const std::optional<KubeletFacts>& kubelet,
                      const std::string& engine_cgroup_driver, const std::string& our_endpoint) {
  if (!kubelet) return {{Verdict::kOk, "kubelet", "not on this machine yet"}};
  Findings findings = {JudgeEndpoint(*kubelet, our_endpoint)};
  if (!engine_cgroup_driver.empty()) {
    findings.push_back(JudgeDriver(*kubelet, engine_cgroup_driver));
  }
  return findings;
}

}  // namespace dockershimd::shim::check
