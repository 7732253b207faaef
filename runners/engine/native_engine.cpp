#include "runners/engine/native_engine.h"

#include <atomic>
#include <chrono>
#include <future>
#include <set>
#include <stop_token>
#include <system_error>
#include <utility>

#include "harness/base/file.h"
#include "harness/base/log.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "kernels/simd/simd_choice.h"
#include "runners/engine/canary.h"
#include "runners/engine/host.h"
#include "runners/engine/memory_fit.h"
#include "runners/engine/native_device.h"
#include "runners/engine/parts/leading_executor.h"
#include "runners/engine/pass_work.h"
#include "runners/engine/scheduler.h"
#include "runners/formats/chat/chat_template.h"
#include "runners/formats/gguf/gguf_files.h"
#include "runners/formats/tokenizer/tokenizer.h"

namespace assay::runners {

namespace {

/// Ends of a reply: what config.json and generation_config.json name, the tokenizer's own, and the template's.
std::vector<std::int32_t> end_tokens(const ModelConfig& config, const Tokenizer& tokenizer, const ChatTemplate* chat) {
  std::set<std::int32_t> ends;
  for (const std::int64_t id : config.eos_token_ids) ends.insert(static_cast<std::int32_t>(id));
  if (tokenizer.eos_id()) ends.insert(*tokenizer.eos_id());
  if (chat != nullptr) {
    if (const auto id = tokenizer.added_token_id(chat->turn_end())) ends.insert(*id);
  }
  return {ends.begin(), ends.end()};
}

/// How products are computed. On the CPU: weights widened to float32, or GGUF's blocks times inputs of 16 bits. On a
/// GPU: bfloat16; FP8 blocks times inputs of 8 bits, or GGUF's blocks times bfloat16, where the weights' shapes allow
/// it.
std::string precision_path(const Model& model, const NativeDevice& device, const LoadOptions& load) {
  if (device.cuda) {
    if (!model.config.quantization_config) {
      const bool keeps = load.quantized == QuantizedWeights::blocks;
      return keeps && cuda_saved_bytes(model.config, model.checkpoint) != 0 ? "gguf_bf16" : "bf16";
    }
    return load.fp8 == Fp8Weights::blocks ? "fp8_w8a8" : "fp8_w8a16";
  }
  if (model.config.quantization_config) return "fp8_w8a32";
  return model.repacked.empty() ? "float32" : "gguf_a16";
}

/// What a run on dummy weights is told apart by. Error{bad_input} if `path` is not what such a model is made from.
Result<std::string> dummy_config_sha256(const std::filesystem::path& path) {
  if (is_gguf_path(path)) {
    return bad_input(path.string(), ": dummy weights take a folder with config.json and tokenizer.json");
  }
  std::error_code ignored;
  if (!std::filesystem::exists(path / "tokenizer.json", ignored)) {
    return bad_input(path.string(), ": has no tokenizer.json; dummy weights stand in for the weights alone");
  }
  ASSAY_ASSIGN(const std::string text, read_file(path / "config.json"));
  return sha256_hex(text);
}

/// The hash of a checkpoint's files, made on a thread of its own while they are also being copied to a device: both
/// read them, from the disk but once.
class HashInBackground {
 public:
  explicit HashInBackground(const Checkpoint& checkpoint)
      : total_bytes_(checkpoint.file_bytes()),
        result_(std::async(std::launch::async, [this, &checkpoint, stop = stop_.get_token()] {
          return checkpoint.weights_sha256([this](std::uint64_t n) { hashed_bytes_ = n; }, stop);
        })) {}
  ~HashInBackground() { stop_.request_stop(); }  // and the future waits

  Result<std::string> finish(const LoadProgress& on_progress) {
    constexpr std::chrono::milliseconds kShown(100);
    while (result_.wait_for(kShown) != std::future_status::ready) {
      if (on_progress) on_progress({"hash", hashed_bytes_, total_bytes_});
    }
    return result_.get();
  }

 private:
  std::uint64_t total_bytes_;
  std::atomic<std::uint64_t> hashed_bytes_ = 0;
  std::stop_source stop_;
  std::future<Result<std::string>> result_;
};

}  // namespace

NativeEngine::NativeEngine(NativeOptions options, std::unique_ptr<Model> model, Tokenizer tokenizer,
                           Result<ChatTemplate> chat, std::string config_sha256, NativeDevice device,
                           kernels::SimdLevel level, int n_threads)
    : options_(std::move(options)),
      model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      chat_(std::move(chat)),
      config_sha256_(std::move(config_sha256)),
      device_(std::move(device)),
      level_(level),
      pool_(n_threads) {}

/// The second half of opening: what can fail and needs the object in place.
Result<> NativeEngine::start(Workload workload) {
  HashInBackground hash(model_->checkpoint);
  ExecutorOptions limits = default_limits(device_);
  limits.max_batch = static_cast<int>(options_.max_batch.value_or(limits.max_batch));
  limits.kv_memory_bytes = options_.kv_memory_bytes.value_or(0);
  limits.kv_memory_pct = options_.kv_memory_pct.value_or(limits.kv_memory_pct);
  limits.speculate = options_.speculate.value_or(false);
  ASSAY_ASSIGN(std::unique_ptr<Executor> executor,
               create_executor(*model_, device_, limits, options_.load, {kernels::cpu_ops(level_), pool_}));
  ASSAY_ASSIGN(weights_sha256_, hash.finish(options_.load.on_progress));
  options_.load.on_progress = {};  // loading is over, and so may be what it was shown in
  if (device_.parts != nullptr) {
    ASSAY_TRY(settle_parts(device_, weights_sha256_.empty() ? config_sha256_ : weights_sha256_));
  }
  if (options_.canary) ASSAY_TRY(run_canary_on(*executor, limits.prefill_chunk_tokens));
  SchedulerOptions scheduling;
  scheduling.limits = limits;
  scheduling.end_tokens = end_tokens(model_->config, tokenizer_, chat_ ? &*chat_ : nullptr);
  scheduling.workload = workload;
  scheduling.host_memory_bytes = available_memory_bytes() / 4;
  ASSAY_ASSIGN(Scheduler made, Scheduler::create(*model_, std::move(executor), scheduling));
  max_batch_ = limits.max_batch;
  scheduler_ = std::make_unique<Scheduler>(std::move(made));
  return {};
}

/// What the logits of a model are that has none to show (NaN) is for its samples to say, not a reason not to run.
Result<> NativeEngine::run_canary_on(Executor& executor, int chunk_tokens) {
  ASSAY_ASSIGN(std::optional<CanaryText> text,
               read_canary_text(options_.path, weights_sha256_, model_->config.vocab_size));
  if (!text) text = any_canary_text(model_->config);
  const Result<CanaryResult> result = run_canary(*model_, executor, *text, chunk_tokens);
  if (!result && result.error().kind != ErrorKind::bad_input) return result.error();
  canary_ = result ? to_json(*result) : Json{{"failure", result.error().message}};
  constexpr double kFarFromReference = 0.01;  // FP8 and bfloat16 paths stay within a few thousandths
  if (!result) {
    log_warning("the logits canary failed: ", result.error().message);
  } else if (result->mean_kl_divergence.value_or(0) > kFarFromReference) {
    log_warning("the model's logits are far from its stored reference (KL divergence ", *result->mean_kl_divergence,
                "): the engine computes something else on this device");
  }
  return {};
}

ModelFacts NativeEngine::model_facts() const {
  const ModelConfig& c = model_->config;
  ModelFacts facts;
  facts.name = model_->path.filename().string();
  facts.reference = options_.model;
  if (options_.load.weights == WeightSource::dummy) {
    // Said where every table and report shows it. There is no hash of weights, so the configuration's tells such runs
    // apart.
    facts.name += " (dummy weights)";
    facts.reference += " (dummy weights of config.json " + config_sha256_.substr(0, 12) + ")";
  }
  facts.weights_sha256 = weights_sha256_;
  facts.tokenizer_sha256 = tokenizer_.tokenizer_sha256();
  facts.details = {{"architecture", c.architecture},
                   {"n_parameters", num_parameters(c)},
                   {"n_active_parameters", active_parameters(c)},
                   {"weight_bytes", model_->checkpoint.total_bytes()},
                   {"max_position_embeddings", c.max_position_embeddings},
                   {"weights", options_.load.weights == WeightSource::dummy ? "dummy" : "files"},
                   {"pass_work", to_json(pass_work(c, load_options_on(device_, options_.load).fp8))},
                   {"precision_path", precision_path(*model_, device_, load_options_on(device_, options_.load))},
                   {"speculate", options_.speculate.value_or(false)}};
  if (chat_) {
    facts.details["chat_template"] = chat_->name();
    facts.details["chat_template_sha256"] = chat_->template_sha256();
    if (!chat_->warning().empty()) facts.details["chat_template_warning"] = chat_->warning();
  }
  return facts;
}

DeviceFacts NativeEngine::device_facts() const {
  DeviceFacts facts = device_facts_of(device_, pool_.n_threads(), level_, max_batch_);
  if (canary_) facts.details["canary"] = *canary_;
  return facts;
}

Result<Prepared> NativeEngine::prepare(const Request& request) const {
  RenderedPrompt prompt;
  Prepared prepared;
  if (request.prompt_tokens) {
    prepared.request.prompt = *request.prompt_tokens;  // ids outside the vocabulary are found by the scheduler
    for (const std::int32_t id : *request.prompt_tokens) prompt.text += tokenizer_.token_bytes(id);
  } else {
    if (request.raw_prompt) {
      prompt = raw_prompt(*request.raw_prompt);
    } else {
      if (!chat_) return chat_.error();
      ASSAY_ASSIGN(prompt, chat_->render(request.messages));
      if (!request.reply_opening.empty()) ASSAY_TRY(open_reply_with(prompt, request.reply_opening));
    }
    ASSAY_ASSIGN(prepared.request.prompt, encode_prompt(tokenizer_, prompt));
  }
  prepared.request.sampling = {request.sampling.temperature, request.sampling.top_p, request.sampling.top_k,
                               request.sampling.min_p};
  prepared.request.key = {request.key.seed, request.key.sample_word};
  prepared.request.max_output_tokens = request.sampling.max_output_tokens;
  prepared.request.n_logprobs = request.n_logprobs;
  prepared.request.scores_prompt = request.scores_prompt && request.n_logprobs > 0;
  prepared.prompt_sha256 = sha256_hex(prompt.text);
  prepared.prefill = prompt.prefill;
  return prepared;
}

Completion NativeEngine::complete(const Request& request, const Prepared& prepared, TokenOutput output,
                                  std::string text) const {
  Completion done;
  done.id = request.id;
  done.sample = request.sample;
  done.prompt_sha256 = prepared.prompt_sha256;
  done.prompt_tokens = prepared.request.prompt;
  done.n_prompt_tokens = static_cast<std::int64_t>(prepared.request.prompt.size());
  done.n_cached_prompt_tokens = output.n_cached_prompt_tokens;
  done.n_output_tokens = output.n_output_tokens;
  done.prefill = prepared.prefill;
  done.text = std::move(text);
  done.finish_reason = output.finish_reason;
  done.n_drafted_tokens = output.n_drafted_tokens;
  done.n_accepted_tokens = output.n_accepted_tokens;
  done.logprobs = std::move(output.logprobs);
  done.prompt_logprobs = std::move(output.prompt_logprobs);
  done.timings = output.timings;
  done.failure = std::move(output.failure);
  done.tokens = std::move(output.tokens);
  return done;
}

Result<Prepared> NativeEngine::prepare_checked(const Request& request) const {
  const auto named = [&](const Error& error) { return Error{error.kind, request.id + ": " + error.message}; };
  Result<Prepared> prepared = prepare(request);
  if (!prepared) return named(prepared.error());
  if (const auto checked = scheduler_->check(prepared->request); !checked) return named(checked.error());
  return prepared;
}

Result<std::unique_ptr<NativeEngine>> NativeEngine::open(const NativeOptions& options, Workload workload) {
  ASSAY_ASSIGN(NativeDevice device,
               open_native_device(options.device, options.cuda_path, options.parallel, options.parts));
  ASSAY_ASSIGN(const kernels::SimdLevel level, kernels::chosen_simd_level());
  if (options.max_batch && (*options.max_batch < 1 || *options.max_batch > 65536)) {
    return bad_input("--max-batch must be from 1 to 65536, is ", *options.max_batch);
  }
  std::string config_sha256;
  if (options.load.weights == WeightSource::dummy) {
    ASSAY_ASSIGN(config_sha256, dummy_config_sha256(options.path));
  }
  ASSAY_ASSIGN(Tokenizer tokenizer, Tokenizer::load_of_model(options.path));
  ASSAY_ASSIGN(Model loaded, load_model(options.path, options.load));
  auto model = std::make_unique<Model>(std::move(loaded));
  ASSAY_TRY(settle_device(*model, device));
  if (tokenizer.vocab_size() > model->config.vocab_size) {
    return bad_input(options.path.string(), ": the tokenizer (tokenizer.json, or what GGUF holds) has ids up to ",
                     tokenizer.vocab_size() - 1, ", the model's vocab_size is ", model->config.vocab_size);
  }
  std::optional<std::string_view> name;
  if (!options.chat_template.empty()) name = options.chat_template;
  std::optional<std::string_view> template_text;
  if (tokenizer.chat_template()) template_text = *tokenizer.chat_template();
  Result<ChatTemplate> chat = choose_template(template_text, tokenizer, name);
  if (!chat && name) return chat.error();
  for (const std::string& warning : model->config.warnings) log_warning(warning);
  for (const std::string& warning : model->checkpoint.warnings()) log_warning(warning);
  for (const std::string& warning : tokenizer.warnings()) log_warning(warning);
  if (chat && !chat->warning().empty()) log_warning(chat->warning());
  const int n_threads = options.load.n_threads.value_or(available_processors());
  std::unique_ptr<NativeEngine> engine(new NativeEngine(options, std::move(model), std::move(tokenizer),
                                                        std::move(chat), std::move(config_sha256), std::move(device),
                                                        level, n_threads));
  ASSAY_TRY(engine->start(workload));
  return engine;
}

}  // namespace assay::runners
