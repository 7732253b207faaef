#include "harness/cli/model_options.h"

#include "harness/base/log.h"
#include "harness/base/text.h"

namespace assay::cli {

namespace {

/// auto, cpu, cuda, cuda:0, cuda:0,1
bool is_device(std::string_view word) {
  if (word == "auto" || word == "cpu" || word == "cuda") return true;
  if (!word.starts_with("cuda:")) return false;
  for (const std::string& index : split(word.substr(5), ',')) {
    const auto number = parse_integer(index);
    if (!number || *number < 0 || *number > 1023 || index.front() == '-') return false;
  }
  return true;
}

}  // namespace

void add_device_options(CLI::App& app, std::string& device, std::string& cuda_path) {
  add_text(
      app, "--device", device, "auto|cpu|cuda[:i[,j...]]",
      "Where the model runs; several GPUs with --tensor-parallel or --expert-parallel (default: auto, the first GPU "
      "where the model runs on it, or else the CPU)")
      ->check([](const std::string& word) {
        return is_device(word) ? std::string() : "must be auto, cpu, cuda or cuda:0, is " + quoted_excerpt(word);
      });
  add_choice(
      app, "--cuda-path", cuda_path, {"auto", "hopper", "portable"},
      "Kernels of a GPU: those with Hopper's instructions, or those for every GPU from compute capability 8.0 on. "
      "Each has its own last bits (default: auto, Hopper's where the GPU is one)");
}

void add_weight_options(CLI::App& app, WeightWords& words) {
  add_choice(app, "--fp8", words.fp8, {"blocks", "widen"},
             "Weights in FP8 blocks on a GPU: multiply them as they are, by inputs rounded to FP8 (blocks), or as "
             "bfloat16, which takes twice the memory (widen; the portable kernels always do) (default: blocks)");
  add_choice(
      app, "--gguf", words.gguf, {"blocks", "widen"},
      "A GGUF file's quantised weights on a GPU: keep them as they are, and take their exact values for generated "
      "tokens (blocks), or make them bfloat16, which takes two to four times the memory and is faster with many "
      "sequences at a time (widen; the portable kernels always do) (default: blocks)");
}

void set_weight_options(const WeightWords& words, runners::LoadOptions& load) {
  if (words.fp8 == "widen") load.fp8 = runners::Fp8Weights::widen;
  if (words.gguf == "widen") load.quantized = runners::QuantizedWeights::widen;
}

void add_endpoint_options(CLI::App& app, run::EndpointWords& words) {
  constexpr double kMostSeconds = 7 * 24 * 3600;
  const NumberRange seconds = {0, kMostSeconds, true, false, "seconds above 0, at most 604800"};
  add_text(app, "--api-key-env", words.api_key_env, "VAR",
           "The variable that holds an endpoint's key, which is never stored or printed (default: ASSAY_API_KEY)");
  add_number(app, "--reply-timeout", words.reply_timeout_s, seconds,
             "Seconds that an endpoint has for a reply, retries and waits included (default: 7200)");
  add_number(app, "--idle-timeout", words.idle_timeout_s, seconds,
             "Seconds without a sign of life after which an endpoint is asked again (default: 300)");
  add_integer(app, "--retries", words.retries, 0, 1000,
              "Further attempts at a reply that an endpoint failed to give (default: 9)");
}

void add_parallel_options(CLI::App& app, std::optional<std::int64_t>& tensor_parallel,
                          std::optional<std::int64_t>& expert_parallel) {
  add_integer(app, "--tensor-parallel", tensor_parallel, 1, 8,
              "Spread the model over so many GPUs (or processes: --across), 2, 4 or 8, each with its own of the "
              "attention heads, of the KV cache "
              "and of the columns of feed-forward networks. Sums over GPUs are always made in the same order, but the "
              "last bits differ from those of one GPU (default: 1)");
  add_integer(app, "--expert-parallel", expert_parallel, 1, 8,
              "Spread a mixture of experts over so many GPUs, each with its own experts; attention is on all of them, "
              "unless --tensor-parallel gives the same number (default: 1)");
}

void add_model_options(CLI::App& app, ModelOptions& options) {
  add_text(
      app, "--model", options.model, "REF",
      "A folder with config.json and safetensors, a GGUF file, a registered name (\"assay models\" lists them), "
      "http(s)://host/v1#model-name for an OpenAI-compatible endpoint, or replay:FILE.jsonl with recorded outputs");
  add_device_options(app, options.device, options.cuda_path);
  add_parallel_options(app, options.tensor_parallel, options.expert_parallel);
  add_number(app, "--link-gb-s", options.link_gb_s, {0, 10'000, true, false, "GB/s one way, above 0 and at most 10000"},
             "Hold the links between the GPUs back to so many GB/s one way, as those of a slower machine: 165 is what "
             "an H800's 8 of 18 NVLinks carry. No token changes; figures are labelled emulated (default: not held "
             "back)");
  add_text(app, "--chat-template", options.chat_template, "NAME",
           "Render prompts by this built-in template (default: the model's own)");
  add_integer(app, "--max-batch", options.max_batch, 1, 65536,
              "Sequences that decode together, or requests under way, at most (default: 64 on the CPU, 256 on a GPU, "
              "16 at an endpoint)");
  add_text(
      app, "--kv-memory", options.kv_memory, "BYTES|PCT",
      "Memory for the KV cache: 4096, 512MiB, 8GB, or 80% of what is free (default: 50% on the CPU, 90% on a GPU)");
  add_choice(app, "--speculate", options.speculate, {"on", "off"},
             "Draft tokens with the model's MTP module; the output stays the same. Pays for few "
             "sequences at a time (default: off)");
  add_weight_options(app, options.weights);
  add_integer(app, "--threads", options.threads, 1, 1024, "Threads of the CPU (default: one for each processor)");
}

Result<run::RunnerOptions> parse_model_options(const ModelOptions& options) {
  if (options.model.empty())
    return bad_input(
        "--model is missing; it takes a folder, a registered name, http(s)://host/v1#model-name or replay:FILE.jsonl");
  run::RunnerOptions parsed;
  parsed.model = options.model;
  parsed.device = options.device;
  if (!options.cuda_path.empty()) parsed.cuda_path = options.cuda_path;
  parsed.parallel = {static_cast<int>(options.tensor_parallel.value_or(1)),
                     static_cast<int>(options.expert_parallel.value_or(1)), options.link_gb_s.value_or(0)};
  ASSAY_TRY(runners::check_parallel(parsed.parallel));
  parsed.chat_template = options.chat_template;
  parsed.max_batch = options.max_batch;
  if (!options.kv_memory.empty()) {
    ASSAY_ASSIGN(parsed.kv_memory, run::parse_kv_memory(options.kv_memory));
  }
  if (options.threads) parsed.load.n_threads = static_cast<int>(*options.threads);
  if (!options.speculate.empty()) parsed.speculate = options.speculate == "on";
  set_weight_options(options.weights, parsed.load);
  parsed.endpoint = options.endpoint;
  return parsed;
}

void warn_of_options_without_effect(const ModelOptions& options) {
  const run::ReferenceKind kind = run::reference_kind(options.model);
  const char* what = kind == run::ReferenceKind::replay     ? "recorded outputs"
                     : kind == run::ReferenceKind::endpoint ? "an endpoint"
                                                            : "a model on this machine";
  const auto warn = [what](bool given, const char* name) {
    if (given) log_warning(name, " has no effect on ", what);
  };
  if (kind != run::ReferenceKind::endpoint) {
    warn(!options.endpoint.api_key_env.empty(), "--api-key-env");
    warn(options.endpoint.reply_timeout_s.has_value(), "--reply-timeout");
    warn(options.endpoint.idle_timeout_s.has_value(), "--idle-timeout");
    warn(options.endpoint.retries.has_value(), "--retries");
  }
  if (kind == run::ReferenceKind::replay) warn(options.max_batch.has_value(), "--max-batch");
  if (kind == run::ReferenceKind::model) return;
  warn(options.device != "auto", "--device");
  warn(!options.cuda_path.empty(), "--cuda-path");
  warn(options.tensor_parallel.has_value(), "--tensor-parallel");
  warn(options.expert_parallel.has_value(), "--expert-parallel");
  warn(options.link_gb_s.has_value(), "--link-gb-s");
  warn(!options.chat_template.empty(), "--chat-template");
  warn(!options.kv_memory.empty(), "--kv-memory");
  warn(!options.speculate.empty(), "--speculate");
  warn(options.weights.fp8 != "blocks", "--fp8");
  warn(options.weights.gguf != "blocks", "--gguf");
}

void add_sampling_options(CLI::App& app, run::SamplingChoice& sampling, const SamplingDefaultTexts& by_default) {
  add_number(app, "--temperature", sampling.temperature, {.least = 0, .most = 100, .text = "a number from 0 to 100"},
             "Sampling temperature; 0 is greedy (default: " + by_default.temperature + ")");
  add_number(app, "--top-p", sampling.top_p,
             {.least = 0, .most = 1, .least_is_open = true, .text = "a number above 0, at most 1"},
             "Keep the most likely tokens up to this probability (default: " + by_default.top_p + ")");
  add_integer(app, "--top-k", sampling.top_k, 0, 1'000'000'000,
              "Keep the K most likely tokens; 0 keeps all (default: 0)");
  add_number(app, "--min-p", sampling.min_p,
             {.least = 0, .most = 1, .most_is_open = true, .text = "a number from 0, below 1"},
             "Drop tokens less likely than this share of the likeliest (default: 0)");
  add_integer(app, "--max-output-tokens", sampling.max_output_tokens, 1, 100'000'000,
              "Output tokens of a reply at most (default: " + by_default.max_output_tokens + ")");
}

void add_seed_option(CLI::App& app, std::optional<std::int64_t>& seed) {
  add_integer(app, "--seed", seed, 0, INT64_MAX, "Seed of the sampling noise (default: 0)");
}

}  // namespace assay::cli
