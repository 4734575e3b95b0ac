#pragma once

#include <array>
#include <string_view>

#include "cri/runtime/v1/api.pb.h"

/// The metrics that this runtime gives: names and meanings are cadvisor's.
namespace dockershimd::shim::translate::metrics {

using runtime::v1::MetricType;

/// Labels that every metric has, in this order; its own come after them.
inline constexpr std::array<std::string_view, 6> kBaseLabels = {"container", "id",        "image",
                                                                "name",      "namespace", "pod"};

struct Definition {
  std::string_view name;
  MetricType type;
  std::string_view help;
  std::array<std::string_view, 4> labels = {};
};

inline constexpr auto kCounter = MetricType::COUNTER;
inline constexpr auto kGauge = MetricType::GAUGE;

inline constexpr Definition kCpuUsage{"container_cpu_usage_seconds_total", kCounter,
                                      "Cumulative CPU time consumed in seconds."};
inline constexpr Definition kCpuUser{"container_cpu_user_seconds_total", kCounter,
                                     "Cumulative user CPU time consumed in seconds."};
inline constexpr Definition kCpuSystem{"container_cpu_system_seconds_total", kCounter,
                                       "Cumulative system CPU time consumed in seconds."};
inline constexpr Definition kCpuPeriods{"container_cpu_cfs_periods_total", kCounter,
                                        "Number of elapsed enforcement periods."};
inline constexpr Definition kCpuThrottledPeriods{"container_cpu_cfs_throttled_periods_total",
                                                 kCounter,
                                                 "Number of throttled enforcement periods."};
inline constexpr Definition kCpuThrottled{
    "container_cpu_cfs_throttled_seconds_total", kCounter,
    "Time for which the container has been throttled, in seconds."};

inline constexpr Definition kMemoryUsage{"container_memory_usage_bytes", kGauge,
                                         "Memory in use in bytes, caches included."};
inline constexpr Definition kMemoryMax{"container_memory_max_usage_bytes", kGauge,
                                       "Most memory ever in use in bytes."};
inline constexpr Definition kMemoryWorkingSet{
    "container_memory_working_set_bytes", kGauge,
    "Working set in bytes: usage without inactive file cache."};
inline constexpr Definition kMemoryRss{"container_memory_rss", kGauge,
                                       "Anonymous memory in bytes."};
inline constexpr Definition kMemoryCache{"container_memory_cache", kGauge, "Page cache in bytes."};
inline constexpr Definition kMemoryMapped{"container_memory_mapped_file", kGauge,
                                          "Memory-mapped files in bytes."};
inline constexpr Definition kMemoryActiveFile{"container_memory_total_active_file_bytes", kGauge,
                                              "Page cache used of late, in bytes."};
inline constexpr Definition kMemoryInactiveFile{"container_memory_total_inactive_file_bytes",
                                                kGauge, "Page cache not used of late, in bytes."};
inline constexpr Definition kMemoryKernel{"container_memory_kernel_usage", kGauge,
                                          "Kernel memory in bytes."};
inline constexpr Definition kMemorySwap{"container_memory_swap", kGauge, "Swap in use in bytes."};
inline constexpr Definition kMemoryFailcnt{"container_memory_failcnt", kCounter,
                                           "How often memory use hit its limit."};
inline constexpr Definition kMemoryFailures{
    "container_memory_failures_total", kCounter, "Page faults by kind.", {"failure_type", "scope"}};
inline constexpr Definition kOomEvents{"container_oom_events_total", kCounter,
                                       "How many processes were killed for want of memory."};

inline constexpr Definition kFsUsage{
    "container_fs_usage_bytes", kGauge, "Bytes of the writable layer on disk.", {"device"}};
inline constexpr Definition kFsLimit{"container_fs_limit_bytes",
                                     kGauge,
                                     "Bytes that the writable layer's file system holds.",
                                     {"device"}};
inline constexpr Definition kFsInodes{"container_fs_inodes_total",
                                      kGauge,
                                      "Inodes that the writable layer's file system holds.",
                                      {"device"}};
inline constexpr Definition kFsInodesFree{"container_fs_inodes_free",
                                          kGauge,
                                          "Free inodes of the writable layer's file system.",
                                          {"device"}};
inline constexpr Definition kFsReadBytes{
    "container_fs_reads_bytes_total", kCounter, "Cumulative count of bytes read.", {"device"}};
inline constexpr Definition kFsReads{
    "container_fs_reads_total", kCounter, "Cumulative count of reads completed.", {"device"}};
inline constexpr Definition kFsWrittenBytes{
    "container_fs_writes_bytes_total", kCounter, "Cumulative count of bytes written.", {"device"}};
inline constexpr Definition kFsWrites{
    "container_fs_writes_total", kCounter, "Cumulative count of writes completed.", {"device"}};
inline constexpr Definition kBlkio{"container_blkio_device_usage_total",
                                   kCounter,
                                   "Bytes read and written by device.",
                                   {"device", "major", "minor", "operation"}};

inline constexpr Definition kReceiveBytes{"container_network_receive_bytes_total",
                                          kCounter,
                                          "Cumulative count of bytes received.",
                                          {"interface"}};
inline constexpr Definition kReceivePackets{"container_network_receive_packets_total",
                                            kCounter,
                                            "Cumulative count of packets received.",
                                            {"interface"}};
inline constexpr Definition kReceiveDropped{"container_network_receive_packets_dropped_total",
                                            kCounter,
                                            "Cumulative count of packets dropped while receiving.",
                                            {"interface"}};
inline constexpr Definition kReceiveErrors{
    "container_network_receive_errors_total",
    kCounter,
    "Cumulative count of errors encountered while receiving.",
    {"interface"}};
inline constexpr Definition kTransmitBytes{"container_network_transmit_bytes_total",
                                           kCounter,
                                           "Cumulative count of bytes transmitted.",
                                           {"interface"}};
inline constexpr Definition kTransmitPackets{"container_network_transmit_packets_total",
                                             kCounter,
                                             "Cumulative count of packets transmitted.",
                                             {"interface"}};
inline constexpr Definition kTransmitDropped{
    "container_network_transmit_packets_dropped_total",
    kCounter,
    "Cumulative count of packets dropped while transmitting.",
    {"interface"}};
inline constexpr Definition kTransmitErrors{
    "container_network_transmit_errors_total",
    kCounter,
    "Cumulative count of errors encountered while transmitting.",
    {"interface"}};

inline constexpr Definition kProcesses{"container_processes", kGauge, "Number of processes."};
inline constexpr Definition kDescriptors{"container_file_descriptors", kGauge,
                                         "Number of open file descriptors."};
inline constexpr Definition kSockets{"container_sockets", kGauge, "Number of open sockets."};
inline constexpr Definition kThreads{"container_threads", kGauge, "Number of threads."};
inline constexpr Definition kThreadsMax{"container_threads_max", kGauge,
                                        "Most threads allowed; 0: no limit."};

inline constexpr Definition kCpuWaiting{"container_pressure_cpu_waiting_seconds_total", kCounter,
                                        "Time for which some tasks waited for a CPU, in seconds."};
inline constexpr Definition kCpuStalled{"container_pressure_cpu_stalled_seconds_total", kCounter,
                                        "Time for which all tasks waited for a CPU, in seconds."};
inline constexpr Definition kMemoryWaiting{
    "container_pressure_memory_waiting_seconds_total", kCounter,
    "Time for which some tasks waited for memory, in seconds."};
inline constexpr Definition kMemoryStalled{
    "container_pressure_memory_stalled_seconds_total", kCounter,
    "Time for which all tasks waited for memory, in seconds."};
inline constexpr Definition kIoWaiting{"container_pressure_io_waiting_seconds_total", kCounter,
                                       "Time for which some tasks waited for I/O, in seconds."};
inline constexpr Definition kIoStalled{"container_pressure_io_stalled_seconds_total", kCounter,
                                       "Time for which all tasks waited for I/O, in seconds."};

inline constexpr Definition kLastSeen{
    "container_last_seen", kGauge, "When the container was last seen, in seconds since the epoch."};
inline constexpr Definition kStartTime{
    "container_start_time_seconds", kGauge,
    "When the container was started, in seconds since the epoch."};
inline constexpr Definition kSpecCpuPeriod{"container_spec_cpu_period", kGauge,
                                           "CPU period of the container, in microseconds."};
inline constexpr Definition kSpecCpuQuota{"container_spec_cpu_quota", kGauge,
                                          "CPU quota of the container, in microseconds a period."};
inline constexpr Definition kSpecCpuShares{"container_spec_cpu_shares", kGauge,
                                           "CPU shares of the container."};
inline constexpr Definition kSpecMemoryLimit{"container_spec_memory_limit_bytes", kGauge,
                                             "Memory limit of the container; 0: none."};
inline constexpr Definition kSpecSwapLimit{"container_spec_memory_swap_limit_bytes", kGauge,
                                           "Memory and swap limit of the container; 0: none."};

inline constexpr std::array kAll = {
    &kCpuUsage,
    &kCpuUser,
    &kCpuSystem,
    &kCpuPeriods,
    &kCpuThrottledPeriods,
    &kCpuThrottled,
    &kMemoryUsage,
    &kMemoryMax,
    &kMemoryWorkingSet,
    &kMemoryRss,
    &kMemoryCache,
    &kMemoryMapped,
    &kMemoryActiveFile,
    &kMemoryInactiveFile,
    &kMemoryKernel,
    &kMemorySwap,
    &kMemoryFailcnt,
    &kMemoryFailures,
    &kOomEvents,
    &kFsUsage,
    &kFsLimit,
    &kFsInodes,
    &kFsInodesFree,
    &kFsReadBytes,
    &kFsReads,
    &kFsWrittenBytes,
    &kFsWrites,
    &kBlkio,
    &kReceiveBytes,
    &kReceivePackets,
    &kReceiveDropped,
    &kReceiveErrors,
    &kTransmitBytes,
    &kTransmitPackets,
    &kTransmitDropped,
    &kTransmitErrors,
    &kProcesses,
    &kDescriptors,
    &kSockets,
    &kThreads,
    &kThreadsMax,
    &kCpuWaiting,
    &kCpuStalled,
    &kMemoryWaiting,
    &kMemoryStalled,
    &kIoWaiting,
    &kIoStalled,
    &kLastSeen,
    &kStartTime,
    &kSpecCpuPeriod,
    &kSpecCpuQuota,
    &kSpecCpuShares,
    &kSpecMemoryLimit,
    &kSpecSwapLimit,
};

}  // namespace dockershimd::shim::translate::metrics
