#pragma once
// A run in numbers: all that `assay run --json` and `assay report` print. Computed from stored facts, never stored.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "results/analysis/bootstrap.h"
#include "results/analysis/intervals.h"
#include "results/cost/api_prices.h"
#include "results/gpu_activity.h"
#include "results/idle_power.h"
#include "results/store.h"

namespace assay::results {

/// Accuracy over the items of one tag.
struct TagSummary {
  std::string tag;
  std::int64_t n_items = 0;  ///< with at least one stored sample
  double accuracy = 0;
  Interval ci95{};
};

/// One suite of a run. Items without a stored sample are left out of every mean.
struct SuiteSummary {
  RunSuiteRecord suite;
  std::int64_t n_items_sampled = 0;          ///< items with at least one stored sample
  std::optional<double> accuracy;            ///< mean over items of the mean over samples; none without samples
  std::optional<double> stderr_accuracy;     ///< over items; none below two items
  std::optional<double> stderr_by_tag;       ///< over items, those of a tag held to depend on each other; two tags
  std::optional<double> stderr_fixed_items;  ///< for these very items; needs two samples of one of them
  std::optional<Interval> ci95;
  std::string ci95_method;                   ///< as RuledInterval::method
  std::optional<Interval> accuracy_bounds;   ///< if samples without a usable answer were all wrong, or all right
  std::map<std::int64_t, double> pass_at_k;  ///< k = 1, 2, 4, … and the largest k that every item has samples for
  std::map<std::int64_t, double> maj_at_k;   ///< the same k; empty where a correct sample has no answer to vote with
  std::map<std::int64_t, Interval> pass_at_k_ci95, maj_at_k_ci95;
  std::int64_t n_fallback = 0;     ///< samples whose answer was found by the grader's last resort (detail.fallback)
  std::vector<TagSummary> by_tag;  ///< empty unless some item has a tag
};

/// A percentile that too few samples support is none: p90 needs 10 samples, p99 needs 100.
struct Percentiles {
  std::int64_t n = 0;
  std::optional<double> p50, p90, p99;
};
/// Of values that are numbers. A percentile is known from so many on that at least one is expected beyond it.
Result<Percentiles> percentiles(const std::vector<double>& values);

struct RunSummary {
  RunRecord run;
  std::vector<SuiteSummary> suites;
  // None if a sample that did not fail has an unknown count.
  std::optional<std::int64_t> n_prompt_tokens, n_cached_prompt_tokens, n_output_tokens;
  std::int64_t n_drafted_tokens = 0, n_accepted_tokens = 0;
  Percentiles ttft_ms, itl_ms, e2e_ms;
  // None for recorded outputs (device_kind "replay"): the time to replay them says nothing of the model.
  std::optional<double> output_tokens_per_s, requests_per_s;
  // None without a price: of the device's time, or where there is none, of the tokens at the endpoint that served them.
  // Input and output prices split usd_total by device time, so that they add up to it; none where
  // device times are unknown.
  std::optional<double> usd_total, usd_per_mtok_input, usd_per_mtok_output, usd_per_correct;
  std::optional<ApiPrice> endpoint_price;  ///< what usd_total was computed by, instead of the device's time
  double wall_s = 0;
  std::optional<DeviceTime> device_time;  ///< of all segments; none if one doesn't know its own
  std::optional<GpuActivity> gpu;         ///< none where no segment ran on a GPU, or none that could be asked
  std::optional<double> joules_per_output_token, joules_per_correct;  ///< of gpu->energy_joules
  NetEnergy net_energy;            ///< gpu->energy_joules without what the devices draw when idle
  std::vector<BenchPoint> points;  ///< of a benchmark
  BootstrapOptions bootstrap;      ///< what the resampled intervals were drawn with
};

/// Why a run may have no energy, and no cost.
inline constexpr const char* kNoEnergyCounter = "no device of this run has an energy counter that could be read";
inline constexpr const char* kNotTimed = "recorded or imported outputs were not timed";

/// What the logits canary said at the start of a segment: {"logits_sha256", "n_positions"[, "mean_kl_divergence",
/// "max_kl_divergence", "n_same_top"]} or {"failure"}. Null where none was run: recordings, older databases.
Json canary_of(const EnvironmentFacts& environment);

/// True if the samples were generated while the run's clock ran, all of them: no recordings, nothing
/// imported.
bool was_timed(const RunRecord& run);
/// Indices of the run's segments that stored something. One without wall time was killed, or stopped, before its first
/// sample.
std::vector<std::size_t> segments_at_work(const RunRecord& run);

/// What a summary holds. A `headline` has all but each suite's votes (pass@k, maj@k) and its tags: one resampling of a
/// suite instead of one for each of them, a fifth of the time.
enum class SummaryParts { all, headline };

/// Reads a run and computes its summary. Cost: one pass over its samples, without their text. The same database and
/// options give the same bits.
Result<RunSummary> summarise(const Store& store, const RunId& run, const BootstrapOptions& bootstrap = {},
                             SummaryParts parts = SummaryParts::all);

/// Every field of the facts; unknown ones are null.
Json environment_json(const EnvironmentFacts& environment);

/// The record that `assay run --json` prints, spelled as INTERFACE.md's Records; every unknown figure is null.
Json to_json(const RunSummary& summary);

}  // namespace assay::results
