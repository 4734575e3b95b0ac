#include "shim/service/resolv_conf.h"

#include "base/file.h"
#include "shim/translate/sandbox.h"

namespace dockershimd::shim::service {

base::Status WriteResolvConf(const translate::SandboxRecord& sandbox) {
  const std::string text = translate::ResolvConf(sandbox.config.Get().dns_config());
  const std::string& path = sandbox.details.resolv_conf_path;
  if (text.empty() || path.empty() || base::ReadFile(path) == text) return {};
  // All containers of the pod have this file mounted: it must stay the same inode.
  auto written = base::WriteFileInPlace(path, text);
  return written ? written : base::Fail(written.error(), "write the pod's resolv.conf");
}

}  // namespace dockershimd::shim::service
