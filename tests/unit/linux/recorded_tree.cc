#include "recorded_tree.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace dockershimd::testsupport {
namespace fs = std::filesystem;

namespace {

constexpr const char* kPressure =
    "some avg10=1.50 avg60=0.25 avg300=0.05 total=8035\n"
    "full avg10=0.50 avg60=0.12 avg300=0.01 total=2493\n";

std::string Proc(int pid) { return "/proc/" + std::to_string(pid); }

}  // namespace

RecordedTree::RecordedTree() {
  std::string pattern = testing::TempDir() + "dockershimd-tree-XXXXXX";
  root_ = ::mkdtemp(pattern.data());
}

RecordedTree::~RecordedTree() { fs::remove_all(root_); }

void RecordedTree::Write(const std::string& path, const std::string& content) const {
  const fs::path file = root_.string() + path;
  fs::create_directories(file.parent_path());
  std::ofstream(file) << content;
}

void RecordedTree::Remove(const std::string& path) const {
  const fs::path removed = root_.string() + path;
  // From a cgroup that has gone even open files show nothing any more.
  if (fs::is_directory(removed)) {
    for (const auto& entry : fs::recursive_directory_iterator(removed)) {
      if (entry.is_regular_file()) fs::resize_file(entry, 0);
    }
  }
  fs::remove_all(removed);
}

void RecordedTree::WriteMemoryV1(const std::string& folder) const {
  Write(folder + "/memory.usage_in_bytes", "1130496\n");
  Write(folder + "/memory.max_usage_in_bytes", "4067328\n");
  Write(folder + "/memory.kmem.usage_in_bytes", "270336\n");
  Write(folder + "/memory.failcnt", "3\n");
  Write(folder + "/memory.limit_in_bytes", "99999744\n");
  Write(folder + "/memory.memsw.limit_in_bytes", "199999488\n");
  Write(folder + "/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n");
  Write(folder + "/memory.stat",
        "cache 300000\nrss 80000\nmapped_file 100\npgfault 100\npgmajfault 1\n"
        "inactive_file 10\nactive_file 20\nhierarchical_memory_limit 99999744\n"
        "hierarchical_memsw_limit 199999488\ntotal_cache 311296\ntotal_rss 86016\n"
        "total_mapped_file 4096\ntotal_swap 8192\ntotal_pgfault 18565\ntotal_pgmajfault 7\n"
        "total_inactive_file 307200\ntotal_active_file 12288\n");
}

void RecordedTree::AddHybrid(const std::string& cgroup, int pid) const {
  std::string membership = "9:name=systemd:" + cgroup + "\n";
  std::string mounts =
      "77 76 0:53 / /sys/fs/cgroup rw,relatime shared:28 - tmpfs tmpfs rw,mode=755\n"
      // Seen in a namespace below: covered by the mounts after it.
      "48 47 0:29 /.. /sys/fs/cgroup/cpu rw,relatime shared:7 - cgroup cgroup rw,cpu\n";
  int number = 1;
  for (const char* controller : {"cpu", "cpuacct", "memory", "blkio", "pids"}) {
    membership += std::to_string(number++) + ":" + controller + ":" + cgroup + "\n";
    mounts += "78 77 0:29 / /sys/fs/cgroup/" + std::string(controller) +
              " rw,relatime shared:29 - cgroup cgroup rw," + controller + "\n";
  }
  mounts += "87 77 0:38 / /sys/fs/cgroup/unified rw,relatime shared:38 - cgroup2 cgroup2 rw\n";
  Write(Proc(pid) + "/cgroup", membership + "0::" + cgroup + "\n");
  Write("/proc/self/mountinfo", mounts);
  const std::string top = "/sys/fs/cgroup/";
  Write(top + "cpuacct" + cgroup + "/cpuacct.usage", "213992451\n");
  Write(top + "cpuacct" + cgroup + "/cpuacct.usage_user", "100000000\n");
  Write(top + "cpuacct" + cgroup + "/cpuacct.usage_sys", "113992451\n");
  Write(top + "cpu" + cgroup + "/cpu.stat",
        "nr_periods 50\nnr_throttled 5\nthrottled_time 123456789\nnr_bursts 0\n");
  WriteMemoryV1(top + "memory" + cgroup);
  Write(top + "pids" + cgroup + "/pids.current", "4\n");
  Write(top + "pids" + cgroup + "/pids.max", "max\n");
  Write(top + "blkio" + cgroup + "/blkio.throttle.io_service_bytes_recursive",
        "8:0 Read 4096\n8:0 Write 8192\n8:0 Sync 0\n8:0 Total 12288\nTotal 12288\n");
  Write(top + "blkio" + cgroup + "/blkio.throttle.io_serviced_recursive",
        "8:0 Read 1\n8:0 Write 2\nTotal 3\n");
  for (const char* resource : {"cpu", "memory", "io"}) {
    Write(top + "unified" + cgroup + "/" + resource + ".pressure", kPressure);
  }
}

void RecordedTree::AddV1(const std::string& cgroup, int pid) const {
  Write(Proc(pid) + "/cgroup", "5:cpu,cpuacct:" + cgroup + "\n4:memory:" + cgroup +
                                   "\n3:pids:" + cgroup + "\n1:name=systemd:" + cgroup + "\n");
  Write("/proc/self/mountinfo",
        "30 24 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:11 - cgroup cgroup "
        "rw,cpu,cpuacct\n"
        "31 24 0:27 / /sys/fs/cgroup/memory rw,nosuid shared:12 - cgroup cgroup rw,memory\n"
        "32 24 0:28 / /sys/fs/cgroup/pids rw,nosuid shared:13 - cgroup cgroup rw,pids\n");
  Write("/sys/fs/cgroup/cpu,cpuacct" + cgroup + "/cpuacct.usage", "5000000000\n");
  WriteMemoryV1("/sys/fs/cgroup/memory" + cgroup);
  Write("/sys/fs/cgroup/pids" + cgroup + "/pids.current", "4\n");
}

void RecordedTree::WriteV2(const std::string& folder) const {
  Write(folder + "/cpu.stat",
        "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\nnice_usec 0\n"
        "nr_periods 10\nnr_throttled 4\nthrottled_usec 70000\nnr_bursts 0\nburst_usec 0\n");
  Write(folder + "/memory.current", "20971520\n");
  Write(folder + "/memory.peak", "31457280\n");
  Write(folder + "/memory.max", "104857600\n");
  Write(folder + "/memory.swap.current", "4096\n");
  Write(folder + "/memory.swap.max", "max\n");
  Write(folder + "/memory.events", "low 0\nhigh 0\nmax 6\noom 1\noom_kill 1\noom_group_kill 0\n");
  Write(folder + "/memory.stat",
        "anon 10485760\nfile 8388608\nkernel 1048576\nkernel_stack 65536\nshmem 0\n"
        "file_mapped 2097152\ninactive_anon 0\nactive_anon 10485760\ninactive_file 5242880\n"
        "active_file 3145728\npgfault 12345\npgmajfault 67\n");
  Write(folder + "/pids.current", "9\n");
  Write(folder + "/pids.max", "100\n");
  Write(folder + "/io.stat",
        "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n"
        "253:0 \n");
  for (const char* resource : {"cpu", "memory", "io"}) {
    Write(folder + "/" + resource + ".pressure", kPressure);
  }
}

void RecordedTree::AddV2(const std::string& cgroup, int pid) const {
  Write(Proc(pid) + "/cgroup", "0::" + cgroup + "\n");
  Write("/proc/self/mountinfo",
        "29 22 0:25 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 "
        "rw,nsdelegate,memory_recursiveprot\n");
  WriteV2("/sys/fs/cgroup" + cgroup);
}

}  // namespace dockershimd::testsupport
