#pragma once
// The forecast of a planned run: suites and a model's files in, tokens, memory and time out. Needs no weights and no
// GPU.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "harness/run/forecast.h"
#include "harness/run/open_runner.h"
#include "harness/run/plan.h"
#include "results/hardware/hardware.h"
#include "suites/suite.h"

namespace assay::run {

/// Output tokens of samples that are known, by suite.
using KnownLengths = std::map<std::string, std::vector<std::int64_t>>;

struct ForecastRequest {
  std::string model;  ///< a folder with config.json and tokenizer.json, a GGUF file, or a registered name
  std::string chat_template;
  PlanSettings settings;
  runners::Fp8Weights fp8 = runners::Fp8Weights::blocks;
  std::int64_t n_gpus = 1;                   ///< each has its own engine and its share of the items
  std::int64_t max_batch = 256;              ///< as the engine takes on a GPU
  KvMemory kv_memory;                        ///< empty: 90 % of what the weights leave, as the engine takes on a GPU
  std::optional<double> mean_output_tokens;  ///< of a sample, for suites that `lengths` doesn't have
  KnownLengths lengths;
  std::string lengths_from;  ///< how `lengths` is called in what is shown
};

struct SuiteForecast {
  std::string suite;
  std::int64_t n_items = 0, n_samples = 0;
  std::int64_t n_prompt_tokens = 0;          ///< each item's once
  std::int64_t max_output_tokens = 0;        ///< of a sample
  std::optional<double> mean_output_tokens;  ///< expected; none if nothing says so
  std::string lengths_from;                  ///< where that comes from; empty if there is none
};

struct RunForecast {
  ForecastRequest request;
  std::string model;  ///< its short name
  ForecastDevice device;
  std::optional<double>
      error_ratio;  ///< of the times; none: the model is too small for the fit, its error is not known
  std::vector<SuiteForecast> suites;
  std::int64_t n_items = 0, n_samples = 0, n_prompt_tokens = 0;
  std::int64_t weight_bytes = 0, kv_bytes_per_token = 0, kv_memory_bytes = 0;  ///< of one GPU
  /// Times of the GPU that has most to do, tokens of all. With the expected lengths (none unless every suite has some),
  /// and if each sample took all that it may.
  std::optional<Forecast> expected;
  Forecast at_most;
};

/// Error{bad_input} for what the model's files, the settings or the profile lack; Error{environment} if the weights or
/// one sample don't fit.
Result<RunForecast> forecast_plan(const ForecastRequest& request, std::vector<suites::Suite> suites,
                                  const results::HardwareProfile& profile);

}  // namespace assay::run
