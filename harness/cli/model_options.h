#pragma once
// The options with which commands choose a model, its device and how it samples.

#include <optional>
#include <string>
#include <string_view>

#include "harness/cli/options.h"
#include "harness/run/open_runner.h"
#include "harness/run/sampling.h"

namespace assay::cli {

/// What becomes of a GPU's weights: blocks or widen.
struct WeightWords {
  std::string fp8 = "blocks";
  std::string gguf = "blocks";
  bool operator==(const WeightWords&) const = default;
};

/// --model, --device, --cuda-path, --tensor-parallel, --expert-parallel, --link-gb-s, --chat-template, --max-batch,
/// --kv-memory, --speculate, --fp8, --gguf, --threads; and, of commands that ask endpoints, those of
/// add_endpoint_options().
struct ModelOptions {
  std::string model;
  std::string device = "auto";
  std::string cuda_path;  ///< empty: auto
  std::optional<std::int64_t> tensor_parallel, expert_parallel;
  std::optional<double> link_gb_s;
  std::string chat_template;
  std::optional<std::int64_t> max_batch;
  std::string kv_memory;
  std::string speculate;
  WeightWords weights;
  std::optional<std::int64_t> threads;
  run::EndpointWords endpoint;
  bool operator==(const ModelOptions&) const = default;
};
/// --device and --cuda-path alone.
void add_device_options(CLI::App& app, std::string& device, std::string& cuda_path);
/// --fp8 and --gguf alone.
void add_weight_options(CLI::App& app, WeightWords& words);
void set_weight_options(const WeightWords& words, runners::LoadOptions& load);
/// --api-key-env, --reply-timeout, --idle-timeout, --retries.
void add_endpoint_options(CLI::App& app, run::EndpointWords& words);
/// --tensor-parallel and --expert-parallel alone.
void add_parallel_options(CLI::App& app, std::optional<std::int64_t>& tensor_parallel,
                          std::optional<std::int64_t>& expert_parallel);
void add_model_options(CLI::App& app, ModelOptions& options);

/// Checks what the table can't. Error{bad_input} names the option. Pure.
Result<run::RunnerOptions> parse_model_options(const ModelOptions& options);

/// Logs a warning for each option that a recording, an endpoint, or a model on this machine has no use for.
void warn_of_options_without_effect(const ModelOptions& options);

/// What absent sampling options mean, for --help.
struct SamplingDefaultTexts {
  std::string temperature;
  std::string top_p;
  std::string max_output_tokens;
};

/// --temperature, --top-p, --top-k, --min-p, --max-output-tokens.
void add_sampling_options(CLI::App& app, run::SamplingChoice& sampling, const SamplingDefaultTexts& by_default);

/// --seed; 0 unless given.
void add_seed_option(CLI::App& app, std::optional<std::int64_t>& seed);

}  // namespace assay::cli
