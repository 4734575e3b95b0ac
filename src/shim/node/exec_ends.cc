#include "shim/node/exec_ends.h"

namespace dockershimd::shim::node {

ExecEnds::Expected ExecEnds::Expect(std::string exec_id) {
  exit_codes_.Lock()->try_emplace(exec_id);
  return {*this, std::move(exec_id)};
}

void ExecEnds::OnEnd(const std::string& exec_id, int exit_code) {
  const auto exit_codes = exit_codes_.Lock();
  const auto found = exit_codes->find(exec_id);
  if (found == exit_codes->end()) return;
  found->second = exit_code;
  told_.notify_all();
}

std::optional<int> ExecEnds::Expected::WaitUntil(base::CallContext::Clock::time_point time) const {
  auto exit_codes = ends_.exit_codes_.Lock();
  const auto& exit_code = exit_codes->at(exec_id_);
  exit_codes.WaitUntil(ends_.told_, time, [&] { return exit_code.has_value(); });
  return exit_code;
}

}  // namespace dockershimd::shim::node
