#pragma once
// Service levels: how long a request may take to be worth counting.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "harness/bench/request_record.h"
#include "results/analysis/intervals.h"

namespace assay::bench {

/// A request meets it if none of the limits that are given is exceeded; one that failed meets none.
struct ServiceLevel {
  std::string name;
  std::optional<double> ttft_ms, tpot_ms, e2e_ms;
  std::string source;  ///< where the limits come from
};

/// MLPerf Inference's, from its rules' table of benchmarks for the server and interactive scenarios.
std::span<const ServiceLevel> service_level_presets();

/// A preset's name, or limits: "ttft=2000,tpot=80" (ms; ttft, tpot, e2e). Error{bad_input} lists what there is.
Result<ServiceLevel> parse_service_level(std::string_view words);

bool meets(const RequestRecord& record, const ServiceLevel& level);

/// How many requests met a level.
struct Goodput {
  std::int64_t n = 0, n_met = 0;
  double requests_per_s = 0;  ///< that met it
  double met_ratio = 0;
  results::Interval met_ci99{};  ///< of the true share, exact (Clopper and Pearson)
  /// Whether 99 of 100 requests meet it, at 99 % confidence: "met", "not_met", or "undecided" with so few requests.
  std::string p99;
};
/// Over at least one request within `window_s`. Naive percentiles of few requests are thus never taken for the claim.
Result<Goodput> goodput(std::span<const RequestRecord> records, const ServiceLevel& level, double window_s);

}  // namespace assay::bench
