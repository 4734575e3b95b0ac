#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "environment.h"
#include "figures.h"
#include "reads.h"

namespace dockershimd::bench {

/// A CRI runtime that takes part, in an environment of its own.
struct Contender : Subject {
  Contender(std::string its_name, Environment where)
      : Subject("unix:" + where.Inside("/run/" + its_name + ".sock").string()),
        name(std::move(its_name)),
        environment(std::move(where)) {}

  std::string name;
  Environment environment;
};

using Contenders = std::vector<std::unique_ptr<Contender>>;

/// Of texts "NAME,PID,STATE", as the script `run` makes them.
[[nodiscard]] Contenders ContendersOf(const std::vector<std::string>& environments);

/// How long a figure is looked at.
struct Effort {
  int rounds = 300;
  double seconds = 8;  ///< of each contender, after which fewer rounds must do
};

/// Times a call in rounds, each contender once a round, so that a change of the machine's load
/// hits all alike. The first round does not count.
void Measure(const std::string& figure, const MeasuredCall& call, const Effort& effort,
             Contenders& contenders, Figures& figures);

/// Milliseconds that `work` takes.
template <class Work>
[[nodiscard]] double Milliseconds(const Work& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

}  // namespace dockershimd::bench
