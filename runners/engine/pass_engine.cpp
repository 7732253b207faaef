#include "runners/engine/pass_engine.h"

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "kernels/simd/simd_choice.h"
#include "runners/engine/host.h"
#include "runners/engine/native_device.h"
#include "runners/engine/parts/leading_executor.h"
#include "runners/engine/pass_work.h"

namespace assay::runners {

struct PassEngine::Parts {
  NativeOptions options;
  Model model;
  NativeDevice device;
  kernels::SimdLevel level;
  kernels::ThreadPool pool;
  ExecutorOptions limits;
  std::unique_ptr<Executor> executor;
  std::unique_ptr<kernels::ActivityTrace> trace;  // once something has been watched on a GPU
  std::string weights_sha256, config_sha256;

  Parts(NativeOptions given, Model loaded, NativeDevice on, kernels::SimdLevel simd, int n_threads)
      : options(std::move(given)), model(std::move(loaded)), device(std::move(on)), level(simd), pool(n_threads) {}
  bool is_dummy() const { return options.load.weights == WeightSource::dummy; }
};

PassEngine::PassEngine(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
PassEngine::~PassEngine() = default;

Result<std::unique_ptr<PassEngine>> PassEngine::open(const NativeOptions& options, const PassLimits& wanted) {
  ASSAY_ASSIGN(NativeDevice device,
               open_native_device(options.device, options.cuda_path, options.parallel, options.parts));
  ASSAY_ASSIGN(const kernels::SimdLevel level, kernels::chosen_simd_level());
  ASSAY_ASSIGN(Model model, load_model(options.path, options.load));
  ASSAY_TRY(settle_device(model, device));
  const int n_threads = options.load.n_threads.value_or(available_processors());
  auto parts = std::make_unique<Parts>(options, std::move(model), std::move(device), level, n_threads);
  ExecutorOptions& limits = parts->limits;
  limits = default_limits(parts->device);
  limits.max_batch = static_cast<int>(wanted.max_batch);
  limits.kv_memory_bytes = options.kv_memory_bytes.value_or(0);
  limits.kv_memory_pct = options.kv_memory_pct.value_or(limits.kv_memory_pct);
  if (wanted.prefill_chunk_tokens > 0) limits.prefill_chunk_tokens = static_cast<int>(wanted.prefill_chunk_tokens);
  ASSAY_ASSIGN(parts->executor, create_executor(parts->model, parts->device, limits, options.load,
                                                {kernels::cpu_ops(level), parts->pool}));
  if (parts->is_dummy()) {
    ASSAY_ASSIGN(const std::string text, read_file(options.path / "config.json"));
    parts->config_sha256 = sha256_hex(text);
  } else {
    ASSAY_ASSIGN(parts->weights_sha256, parts->model.checkpoint.weights_sha256());
  }
  if (options.parts != nullptr) {
    ASSAY_TRY(settle_parts(parts->device, parts->is_dummy() ? parts->config_sha256 : parts->weights_sha256));
  }
  parts->options.load.on_progress = {};  // loading is over, and so may be what it was shown in
  return std::unique_ptr<PassEngine>(new PassEngine(std::move(parts)));
}

ModelFacts PassEngine::model_facts() const {
  const Parts& p = *parts_;
  ModelFacts facts;
  facts.name = p.model.path.filename().string();
  facts.reference = p.options.model;
  if (p.is_dummy()) {
    facts.name += " (dummy weights)";
    facts.reference += " (dummy weights of config.json " + p.config_sha256.substr(0, 12) + ")";
  }
  facts.weights_sha256 = p.weights_sha256;
  facts.details = {{"architecture", p.model.config.architecture},
                   {"n_parameters", num_parameters(p.model.config)},
                   {"n_active_parameters", active_parameters(p.model.config)},
                   {"weight_bytes", p.model.checkpoint.total_bytes()},
                   {"max_position_embeddings", p.model.config.max_position_embeddings},
                   {"weights", p.is_dummy() ? "dummy" : "files"},
                   {"pass_work", to_json(pass_work(p.model.config, load_options_on(p.device, p.options.load).fp8))}};
  return facts;
}

DeviceFacts PassEngine::device_facts() const {
  const Parts& p = *parts_;
  return device_facts_of(p.device, p.pool.n_threads(), p.level, p.limits.max_batch);
}

Result<std::optional<LinkReport>> PassEngine::link_report() const { return parts_->executor->link_report(); }

bool PassEngine::is_cuda() const { return parts_->device.cuda.has_value(); }
std::int64_t PassEngine::max_position_embeddings() const { return parts_->model.config.max_position_embeddings; }

Result<PassEngine::Pages> PassEngine::pages(int n_sequences, std::int64_t n_tokens) const {
  return pages_of_sequences(*parts_->executor, n_sequences, n_tokens);
}

Result<PassTimes> PassEngine::prefill(int n_prompts, int n_tokens, int first_token, const Pages& pages) {
  return time_prefill(*parts_->executor, n_prompts, n_tokens, parts_->limits.prefill_chunk_tokens, first_token,
                      parts_->model.config.vocab_size, pages);
}

Result<PassTimes> PassEngine::decode(int batch, int context, int n_steps, double temperature, const Pages& pages) {
  return time_decode(*parts_->executor, batch, context, n_steps, temperature, pages);
}

Result<LayerTimes> PassEngine::watch(const WatchedPasses& labelled, const WatchPlan& plan) {
  OperationMarks* const marks = parts_->executor->marks();
  if (marks == nullptr)
    return bad_input(
        "operations are told apart on one device; leave out --tensor-parallel and "
        "--expert-parallel");
  if (!is_cuda()) return watch_on_host(*marks, plan);
  if (!parts_->trace) {
    ASSAY_ASSIGN(parts_->trace, kernels::ActivityTrace::open());
  }
  return watch_on_device(*marks, *parts_->trace, labelled, plan);
}

namespace {
/// Steps on a GPU before those that count: launched kernel by kernel, captured, replayed.
constexpr int kFirstSteps = 3;
}  // namespace

int PassEngine::watched_steps(int n_runs) const { return n_runs + (is_cuda() ? kFirstSteps : 0); }

Result<LayerTimes> PassEngine::watch_decode(int batch, int context, int n_runs, double temperature,
                                            const Pages& pages) {
  const auto steps = [&](int n) {
    return [this, batch, context, n, temperature, &pages](const AfterPass& after_pass) -> Result<> {
      ASSAY_TRY(time_decode(*parts_->executor, batch, context, n, temperature, pages, after_pass));
      return {};
    };
  };
  const int n_steps = watched_steps(n_runs), n_first = n_steps - n_runs;
  const double keys = static_cast<double>(batch) * (context + n_first + n_runs / 2 + 1);  // of the step in the middle
  const auto n = static_cast<double>(batch);
  return watch(steps(1), {steps(n_steps), n_runs, 1, n_first, {PositionRole::generated, n, keys, keys, n}});
}

Result<LayerTimes> PassEngine::watch_prefill(int n_prompts, int n_tokens, int n_runs, const Pages& pages) {
  const WatchedPasses prompts = [&](const AfterPass& after_pass) -> Result<> {
    ASSAY_TRY(time_prefill(*parts_->executor, n_prompts, n_tokens, parts_->limits.prefill_chunk_tokens, 1,
                           parts_->model.config.vocab_size, pages, after_pass));
    return {};
  };
  return watch(prompts, {prompts, n_runs, 0, 1});
}

OperationWork PassEngine::work_of(const OperationPlace& place, const PassShape& shape) const {
  const bool blocks = load_options_on(parts_->device, parts_->options.load).fp8 == Fp8Weights::blocks;
  return operation_work(parts_->model, {is_cuda(), blocks}, shape, place);
}

int PassEngine::prefill_chunk_tokens() const { return parts_->limits.prefill_chunk_tokens; }

}  // namespace assay::runners
