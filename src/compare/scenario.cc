#include "compare/scenario.h"

namespace dockershimd::compare {

Findings RunScenario(const Scenario& scenario, Endpoint& endpoint, const Settings& settings,
                     const std::stop_token& stop) {
  Session session(endpoint, settings, stop);
  try {
    scenario.run(session);
    session.Verify(kRunsToItsEnd, true);
  } catch (const ScenarioEnded&) {
    // The session has noted why.
  }
  return session.Take();
}

std::vector<Scenario> AllScenarios() {
  std::vector<Scenario> all;
  for (const auto part :
       {NodeScenarios(), ImageScenarios(), LifecycleScenarios(), EnvironmentScenarios(),
        ExecScenarios(), LogScenarios(), StatsScenarios(), NetworkScenarios(), SecurityScenarios(),
        StorageScenarios(), FailureScenarios(), RestartScenarios()}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace dockershimd::compare
