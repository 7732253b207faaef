#pragma once
// What the client itself costs: its load against a runner that answers at once.

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/bench/load_time.h"

namespace assay::bench {

struct SelfTest {
  double requests_per_s = 0;   ///< that it sends and takes back at most, one after the other
  double events_per_s = 0;     ///< of one stream that it records at most
  double overhead_ms = 0;      ///< of a request: 1 / requests_per_s
  double lateness_p50_ms = 0;  ///< of requests at a constant rate that is no trouble
  double lateness_max_ms = 0;
};
Json to_json(const SelfTest& test);

/// Takes about half a second of machine time.
Result<SelfTest> test_client(LoadTime& time);

}  // namespace assay::bench
