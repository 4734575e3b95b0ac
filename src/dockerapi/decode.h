#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "dockerapi/containers.h"
#include "dockerapi/images.h"
#include "dockerapi/streams.h"
#include "dockerapi/system.h"

namespace dockershimd::dockerapi {

// Docker's answers as our types. Each returns kInternal for a text that is not JSON of the
// expected kind, and where the member is missing without which the rest is of no use; other missing
// members read as empty. Rows of a list that have no id are left out.

[[nodiscard]] base::Result<EngineVersion> DecodeVersion(std::string_view body);
[[nodiscard]] base::Result<EngineInfo> DecodeInfo(std::string_view body);
[[nodiscard]] base::Result<DiskUsage> DecodeDiskUsage(std::string_view body);
[[nodiscard]] base::Result<Event> DecodeEvent(std::string_view message);

[[nodiscard]] base::Result<std::vector<ContainerSummary>> DecodeContainerList(
    std::string_view body);
[[nodiscard]] base::Result<ContainerDetails> DecodeContainer(std::string_view body);
[[nodiscard]] base::Result<ExecState> DecodeExec(std::string_view body);

[[nodiscard]] base::Result<std::vector<ImageSummary>> DecodeImageList(std::string_view body);
[[nodiscard]] base::Result<ImageDetails> DecodeImage(std::string_view body);

/// One message of a pull's or load's progress; the error that it carries, where it does.
[[nodiscard]] base::Result<Progress> DecodeProgress(std::string_view message);

/// A pull that Docker refused with a status that says nothing (500): the registry's error by its
/// name, where it has one.
[[nodiscard]] base::Error ClassifyPullError(base::Error error);

/// The answer of /containers/{id}/wait.
[[nodiscard]] base::Result<int> DecodeExitCode(std::string_view body);

/// The id of what was created: {"Id": "..."}.
[[nodiscard]] base::Result<std::string> DecodeId(std::string_view body);

}  // namespace dockershimd::dockerapi
