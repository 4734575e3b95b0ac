#include "contender.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <thread>

namespace dockershimd::bench {
namespace {

/// With fewer, a median says nothing.
constexpr std::size_t kFewest = 3;

/// After a call its runtime may be busy for a while (a garbage collector, for one), at the cost of
/// whoever comes next.
void LetItSettle(double took) {
  constexpr double kLongest = 100;
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(std::min(took, kLongest)));
}

/// False once the contender has been looked at enough.
bool MeasureOnce(const MeasuredCall& call, const Effort& effort, Contender& contender,
                 double& spent, Value& value) {
  if (!value.failure.empty()) return false;
  base::Result<std::string> answer;
  const double took = Milliseconds([&] { answer = call(contender); });
  if (!answer) {
    value.failure = base::CodeName(answer.error().code);
    return false;
  }
  value.note = *answer;
  value.samples.push_back(took);
  spent += took / 1000;
  LetItSettle(took);
  return value.samples.size() < static_cast<std::size_t>(effort.rounds) &&
         (spent < effort.seconds || value.samples.size() < kFewest);
}

}  // namespace

Contenders ContendersOf(const std::vector<std::string>& environments) {
  Contenders contenders;
  for (const auto& text : environments) {
    const auto words = CLI::detail::split(text, ',');
    contenders.push_back(
        std::make_unique<Contender>(words.at(0), Environment(std::stoi(words.at(1)), words.at(2))));
  }
  return contenders;
}

void Measure(const std::string& figure, const MeasuredCall& call, const Effort& effort,
             Contenders& contenders, Figures& figures) {
  struct Progress {
    Contender* contender;
    double spent = 0;
  };
  std::vector<Progress> going;
  for (auto& contender : contenders) {
    (void)call(*contender);
    going.push_back({contender.get()});
  }
  while (!going.empty()) {
    std::erase_if(going, [&](Progress& one) {
      return !MeasureOnce(call, effort, *one.contender, one.spent,
                          figures.At(figure, one.contender->name));
    });
    // Nobody always comes first.
    if (!going.empty()) std::rotate(going.begin(), going.begin() + 1, going.end());
  }
}

}  // namespace dockershimd::bench
