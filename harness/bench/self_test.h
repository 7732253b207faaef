#pragma once
// What the client itself costs: its load against what answers at once, a runner in this process or an endpoint on
// loopback.

#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "harness/bench/load_time.h"

namespace assay::bench {

struct SelfTest {
  std::string over = "process";  ///< or "http": sockets, libcurl and reading the protocol are in it
  double requests_per_s = 0;     ///< where it saturates: that it sends and takes back at most
  double events_per_s = 0;       ///< of one stream that it records at most
  double overhead_ms = 0;        ///< of a request, when there is no other
  double lateness_p50_ms = 0;    ///< of requests at a constant rate that is no trouble
  double lateness_max_ms = 0;
};
Json to_json(const SelfTest& test);

/// Of loads on the native engine. Takes about half a second of machine time.
Result<SelfTest> test_client(LoadTime& time);
/// Of loads on an endpoint, over real sockets. What its server costs is in it, so the client is a little faster. Takes
/// about a second of machine time. Error{environment} if nothing can be listened on.
Result<SelfTest> test_endpoint_client(LoadTime& time);

}  // namespace assay::bench
