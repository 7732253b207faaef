#pragma once
// What is summed over the samples of a run while they pass by, and the figures of a summary that follow from the sums
// alone. Pure.

#include <cstdint>
#include <optional>
#include <vector>

#include "results/summary.h"

namespace assay::results {

struct RunTotals {
  std::int64_t n_served = 0;  ///< samples that did not fail
  std::int64_t n_correct = 0;
  // Unknown from the first sample on that doesn't know its own.
  std::optional<std::int64_t> n_prompt_tokens = 0, n_cached_prompt_tokens = 0, n_output_tokens = 0;
  std::int64_t n_drafted_tokens = 0, n_accepted_tokens = 0;
  std::optional<double> prefill_device_ms = 0, decode_device_ms = 0;
  std::vector<double> ttft_ms, itl_ms, e2e_ms;  ///< those that are known

  void add(const SampleFacts& sample, Verdict verdict);
  void add(const RunTotals& part);  ///< of other samples of the same run
};

/// Fills in tokens, times, cost and energy. `summary` has its run, and the GPU's activity where that was read.
Result<> add_totals(const RunTotals& totals, RunSummary& summary);

}  // namespace assay::results
