#include "compare/leaves.h"

#include <gmock/gmock.h>

#include "cri/runtime/v1/api.pb.h"

namespace dockershimd::compare {
namespace {

using testing::Contains;
using testing::Key;
using testing::Not;
using testing::Pair;

TEST(Leaves, NameEachValueByItsPath) {
  runtime::v1::ContainerStatusResponse answer;
  auto& status = *answer.mutable_status();
  status.set_exit_code(3);
  status.set_state(runtime::v1::CONTAINER_EXITED);
  (*status.mutable_labels())["app"] = "shop";
  auto& mount = *status.add_mounts();
  mount.set_container_path("/data");
  mount.set_readonly(true);
  status.mutable_user()->mutable_linux()->add_supplemental_groups(20);
  status.mutable_user()->mutable_linux()->add_supplemental_groups(10);
  const auto leaves = Flatten(answer);
  EXPECT_THAT(leaves, Contains(Pair("ContainerStatus.status.exit_code", "3")));
  EXPECT_THAT(leaves, Contains(Pair("ContainerStatus.status.state", "CONTAINER_EXITED")));
  EXPECT_THAT(leaves, Contains(Pair("ContainerStatus.status.labels[app]", "shop")));
  EXPECT_THAT(leaves, Contains(Pair("ContainerStatus.status.mounts[/data].readonly", "true")));
  EXPECT_THAT(leaves,
              Contains(Pair("ContainerStatus.status.user.linux.supplemental_groups", "[10, 20]")));
  EXPECT_THAT(leaves, Not(Contains(Key("ContainerStatus.status.reason"))));
}

TEST(Leaves, TellNothingFromZeroAndFromAnEmptyMessage) {
  runtime::v1::ContainerStatsResponse answer;
  auto& memory = *answer.mutable_stats()->mutable_memory();
  memory.mutable_rss_bytes();
  answer.mutable_stats()->mutable_swap();
  const auto leaves = Flatten(answer);
  EXPECT_THAT(leaves, Contains(Pair("ContainerStats.stats.memory.rss_bytes", "0")));
  EXPECT_THAT(leaves, Contains(Pair("ContainerStats.stats.swap", "{}")));
  EXPECT_THAT(leaves, Not(Contains(Key("ContainerStats.stats.memory.usage_bytes"))));
}

TEST(Leaves, NameRowsThatAreAlikeOneByOne) {
  runtime::v1::ListContainersResponse answer;
  for (int i = 0; i < 2; ++i) {
    auto& row = *answer.add_containers();
    row.mutable_metadata()->set_name("main");
    row.mutable_metadata()->set_attempt(i + 1);
  }
  const auto leaves = Flatten(answer);
  EXPECT_THAT(leaves, Contains(Pair("ListContainers.containers[main].metadata.attempt", "1")));
  EXPECT_THAT(leaves, Contains(Pair("ListContainers.containers[main#2].metadata.attempt", "2")));
}

TEST(Leaves, TakeVerboseInfoApart) {
  runtime::v1::PodSandboxStatusResponse answer;
  (*answer.mutable_info())["info"] =
      R"({"pid": 12, "config": {"labels": {"a.b/c": "d"}}, "list": [1, 2], "none": {},
          "mounts": [{"destination": "/proc", "type": "proc"}]})";
  (*answer.mutable_info())["text"] = "not JSON";
  const auto leaves = Flatten(answer);
  EXPECT_THAT(leaves, Contains(Pair("PodSandboxStatus.info.info.pid", "12")));
  EXPECT_THAT(leaves, Contains(Pair("PodSandboxStatus.info.info.config.labels[a.b/c]", "d")));
  EXPECT_THAT(leaves, Contains(Pair("PodSandboxStatus.info.info.list", "[1, 2]")));
  EXPECT_THAT(leaves, Contains(Pair("PodSandboxStatus.info.info.none", "{}")));
  EXPECT_THAT(leaves, Contains(Pair("PodSandboxStatus.info.info.mounts[/proc].type", "proc")));
  EXPECT_THAT(leaves, Contains(Pair("PodSandboxStatus.info.text", "not JSON")));
}

/// Lists that CRI has must be lists that the walk can read.
void ExpectReadable(const google::protobuf::Descriptor& type) {
  using google::protobuf::FieldDescriptor;
  for (int i = 0; i < type.field_count(); ++i) {
    const auto* field = type.field(i);
    if (!field->is_repeated() || field->is_map()) continue;
    EXPECT_THAT(field->cpp_type(),
                testing::AnyOf(FieldDescriptor::CPPTYPE_MESSAGE, FieldDescriptor::CPPTYPE_STRING,
                               FieldDescriptor::CPPTYPE_INT32, FieldDescriptor::CPPTYPE_INT64))
        << field->full_name();
  }
}

TEST(Leaves, EveryListOfCriIsReadable) {
  const auto* file = runtime::v1::VersionRequest::descriptor()->file();
  for (int i = 0; i < file->message_type_count(); ++i) ExpectReadable(*file->message_type(i));
}

}  // namespace
}  // namespace dockershimd::compare
