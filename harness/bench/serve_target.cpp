#include "harness/bench/serve_target.h"

#include <algorithm>
#include <cmath>

#include "harness/bench/prompts.h"
#include "harness/run/environment.h"
#include "harness/run/gpu_sampler.h"

namespace assay::bench {

namespace {

constexpr std::chrono::milliseconds kServeGpuPeriod(250);

/// How many words make how many tokens: of prompts with the template around them.
struct PromptScale {
  double tokens_of_empty = 0;
  double tokens_per_word = 1;
  std::int64_t words_for(std::int64_t n_tokens) const {
    const double words = (static_cast<double>(n_tokens) - tokens_of_empty) / tokens_per_word;
    return std::max<std::int64_t>(1, std::llround(words));
  }
};

class ServeTarget final : public Target {
 public:
  ServeTarget(std::unique_ptr<runners::LiveRunner> runner, LoadTime& time, SelfTest client, const char* nvml_library)
      : runner_(std::move(runner)), time_(time), client_(client), nvml_library_(nvml_library) {}

  runners::ModelFacts model_facts() const override { return runner_->model_facts(); }
  runners::DeviceFacts device_facts() const override { return runner_->device_facts(); }
  Result<Measured> measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) override;

 private:
  runners::Request request_of(const ServeSetting& serve, const PromptPlan& plan, std::int64_t index,
                              std::uint64_t seed) const;
  Result<PromptScale> find_scale(const ServeSetting& serve, std::uint64_t seed, std::stop_token stop);

  std::unique_ptr<runners::LiveRunner> runner_;
  LoadTime& time_;
  const SelfTest client_;
  const char* nvml_library_;
};

runners::Request ServeTarget::request_of(const ServeSetting& serve, const PromptPlan& plan, std::int64_t index,
                                         std::uint64_t seed) const {
  runners::Request request;
  request.id = std::to_string(index);
  const auto n_given = static_cast<std::int64_t>(serve.prompts.size());
  std::string prompt =
      n_given > 0 ? serve.prompts[static_cast<std::size_t>(index % n_given)] : make_prompt(plan, index);
  if (serve.raw) {
    request.raw_prompt = std::move(prompt);
  } else {
    request.messages = {{runners::Role::user, std::move(prompt)}};
  }
  request.sampling = serve.sampling;
  request.sampling.max_output_tokens = serve.output_tokens;
  request.key = {seed, static_cast<std::uint32_t>(index)};
  return request;
}

/// Two small prompts, sent one after the other, tell it; they are the first warm-up, too.
Result<PromptScale> ServeTarget::find_scale(const ServeSetting& serve, std::uint64_t seed, std::stop_token stop) {
  constexpr std::int64_t kFewWords = 8, kMoreWords = 72;
  ServeSetting probe = serve;
  probe.output_tokens = 2;
  LoadPlan plan;
  plan.duration_ms = 600'000;
  plan.max_requests = 2;
  plan.make_request = [&](std::int64_t index) {
    const PromptPlan words{.seed = ~seed, .n_words = index == 0 ? kFewWords : kMoreWords};
    return request_of(probe, words, index, ~seed);
  };
  ASSAY_ASSIGN(const LoadResult load, generate_load(*runner_, plan, time_, stop));
  if (load.was_stopped || load.records.size() < 2) return interrupted("stopped");
  for (const RequestRecord& record : load.records) {
    if (record.failed()) return environment_error("a first request failed: ", record.failure);
  }
  const auto few = static_cast<double>(load.records[0].n_prompt_tokens);
  const auto more = static_cast<double>(load.records[1].n_prompt_tokens);
  PromptScale scale;
  if (more <= few) return scale;  // an endpoint that doesn't say: a word is about a token
  scale.tokens_per_word = (more - few) / static_cast<double>(kMoreWords - kFewWords);
  scale.tokens_of_empty = std::max(0.0, few - scale.tokens_per_word * kFewWords);
  return scale;
}

Result<Measured> ServeTarget::measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) {
  ServeSetting serve = setting.serve;
  serve.arrivals.seed = seed;
  PromptPlan prompts{.seed = seed};
  if (serve.prompts.empty()) {
    ASSAY_ASSIGN(const PromptScale scale, find_scale(serve, seed, stop));
    prompts.n_words = scale.words_for(serve.prompt_tokens);
    if (serve.shared_prefix_tokens > 0) {
      prompts.n_shared_words = std::max<std::int64_t>(
          1, std::llround(static_cast<double>(serve.shared_prefix_tokens) / scale.tokens_per_word));
    }
  }
  LoadPlan plan;
  plan.arrivals = serve.arrivals;
  plan.duration_ms = serve.duration_ms;
  plan.max_requests = serve.max_requests;
  plan.make_request = [&](std::int64_t index) { return request_of(serve, prompts, index, seed); };
  const auto begin = time_.now();
  const auto elapsed_ms = [&] { return std::chrono::duration<double, std::milli>(time_.now() - begin).count(); };
  run::GpuSampler gpu(run::GpuReader::open(run::pci_bus_ids(runner_->device_facts()), nvml_library_), elapsed_ms,
                      kServeGpuPeriod);
  ASSAY_ASSIGN(const LoadResult load, generate_load(*runner_, plan, time_, stop));
  gpu.stop();
  Measured measured;
  measured.gpu_samples = gpu.take();
  measured.was_stopped = load.was_stopped;
  measured.provenance = run::provenance_on(runner_->device_facts());
  const Judgement judgement = judge(load, serve.arrivals, serve.demands, client_, measured.gpu_samples);
  ASSAY_ASSIGN(measured.figures, serve_figures(load.records, judgement, serve.level, setting.priced));
  // Nobody knows here what an endpoint runs on, nor what an hour of it costs.
  if (runner_->device_facts().kind == "remote") {
    for (const char* metric : {results::kTokensPerGpu, "usd_per_mtok_output"}) measured.figures.erase(metric);
  }
  measured.reason_codes = judgement.reason_codes;
  measured.method_versions = serve_method_versions();
  measured.details = judgement.details;
  std::int64_t n_cached = 0, n_prompt = 0;
  for (const RequestRecord& record : load.records) {
    n_cached += record.n_cached_prompt_tokens.value_or(0);
    n_prompt += record.n_prompt_tokens;
  }
  measured.details["prompts"] = {{"n_words", serve.prompts.empty() ? Json(prompts.n_words) : Json()},
                                 {"n_shared_words", prompts.n_shared_words},
                                 {"n_tokens", n_prompt},
                                 {"n_cached_tokens", n_cached}};
  return measured;
}

}  // namespace

Result<std::unique_ptr<Target>> make_serve_target(std::unique_ptr<runners::LiveRunner> runner, LoadTime& time,
                                                  const char* nvml_library) {
  const bool is_endpoint = runner->device_facts().kind == "remote";
  ASSAY_ASSIGN(const SelfTest client, is_endpoint ? test_endpoint_client(time) : test_client(time));
  return std::unique_ptr<Target>(std::make_unique<ServeTarget>(std::move(runner), time, client, nvml_library));
}

}  // namespace assay::bench
