#pragma once
// The words of `assay bench serve|decode|prefill|sweep|layers`, and the plan that they make.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "harness/bench/benchmark.h"
#include "harness/bench/load_time.h"
#include "harness/cli/across.h"
#include "harness/cli/model_options.h"

namespace assay::cli {

struct BenchArgs {
  ModelOptions model;
  AcrossWords across;                   ///< of decode and prefill
  runners::PartGroup* parts = nullptr;  ///< that met by it
  std::string config;
  bool dummy_weights = false;
  bool by_layer = false;       ///< of layers
  std::string kind = "serve";  ///< of a sweep
  std::string concurrency, rate, arrivals, trace, suite, slo;
  std::optional<std::int64_t> burst_size, max_requests, shared_prefix_tokens, output_tokens, steps, chunk, repeats;
  std::optional<double> duration_s, temperature;
  std::string prompt_tokens, batch, context;
  bool raw = false;
  std::optional<std::int64_t> seed;
  std::string name, hardware, against, against_build;
  std::vector<std::string> tags;
  std::optional<double> price_usd_per_gpu_hour;
};

enum class BenchCommand { serve, decode, prefill, sweep, layers };
std::string to_string(BenchCommand command);

/// Declares the options that the command takes. `args` outlives `app`.
void add_bench_options(CLI::App& app, BenchCommand command, BenchArgs& args);

/// What they say of the model alone.
Result<run::RunnerOptions> parse_bench_model(const BenchArgs& args);

/// Everything that the words say, checked. Lists make a setting for each combination; --against makes a second arm,
/// whose words replace those of the first. Reads the suite and the trace that are named. `time` outlives the plan. `db`
/// is where ceilings are looked for when layers are measured.
Result<bench::BenchmarkPlan> parse_bench(BenchCommand command, const BenchArgs& args, bench::LoadTime& time,
                                         run::ProgressStyle progress, const std::filesystem::path& db);

}  // namespace assay::cli
