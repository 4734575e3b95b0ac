#pragma once

#include "compare/session.h"

namespace dockershimd::compare {

/// One round of latency measurement on one side: a pod from start to removal, with the questions
/// that kubelet asks all the time. Its calls' times are in the endpoint's samples.
void MeasureRound(Session& s);

}  // namespace dockershimd::compare
