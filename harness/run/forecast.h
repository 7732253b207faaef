#pragma once
// What a run would take on a GPU that need not be here: the scheduler's rules played through over a fitted model of a
// pass (runners/engine/pass_work.h). Every figure is a projection. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "results/hardware/hardware.h"
#include "runners/engine/pass_work.h"

namespace assay::run {

/// A GPU as its hardware profile describes it.
struct ForecastDevice {
  std::string profile;
  runners::DeviceRates rates;
  std::int64_t memory_bytes = 0;
  std::optional<double> power_watts;  ///< the board's limit
  bool was_fitted = false;            ///< the model of a pass was fitted to measurements of this device, among others
};
/// Error{bad_input} if the profile is not of a GPU, or lacks memory, its bandwidth or bf16_tflops: names what is
/// missing. Where no sustained bandwidth is known, it is taken as 92 % of the peak, as measured on the H100 and the
/// H200.
Result<ForecastDevice> forecast_device(const results::HardwareProfile& profile);

/// One item, asked so many times.
struct ForecastItem {
  std::int64_t n_prompt_tokens = 0;
  std::int64_t max_output_tokens = 0;         ///< that each sample may have
  std::vector<std::int64_t> n_output_tokens;  ///< [samples], what each is taken to have
};

/// What the engine has to work with.
struct ForecastLimits {
  runners::PassWork work;
  std::int64_t kv_memory_bytes = 0;  ///< for cached keys and values
  std::int64_t max_batch = 256;      ///< sequences that decode together
  std::int64_t prefill_chunk_tokens = 4096;
};

struct Forecast {
  double prefill_s = 0, decode_s = 0;
  std::int64_t n_prompt_tokens = 0;  ///< each item's prompt once: its samples share it
  std::int64_t n_output_tokens = 0;
  std::int64_t peak_sequences = 0;  ///< that were in flight together
  double mean_sequences = 0;        ///< over the time of decoding
  std::int64_t n_moved_out = 0;     ///< times that one had to leave the cache for the host's memory for a while
  double seconds() const { return prefill_s + decode_s; }
};

/// Plays the scheduler through (runners/engine/scheduler.h): longest prompts first, prompts shared by an item's
/// samples, a sample begun when the cache is taken to hold it beside the others; where that was wrong the youngest wait
/// in the host's memory, taken to be large enough. Error{environment} if a sample alone doesn't fit.
Result<Forecast> forecast_run(const std::vector<ForecastItem>& items, const ForecastLimits& limits,
                              const runners::DeviceRates& rates);

/// n lengths with this mean, spread as replies of reasoning models are taken to be where nothing is known: the
/// quantiles (i + ½)/n of a gamma distribution of shape 2 (standard deviation 0.71 of the mean), none above `most`;
/// where that cuts, the rest is not stretched. In an order that mixes short and long ones.
std::vector<std::int64_t> spread_lengths(double mean, std::int64_t n, std::int64_t most);

}  // namespace assay::run
