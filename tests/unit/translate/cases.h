#pragma once

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "dockerapi/containers.h"
#include "shim/translate/engine_view.h"

namespace dockershimd::shim::translate::testing_support {

/// A message from protobuf's text form; a later field overrides an earlier one.
template <class Message>
Message Parse(const std::string& text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::MergeFromString(text, &message)) << text;
  return message;
}

inline std::string Text(const google::protobuf::Message& message) { return message.DebugString(); }

/// One row of a table: the same request with `config` added makes the same body with `patch`
/// (RFC 7396) merged in.
struct Row {
  const char* config;
  const char* patch;
};

/// One row of refusals: what is added, the error's code, and what its message must name.
struct Refusal {
  const char* config;
  base::Code code;
  const char* message;
};

/// What Docker gets, without the labels, which have tests of their own.
inline nlohmann::json BodyOf(const dockerapi::ContainerSpec& spec) {
  auto body = nlohmann::json::parse(ToJson(spec));
  body.erase("Labels");
  return body;
}

/// An engine that can do everything.
inline EngineView NewEngine() {
  EngineView engine;
  engine.features.api = {1, 52};
  engine.features.cgroupns_mode = true;
  engine.features.annotations = true;
  engine.features.recursive_read_only = true;
  engine.features.volume_subpath = true;
  engine.features.image_mounts = true;
  engine.features.cdi = true;
  engine.features.apparmor = true;
  engine.features.selinux = true;
  engine.features.seccomp = true;
  engine.features.cgroup_v2 = true;
  engine.runtimes = {"crun", "nvidia", "runc"};
  engine.log_max_size = "5m";
  engine.log_max_files = "3";
  return engine;
}

/// Docker 20.10 on cgroup v1 without security modules.
inline EngineView OldEngine() {
  EngineView engine;
  engine.features.api = {1, 41};
  engine.runtimes = {"runc"};
  engine.log_max_size = "5m";
  engine.log_max_files = "3";
  return engine;
}

}  // namespace dockershimd::shim::translate::testing_support
