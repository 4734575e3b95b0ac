#include "shim/translate/metrics.h"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "shim/translate/metric_definitions.h"

namespace dockershimd::shim::translate {
namespace {

using namespace metrics;
using Metrics = google::protobuf::RepeatedPtrField<runtime::v1::Metric>;

constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
constexpr std::uint64_t kMicrosPerSecond = 1'000'000;

/// Whose metrics they are: the values of kBaseLabels.
struct Subject {
  std::string container;
  std::string cgroup;
  std::string image;
  std::string name;
  std::string pod_namespace;
  std::string pod;
};

/// Adds metrics of one subject. They are fresh, which CRI shows by a time of zero.
class Writer {
 public:
  Writer(const Subject& subject, Metrics* metrics) : subject_(subject), metrics_(metrics) {}

  void Add(const Definition& definition, std::uint64_t value,
           std::initializer_list<std::string_view> labels = {}, base::UnixNanos time = 0) {
    auto& metric = *metrics_->Add();
    metric.set_name(std::string(definition.name));
    metric.set_timestamp(time);
    metric.set_metric_type(definition.type);
    for (const auto* label : {&subject_.container, &subject_.cgroup, &subject_.image,
                              &subject_.name, &subject_.pod_namespace, &subject_.pod}) {
      metric.add_label_values(*label);
    }
    for (const auto label : labels) metric.add_label_values(std::string(label));
    metric.mutable_value()->set_value(value);
  }

 private:
  const Subject& subject_;
  Metrics* metrics_;
};

Subject SubjectOf(const SandboxRecord& sandbox) {
  Subject subject;
  const auto config = sandbox.config.Get();
  subject.pod_namespace = config.metadata().namespace_();
  subject.pod = config.metadata().name();
  return subject;
}

void AddCpu(const linuxos::CpuCounters& cpu, Writer& writer) {
  writer.Add(kCpuUsage, cpu.usage_ns / kNanosPerSecond);
  writer.Add(kCpuUser, cpu.user_ns / kNanosPerSecond);
  writer.Add(kCpuSystem, cpu.system_ns / kNanosPerSecond);
  writer.Add(kCpuPeriods, cpu.periods);
  writer.Add(kCpuThrottledPeriods, cpu.throttled_periods);
  writer.Add(kCpuThrottled, cpu.throttled_ns / kNanosPerSecond);
}

void AddMemory(const linuxos::MemoryCounters& memory, Writer& writer) {
  writer.Add(kMemoryUsage, memory.usage);
  writer.Add(kMemoryMax, memory.max_usage);
  writer.Add(kMemoryWorkingSet, memory.WorkingSet());
  writer.Add(kMemoryRss, memory.rss);
  writer.Add(kMemoryCache, memory.cache);
  writer.Add(kMemoryMapped, memory.mapped_file);
  writer.Add(kMemoryActiveFile, memory.active_file);
  writer.Add(kMemoryInactiveFile, memory.inactive_file);
  writer.Add(kMemoryKernel, memory.kernel);
  if (memory.swap) writer.Add(kMemorySwap, *memory.swap);
  writer.Add(kMemoryFailcnt, memory.limit_hits);
  // The counters are those of the cgroup and all below it.
  for (const auto* scope : {"container", "hierarchy"}) {
    writer.Add(kMemoryFailures, memory.page_faults, {"pgfault", scope});
    writer.Add(kMemoryFailures, memory.major_page_faults, {"pgmajfault", scope});
  }
  writer.Add(kOomEvents, memory.oom_kills);
}

void AddPressure(const std::optional<linuxos::Pressure>& pressure, const Definition& waiting,
                 const Definition& stalled, Writer& writer) {
  if (!pressure) return;
  if (pressure->some) writer.Add(waiting, pressure->some->total_us / kMicrosPerSecond);
  if (pressure->full) writer.Add(stalled, pressure->full->total_us / kMicrosPerSecond);
}

void AddTasks(const stats::GroupSample& group, Writer& writer) {
  if (group.tasks) {
    writer.Add(kThreads, group.tasks->tasks);
    writer.Add(kThreadsMax, group.tasks->limit.value_or(0));
  }
  if (group.processes) {
    writer.Add(kProcesses, group.processes->processes);
    writer.Add(kDescriptors, group.processes->descriptors);
    writer.Add(kSockets, group.processes->sockets);
  }
}

void AddIo(const std::vector<linuxos::DeviceIo>& devices, Writer& writer) {
  for (const auto& device : devices) {
    writer.Add(kFsReadBytes, device.read_bytes, {device.name});
    writer.Add(kFsReads, device.reads, {device.name});
    writer.Add(kFsWrittenBytes, device.written_bytes, {device.name});
    writer.Add(kFsWrites, device.writes, {device.name});
    const auto major = std::to_string(device.major);
    const auto minor = std::to_string(device.minor);
    writer.Add(kBlkio, device.read_bytes, {device.name, major, minor, "Read"});
    writer.Add(kBlkio, device.written_bytes, {device.name, major, minor, "Write"});
  }
}

void AddGroup(const stats::GroupSample& group, Writer& writer) {
  if (group.cpu) AddCpu(*group.cpu, writer);
  if (group.memory) AddMemory(*group.memory, writer);
  AddTasks(group, writer);
  AddIo(group.io, writer);
  AddPressure(group.cpu_pressure, kCpuWaiting, kCpuStalled, writer);
  AddPressure(group.memory_pressure, kMemoryWaiting, kMemoryStalled, writer);
  AddPressure(group.io_pressure, kIoWaiting, kIoStalled, writer);
}

void AddFilesystem(const stats::ContainerSample& sample, const LayerFilesystem& filesystem,
                   Writer& writer) {
  if (const auto& layer = sample.writable_layer) {
    writer.Add(kFsUsage, layer->use.bytes, {filesystem.device}, layer->measured_at);
  }
  writer.Add(kFsLimit, filesystem.bytes, {filesystem.device});
  writer.Add(kFsInodes, filesystem.inodes, {filesystem.device});
  writer.Add(kFsInodesFree, filesystem.free_inodes, {filesystem.device});
}

void AddSpec(const ContainerRecord& container, const stats::GroupSample& group, Writer& writer) {
  const auto& resources = container.resources;
  const auto add = [&](const Definition& definition, std::int64_t value) {
    if (value > 0) writer.Add(definition, static_cast<std::uint64_t>(value));
  };
  add(kSpecCpuPeriod, resources.cpu_period_us);
  add(kSpecCpuQuota, resources.cpu_quota_us);
  add(kSpecCpuShares, resources.cpu_shares);
  if (!group.memory) return;
  const auto& memory = *group.memory;
  writer.Add(kSpecMemoryLimit, memory.limit.value_or(0));
  writer.Add(kSpecSwapLimit,
             memory.limit && memory.swap_limit ? *memory.limit + *memory.swap_limit : 0);
}

void AddInterface(const linuxos::InterfaceCounters& interface, Writer& writer) {
  const auto& received = interface.received;
  writer.Add(kReceiveBytes, received.bytes, {interface.name});
  writer.Add(kReceivePackets, received.packets, {interface.name});
  writer.Add(kReceiveDropped, received.dropped, {interface.name});
  writer.Add(kReceiveErrors, received.errors, {interface.name});
  const auto& sent = interface.sent;
  writer.Add(kTransmitBytes, sent.bytes, {interface.name});
  writer.Add(kTransmitPackets, sent.packets, {interface.name});
  writer.Add(kTransmitDropped, sent.dropped, {interface.name});
  writer.Add(kTransmitErrors, sent.errors, {interface.name});
}

std::string ImageOf(const ContainerRecord& container, const runtime::v1::ContainerConfig& config) {
  const auto& asked = config.image().user_specified_image();
  return asked.empty() ? container.details.image : asked;
}

}  // namespace

runtime::v1::ListMetricDescriptorsResponse MetricDescriptors() {
  runtime::v1::ListMetricDescriptorsResponse response;
  for (const auto* definition : kAll) {
    auto& descriptor = *response.add_descriptors();
    descriptor.set_name(std::string(definition->name));
    descriptor.set_help(std::string(definition->help));
    for (const auto label : kBaseLabels) descriptor.add_label_keys(std::string(label));
    for (const auto label : definition->labels) {
      if (!label.empty()) descriptor.add_label_keys(std::string(label));
    }
  }
  return response;
}

runtime::v1::PodSandboxMetrics ToPodSandboxMetrics(const SandboxRecord& sandbox,
                                                   const stats::PodSample& sample) {
  runtime::v1::PodSandboxMetrics metrics;
  metrics.set_pod_sandbox_id(sandbox.details.id);
  auto subject = SubjectOf(sandbox);
  subject.cgroup = sample.group.cgroup_path;
  Writer pod(subject, metrics.mutable_metrics());
  AddGroup(sample.group, pod);
  if (!sample.interfaces) return metrics;
  // cadvisor counts a pod's network on its pause container.
  subject.image = sandbox.details.image;
  subject.name = sandbox.details.id;
  for (const auto& interface : *sample.interfaces) AddInterface(interface, pod);
  return metrics;
}

runtime::v1::ContainerMetrics ToContainerMetrics(const SandboxRecord& sandbox,
                                                 const ContainerRecord& container,
                                                 const stats::ContainerSample& sample,
                                                 const LayerFilesystem& filesystem) {
  runtime::v1::ContainerMetrics metrics;
  metrics.set_container_id(container.details.id);
  auto subject = SubjectOf(sandbox);
  const auto config = container.config.Get();
  subject.container = config.metadata().name();
  subject.cgroup = sample.group.cgroup_path;
  subject.image = ImageOf(container, config);
  subject.name = container.details.id;
  Writer writer(subject, metrics.mutable_metrics());
  const auto seconds = [](base::UnixNanos time) {
    return static_cast<std::uint64_t>(std::max<base::UnixNanos>(time, 0)) / kNanosPerSecond;
  };
  writer.Add(kLastSeen, seconds(sample.group.taken_at));
  writer.Add(kStartTime, seconds(container.details.state.started_at));
  AddGroup(sample.group, writer);
  AddFilesystem(sample, filesystem, writer);
  AddSpec(container, sample.group, writer);
  return metrics;
}

}  // namespace dockershimd::shim::translate
