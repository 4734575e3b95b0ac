#include "recording.h"

#include "base/file.h"

namespace dockershimd::bench {

using nlohmann::json;

base::Result<Recording> Recording::Load(const std::filesystem::path& file) {
  const auto text = base::ReadFile(file);
  if (!text) return base::Fail(text.error());
  const auto all = json::parse(*text, nullptr, false);
  if (all.is_discarded()) {
    return base::Fail(base::Code::kInvalidArgument, "{} is no recording", file.string());
  }
  Recording recording{.api_version = all.at("api_version"),
                      .pod = all.at("pod"),
                      .sandbox_id = all.at("sandbox_id"),
                      .container_id = all.at("container_id"),
                      .calls = {},
                      .sandbox = all.at("sandbox"),
                      .container = all.at("container"),
                      .list = all.at("list"),
                      .version = all.at("version"),
                      .info = all.at("info"),
                      .images = all.at("images"),
                      .image_inspects = all.at("image_inspects")};
  for (const auto& call : all.at("calls")) {
    recording.calls.push_back(
        {call.at("rpc"), call.at("method"), call.at("target"), call.at("body"), call.at("status")});
  }
  return recording;
}

base::Status Recording::Save(const std::filesystem::path& file) const {
  auto listed = json::array();
  for (const auto& call : calls) {
    listed.push_back({{"rpc", call.rpc},
                      {"method", call.method},
                      {"target", call.target},
                      {"body", call.body},
                      {"status", call.status}});
  }
  const json all{{"api_version", api_version},
                 {"pod", pod},
                 {"sandbox_id", sandbox_id},
                 {"container_id", container_id},
                 {"calls", listed},
                 {"sandbox", sandbox},
                 {"container", container},
                 {"list", list},
                 {"version", version},
                 {"info", info},
                 {"images", images},
                 {"image_inspects", image_inspects}};
  return base::WriteFileAtomically(file, all.dump(2), base::Durability::kDaemonCrash, 0644);
}

std::string Recording::CallsText() const {
  std::string text;
  std::string rpc;
  for (const auto& call : calls) {
    if (call.rpc != rpc) text += (text.empty() ? "" : "\n") + (rpc = call.rpc) + ":";
    auto path = call.target.substr(0, call.target.find('?'));
    path = path.substr(path.find('/', 1));  // the version
    text += "  " + call.method + " " +
            Replaced(path, {{sandbox_id, "{sandbox}"}, {container_id, "{container}"}});
    if (call.status >= 400) text += " (" + std::to_string(call.status) + ")";
  }
  return text + "\n";
}

std::string Replaced(std::string text,
                     const std::vector<std::pair<std::string, std::string>>& replacements) {
  for (const auto& [from, to] : replacements) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
      text.replace(at, from.size(), to);
    }
  }
  return text;
}

}  // namespace dockershimd::bench
