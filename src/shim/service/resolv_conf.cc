#include "shim/service/resolv_conf.h"

#include <optional>
#include <string>

#include "base/file.h"
#include "shim/translate/sandbox.h"

namespace dockershimd::shim::service {
namespace {

/// The host's own settings; nothing where they cannot be read.
std::optional<std::string> HostText(const std::filesystem::path& root) {
  const auto text = base::ReadFile(root / "etc/resolv.conf");
  if (!text) return std::nullopt;
  // systemd-resolved's address is on the host's loopback, where no pod gets; another file of it
  // names the servers behind.
  if (text->find("nameserver 127.0.0.53") != std::string::npos) {
    if (auto behind = base::ReadFile(root / "run/systemd/resolve/resolv.conf")) return *behind;
  }
  return *text;
}

}  // namespace

base::Status WriteResolvConf(const translate::SandboxRecord& sandbox,
                             const std::filesystem::path& root) {
  std::optional<std::string> text = translate::ResolvConf(sandbox.config.Get().dns_config());
  if (text->empty()) text = HostText(root);
  const std::string& path = sandbox.resolv_conf_path;
  if (!text || path.empty() || base::ReadFile(path) == *text) return {};
  // All containers of the pod have this file mounted: it must stay the same inode.
  auto written = base::WriteFileInPlace(path, *text);
  return written ? written : base::Fail(written.error(), "write the pod's resolv.conf");
}

}  // namespace dockershimd::shim::service
