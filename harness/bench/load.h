#pragma once
// Sends requests when they are to be sent, whatever becomes of those before, and records what came back.

#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "harness/bench/arrivals.h"
#include "harness/bench/load_time.h"
#include "harness/bench/request_record.h"
#include "runners/live_runner.h"

namespace assay::bench {

struct LoadPlan {
  Arrivals arrivals;
  double duration_ms = 0;  ///< nothing is to be sent from here on
  std::int64_t max_requests = kMostRequests;
  double drain_ms = 60'000;  ///< what is then under way may take so long; it is given up after that
  std::function<runners::Request(std::int64_t index)> make_request;  ///< called on the thread of generate_load()
};

struct LoadResult {
  std::vector<RequestRecord> records;  ///< by index; all have ended
  double duration_ms = 0;              ///< in which requests were sent: the plan's, or less if it was stopped
  double end_ms = 0;                   ///< when the last one had ended
  bool was_stopped = false;
};

/// Runs the load and returns when all its requests have ended. Requests of an open loop are all made before the first
/// is sent. Error{bad_input} for a plan that sends nothing, and if the runner refuses the first request.
Result<LoadResult> generate_load(runners::LiveRunner& runner, const LoadPlan& plan, LoadTime& time,
                                 std::stop_token stop);

}  // namespace assay::bench
