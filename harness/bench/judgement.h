#pragma once
// What of a load may be believed: where its warm-up ends, whether it was steady behind it, and what speaks against it.
// Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/bench/load.h"
#include "harness/bench/self_test.h"
#include "results/facts.h"

namespace assay::bench {

/// Why a point is not valid, as it is stored.
namespace reason {
inline constexpr const char* too_short = "too_short";    ///< too little time or too few requests behind the warm-up
inline constexpr const char* not_steady = "not_steady";  ///< throughput or latency drifts
inline constexpr const char* queue_growing = "queue_growing";  ///< more arrives than is answered
inline constexpr const char* littles_law = "littles_law";      ///< mean in flight is not rate times latency
inline constexpr const char* client_bound = "client_bound";    ///< the client itself was late, or near its own limit
inline constexpr const char* throttled = "throttled";          ///< the GPU's clocks were held down by heat or a fault
inline constexpr const char* errors = "errors";                ///< requests failed
inline constexpr const char* cancelled = "cancelled";          ///< requests were given up when the time was over
}  // namespace reason

/// How much is asked of a load.
struct Demands {
  double least_window_ms = 5000;
  std::int64_t least_requests = 30;
  double most_drift_ratio = 0.10;     ///< of throughput or latency, over the window
  double most_littles_ratio = 0.05;   ///< plus a request's share of the window, which its ends cut
  double most_lateness_ratio = 0.05;  ///< of the median time to the first token; a millisecond is always allowed
  double most_client_share = 0.5;     ///< of the requests a second that the client can send at most
};

struct Judgement {
  double window_begin_ms = 0, window_end_ms = 0;  ///< requests that were to be sent within are measured
  std::vector<std::string> reason_codes;
  Json details = Json::object();  ///< warm-up, drifts, Little's law, lateness: each with its figures
  double window_s() const { return (window_end_ms - window_begin_ms) / 1000; }
};

/// `gpu`: samples over the load, at_ms counted from its beginning.
Judgement judge(const LoadResult& load, const Arrivals& arrivals, const Demands& demands,
                const std::optional<SelfTest>& client, std::span<const results::GpuSample> gpu);

/// True if some sample tells of clocks held down by heat or a fault, rather than by the limits that are set.
bool has_faulty_clocks(std::span<const results::GpuSample> gpu);

/// Output tokens in each of `n` equal stretches of [begin_ms, end_ms), a second.
std::vector<double> tokens_per_s_over(std::span<const RequestRecord> records, double begin_ms, double end_ms,
                                      std::size_t n);
/// Mean number of requests between their intended beginning and their end, in each of `n` equal stretches.
std::vector<double> in_flight_over(std::span<const RequestRecord> records, double begin_ms, double end_ms,
                                   std::size_t n);

}  // namespace assay::bench
