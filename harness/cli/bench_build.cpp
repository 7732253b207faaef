#include "harness/cli/bench_build.h"

#include <algorithm>
#include <filesystem>

#include "harness/base/text.h"
#include "harness/bench/build_target.h"

namespace assay::cli {

namespace {

using bench::Setting;

/// The options that make a build measure one setting, once; its seed is the caller's.
std::vector<std::string> setting_words(const BenchArgs& args, const Setting& setting) {
  std::vector<std::string> words;
  const auto add = [&](const char* option, const std::string& value) { words.insert(words.end(), {option, value}); };
  if (setting.priced.usd_per_gpu_hour) add("--price-usd-per-gpu-hour", to_text(*setting.priced.usd_per_gpu_hour));
  if (setting.kind != "serve") {
    const bench::PassSetting& passes = setting.passes;
    add("--batch", to_text(passes.batch));
    add(passes.is_decode ? "--context" : "--prompt-tokens", to_text(passes.context));
    if (passes.is_decode) add("--steps", to_text(passes.n_steps));
    add("--temperature", to_text(passes.temperature));
    return words;
  }
  const bench::ServeSetting& serve = setting.serve;
  const bench::Arrivals& arrivals = serve.arrivals;
  if (arrivals.process == bench::ArrivalProcess::trace) {
    add("--trace", args.trace);
  } else if (arrivals.is_open()) {
    add("--rate", to_text(arrivals.rate_per_s));
    add("--arrivals", bench::to_string(arrivals.process));
    if (arrivals.process == bench::ArrivalProcess::burst) add("--burst-size", to_text(arrivals.burst_size));
  } else {
    add("--concurrency", to_text(arrivals.concurrency));
  }
  add("--duration-s", to_text(serve.duration_ms / 1000));
  add("--max-requests", to_text(serve.max_requests));
  add("--output-tokens", to_text(serve.output_tokens));
  if (serve.prompts_from.empty()) {
    add("--prompt-tokens", to_text(serve.prompt_tokens));
    if (serve.shared_prefix_tokens > 0) add("--shared-prefix-tokens", to_text(serve.shared_prefix_tokens));
  } else {
    add("--suite", serve.prompts_from);
  }
  if (serve.level) add("--slo", args.slo);
  add("--temperature", to_text(serve.sampling.temperature));
  if (serve.raw) words.emplace_back("--raw");
  return words;
}

/// Something small of the same kind: enough to see that a build knows the options.
std::vector<std::string> probe_words(const BenchArgs& args, Setting setting) {
  constexpr std::int64_t kFewSteps = 8, kFewRequests = 2;
  setting.passes.n_steps = std::min(setting.passes.n_steps, kFewSteps);
  setting.serve.max_requests = std::min(setting.serve.max_requests, kFewRequests);
  return setting_words(args, setting);
}

/// Options of an endpoint that a build needs to reach it.
std::vector<std::string> endpoint_words(const run::EndpointWords& endpoint) {
  std::vector<std::string> words;
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  const auto number = [](const auto& value) { return value ? to_text(*value) : std::string(); };
  add("--api-key-env", endpoint.api_key_env);
  add("--reply-timeout", number(endpoint.reply_timeout_s));
  add("--idle-timeout", number(endpoint.idle_timeout_s));
  return words;
}

}  // namespace

std::vector<std::string> target_words(const run::RunnerOptions& options, const BenchArgs& args) {
  std::vector<std::string> words = {"--model", options.model, "--device", args.model.device};
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  add("--cuda-path", args.model.cuda_path);
  add("--tensor-parallel", args.model.tensor_parallel ? to_text(*args.model.tensor_parallel) : "");
  add("--expert-parallel", args.model.expert_parallel ? to_text(*args.model.expert_parallel) : "");
  add("--link-gb-s", args.model.link_gb_s ? to_text(*args.model.link_gb_s) : "");
  add("--chat-template", args.model.chat_template);
  add("--max-batch", args.model.max_batch ? to_text(*args.model.max_batch) : "");
  add("--kv-memory", args.model.kv_memory);
  add("--speculate", args.model.speculate);
  add("--fp8", args.model.weights.fp8);
  add("--gguf", args.model.weights.gguf);
  add("--threads", args.model.threads ? to_text(*args.model.threads) : "");
  add("--chunk", args.chunk ? to_text(*args.chunk) : "");
  if (options.load.weights == runners::WeightSource::dummy) words.emplace_back("--dummy-weights");
  return words;
}

Result<> measure_build(bench::Arm& arm, const std::string& program, const run::RunnerOptions& runner,
                       const BenchArgs& args) {
  bench::BuildWords words;
  words.program = program;
  words.kind = arm.settings.front().kind;
  words.model = target_words(runner, args);
  const std::vector<std::string> endpoint = endpoint_words(args.model.endpoint);
  words.model.insert(words.model.end(), endpoint.begin(), endpoint.end());
  words.setting = [args](const Setting& setting) { return setting_words(args, setting); };
  words.probe = probe_words(args, arm.settings.front());
  const auto name = bench::name_of_build(program);
  if (!name) return bad_input("--against-build: ", name.error().message);
  arm.target = *name + " " + arm.target;
  arm.open = [words] { return bench::open_build_target(words); };
  return {};
}

Result<std::string> this_program() {
  std::error_code failed;
  const std::filesystem::path path = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (failed) return environment_error("/proc/self/exe: ", failed.message());
  return path.string();
}

}  // namespace assay::cli
