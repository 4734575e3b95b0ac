#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "criclient/client.h"
#include "workload.h"

namespace dockershimd::bench {

/// Who is asked: a CRI runtime and the pods that it runs.
struct Subject {
  explicit Subject(const std::string& endpoint) : client(endpoint) {}

  criclient::Client client;
  std::vector<RunningPod> pods;

  /// A pod that runs; not the same as the last time.
  [[nodiscard]] const RunningPod& AnyPod() { return pods[++turn_ % pods.size()]; }

 private:
  std::size_t turn_ = 0;
};

/// One call; what its answer held, for the table, or nothing to say.
using MeasuredCall = std::function<base::Result<std::string>(Subject&)>;

/// A read RPC as kubelet sends it.
struct Read {
  std::string name;
  MeasuredCall call;
};

/// Those by which kubelet follows what runs.
[[nodiscard]] std::vector<Read> Lists();
/// Images, counters, probes.
[[nodiscard]] std::vector<Read> OtherReads();

/// What a figure of such a call is named.
[[nodiscard]] std::string FigureOf(const std::string& read, int pods);

}  // namespace dockershimd::bench
