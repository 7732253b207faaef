#pragma once
// The figures of a load, from its requests. Pure.

#include <map>
#include <optional>
#include <span>
#include <string>

#include "harness/bench/judgement.h"
#include "harness/bench/service_level.h"
#include "results/points.h"

namespace assay::bench {

/// What is paid for, for figures of cost and of a device.
struct Priced {
  std::optional<double> usd_per_gpu_hour;
  std::int64_t n_devices = 1;  ///< a machine without a GPU counts as one
};

/// Of requests that were to be sent within the window and did not fail: "mean_", "p50_", "p90_", "p99_" and "max_" of
/// ttft_ms, itl_ms, tpot_ms, e2e_ms (percentiles only of as many as results::percentiles asks for; "max_" says what so
/// few say), lateness_ms of the client; rates of requests and tokens in the window, of prompt tokens by the requests'
/// ends; goodput; dollars per million output tokens.
Result<std::map<std::string, results::PointFigure>> serve_figures(std::span<const RequestRecord> records,
                                                                  const Judgement& judgement,
                                                                  const std::optional<ServiceLevel>& level,
                                                                  const Priced& priced);

/// How the figures above are measured, with versions that grow when the meaning does: {"ttft_ms": 1, …}.
Json serve_method_versions();
/// The text that each version stands for. A test holds them together.
const std::map<std::string, std::pair<int, std::string>>& serve_methods();

}  // namespace assay::bench
