// Whatever the kernel's files may say: no parser reads beyond its text.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "shim/linux/cgroup_counters.h"
#include "shim/linux/cgroup_folders.h"
#include "shim/linux/mount_info.h"
#include "shim/linux/network_counters.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace linuxos = dockershimd::shim::linuxos;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto mounts = linuxos::ParseMountInfo(text);
  (void)linuxos::RootUpperDir(mounts);
  if (const auto folders = linuxos::ContainerFolders(text, mounts, "c1")) {
    (void)linuxos::ParentFolders(*folders);
  }
  (void)linuxos::ParsePressure(text);
  (void)linuxos::ParseIoStat(text);
  (void)linuxos::ParseBlkio(text, text);
  (void)linuxos::ParseNetDev(text);
  return 0;
}
