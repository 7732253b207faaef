#include "harness/bench/pass_target.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/bench/steady.h"
#include "harness/run/environment.h"
#include "harness/run/gpu_sampler.h"
#include "harness/run/load_view.h"
#include "harness/run/model_registry.h"
#include "results/analysis/cost.h"
#include "results/analysis/moments.h"
#include "runners/engine/pass_engine.h"

namespace assay::bench {

namespace {

using runners::PassTimes;

constexpr std::chrono::milliseconds kGpuPeriod(100);

class PassTarget final : public Target {
 public:
  explicit PassTarget(std::unique_ptr<runners::PassEngine> engine) : engine_(std::move(engine)) {}
  runners::ModelFacts model_facts() const override { return engine_->model_facts(); }
  runners::DeviceFacts device_facts() const override { return engine_->device_facts(); }
  Result<Measured> measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) override;

 private:
  std::unique_ptr<runners::PassEngine> engine_;
};

Result<Measured> PassTarget::measure(const Setting& setting, std::uint64_t seed, std::stop_token stop) {
  const PassSetting& passes = setting.passes;
  const auto batch = static_cast<int>(passes.batch), context = static_cast<int>(passes.context);
  const auto n_steps = static_cast<int>(passes.is_decode ? passes.n_steps : 0);
  const std::int64_t most = engine_->max_position_embeddings();
  if (most > 0 && passes.context + n_steps > most) {
    return bad_input(setting.name(), ": needs ", passes.context + n_steps, " positions, and the model has ", most);
  }
  ASSAY_ASSIGN(const auto pages, engine_->pages(batch, std::int64_t{context} + n_steps + 1));
  const auto prefill = [&](int first_token) { return engine_->prefill(batch, context, first_token, pages); };
  constexpr int kWarmSteps = 4;
  ASSAY_TRY(prefill(0));  // fills the caches, and loads the kernels
  if (passes.is_decode) {
    ASSAY_TRY(engine_->decode(batch, context, std::min(kWarmSteps, n_steps), passes.temperature, pages));
  }
  if (stop.stop_requested()) return interrupted("stopped");
  ASSAY_ASSIGN(const std::optional<runners::LinkReport> link_before, engine_->link_report());

  const auto begin = std::chrono::steady_clock::now();
  run::GpuSampler gpu(
      run::GpuReader::open(run::pci_bus_ids(device_facts())),
      [&] { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count(); },
      kGpuPeriod);
  ASSAY_ASSIGN(const PassTimes times, passes.is_decode
                                          ? engine_->decode(batch, context, n_steps, passes.temperature, pages)
                                          : prefill(static_cast<int>(seed % 997) + 1));
  gpu.stop();

  Measured measured;
  measured.gpu_samples = gpu.take();
  measured.method_versions = pass_method_versions();
  measured.provenance = run::provenance_on(device_facts());
  const std::size_t cut = passes.is_decode ? warm_up_length(times.wall_ms) : 0;
  const std::span<const double> counted = std::span(times.wall_ms).subspan(cut);
  const auto n = static_cast<std::int64_t>(counted.size());
  const double wall_ms = std::accumulate(counted.begin(), counted.end(), 0.0);
  const double n_tokens = static_cast<double>(batch) * static_cast<double>(passes.is_decode ? n : context);
  const double rate = n_tokens / wall_ms * 1000;
  auto& figures = measured.figures;
  ASSAY_ASSIGN(const double median, results::quantile({counted.begin(), counted.end()}, 0.5));
  std::optional<double> stddev;
  if (n >= 2) {
    ASSAY_ASSIGN(const double variance, results::sample_variance(counted));
    stddev = std::sqrt(variance);
  }
  figures["pass_ms"] = {median, stddev, n};
  const auto n_all = static_cast<double>(times.wall_ms.size());
  if (engine_->is_cuda()) {
    figures["device_ms"] = {times.device_ms / n_all, {}, n};
    figures["device_idle_pct"] = {100 * times.idle_ms / std::max(1e-9, times.idle_ms + times.device_ms), {}, n};
  }
  const double usd = setting.priced.usd_per_gpu_hour ? results::usd_for_time(*setting.priced.usd_per_gpu_hour,
                                                                             setting.priced.n_devices, wall_ms / 1000)
                                                     : 0;
  const char* const rate_metric = passes.is_decode ? "output_tokens_per_s" : "prompt_tokens_per_s";
  figures[rate_metric] = {rate, {}, n};
  if (passes.is_decode) {
    figures[results::kTokensPerGpu] = {rate / static_cast<double>(setting.priced.n_devices), {}, n};
    figures[results::kTokensPerUser] = {rate / batch, {}, n};
  }
  if (setting.priced.usd_per_gpu_hour) {
    figures[passes.is_decode ? "usd_per_mtok_output" : "usd_per_mtok_input"] = {usd / n_tokens * 1e6, {}, n};
  }
  const auto trend = passes.is_decode ? find_trend(counted) : std::nullopt;
  // Attention's time grows with the context, at most in proportion.
  const double growth = static_cast<double>(n_steps) / (context + n_steps);
  const double most_drift = 0.10 + growth;
  if (drifts(trend, most_drift)) measured.reason_codes.emplace_back(reason::not_steady);
  constexpr std::int64_t kLeastSteps = 8;
  if (passes.is_decode && n < kLeastSteps) measured.reason_codes.emplace_back(reason::too_short);
  if (has_faulty_clocks(measured.gpu_samples)) measured.reason_codes.emplace_back(reason::throttled);
  measured.details = {
      {"warm_up_passes", cut},
      {"n_passes", n},
      {"n_tokens", n_tokens},
      {"drift", trend ? Json{{"p_value", trend->p_value}, {"change_ratio", trend->change_ratio}} : Json()}};
  if (link_before) {
    ASSAY_ASSIGN(const std::optional<runners::LinkReport> link_now, engine_->link_report());
    const runners::LinkReport link = runners::since(*link_before, *link_now);
    measured.details["link"] = runners::to_json(link);
    if (const auto reached = link.reached_gb_per_s()) figures["link_gb_per_s"] = {*reached, {}, {}};
  }
  return measured;
}

}  // namespace

const std::map<std::string, std::pair<int, std::string>>& pass_methods() {
  static const std::map<std::string, std::pair<int, std::string>> methods = {
      {"pass_ms",
       {1, "from the end of the pass before to its own, by the host's clock; the median of a point's passes"}},
      {"output_tokens_per_s", {1, "a token for each sequence and pass behind the warm-up / their time"}},
      {"prompt_tokens_per_s", {1, "tokens of all prompts / time of all passes, the first token's drawing counted"}},
      {"link_gb_per_s",
       {1,
        "bytes that the first GPU's link carried one way in messages of a MiB and more / their time by the device's "
        "clock, from the GPUs' meeting to the last byte; where links are held back"}},
      {"device_ms", {1, "by the device's own clock, from a pass's start to its end; the mean of a point's passes"}},
  };
  return methods;
}

Json pass_method_versions() {
  Json json = Json::object();
  for (const auto& [metric, method] : pass_methods()) json[metric] = method.first;
  return json;
}

Result<std::unique_ptr<runners::PassEngine>> open_pass_engine(const run::RunnerOptions& options,
                                                              const runners::PassLimits& limits,
                                                              run::ProgressStyle progress) {
  if (run::reference_kind(options.model) != run::ReferenceKind::model) {
    return bad_input("--model: passes are the native engine's; give a folder, a GGUF file or a registered name");
  }
  run::LoadView view(progress);
  runners::LoadOptions load = options.load;
  load.on_progress = [&](const runners::LoadState& state) { view.show(state); };
  ASSAY_ASSIGN(const std::filesystem::path path, run::resolve_model(options.model));
  const runners::NativeOptions native{.model = options.model,
                                      .path = path,
                                      .device = options.device,
                                      .parallel = options.parallel,
                                      .parts = options.parts,
                                      .cuda_path = options.cuda_path,
                                      .chat_template = {},
                                      .max_batch = {},
                                      .kv_memory_bytes = options.kv_memory.bytes,
                                      .kv_memory_pct = options.kv_memory.pct,
                                      .speculate = {},
                                      .load = std::move(load)};
  return runners::PassEngine::open(native, limits);
}

Result<std::unique_ptr<Target>> open_pass_target(const run::RunnerOptions& options, const runners::PassLimits& limits,
                                                 run::ProgressStyle progress) {
  ASSAY_ASSIGN(std::unique_ptr<runners::PassEngine> engine, open_pass_engine(options, limits, progress));
  return std::unique_ptr<Target>(std::make_unique<PassTarget>(std::move(engine)));
}

}  // namespace assay::bench
