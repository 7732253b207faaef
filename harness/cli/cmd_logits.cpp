// assay logits: a model's logits and hidden states for given tokens, for comparison with other implementations.

#include <filesystem>
#include <memory>
#include <utility>

#include "harness/base/log.h"
#include "harness/cli/across.h"
#include "harness/cli/command.h"
#include "harness/cli/logits_file.h"
#include "harness/cli/model_options.h"
#include "harness/cli/output.h"
#include "harness/cli/output_file.h"
#include "harness/run/load_view.h"
#include "harness/run/model_registry.h"
#include "kernels/simd/simd_choice.h"
#include "runners/engine/host.h"
#include "runners/engine/logits.h"
#include "runners/engine/native_device.h"
#include "runners/engine/parts/leading_executor.h"

namespace assay::cli {

namespace {

struct LogitsArgs {
  std::string model;
  std::string tokens;
  std::string out;
  bool hidden = false;
  std::string device = "auto";
  std::string cuda_path;  // empty: auto
  std::optional<std::int64_t> tensor_parallel, expert_parallel;
  AcrossWords across;
  WeightWords weights;
};

run::RunnerOptions runner_options(const LogitsArgs& args) {
  run::RunnerOptions options;
  options.model = args.model;
  options.device = args.device;
  if (!args.cuda_path.empty()) options.cuda_path = args.cuda_path;
  options.parallel = {static_cast<int>(args.tensor_parallel.value_or(1)),
                      static_cast<int>(args.expert_parallel.value_or(1))};
  return options;
}

/// The tensors of one sequence under the names of INTERFACE.md.
void append_tensors(std::vector<OutputTensor>& tensors, const TokenSequence& sequence, runners::SequenceLogits result,
                    const runners::ModelConfig& config) {
  const auto n_rows = static_cast<std::int64_t>(sequence.tokens.size());
  tensors.push_back({"logits." + sequence.number, {n_rows, config.vocab_size}, std::move(result.logits)});
  for (std::size_t layer = 0; layer < result.hidden.size(); ++layer) {
    tensors.push_back({"hidden." + sequence.number + "." + std::to_string(layer),
                       {n_rows, config.hidden_size},
                       std::move(result.hidden[layer])});
  }
  if (!result.final_hidden.empty()) {
    tensors.push_back({"final." + sequence.number, {n_rows, config.hidden_size}, std::move(result.final_hidden)});
  }
  if (!result.mtp.empty()) {
    tensors.push_back({"mtp." + sequence.number, {n_rows - 1, config.vocab_size}, std::move(result.mtp)});
  }
}

Result<std::vector<OutputTensor>> compute_tensors(const LogitsArgs& args, const std::vector<TokenSequence>& sequences,
                                                  run::ProgressStyle progress, const run::StopSignals& signals) {
  const run::RunnerOptions options = runner_options(args);
  ASSAY_ASSIGN(const std::unique_ptr<runners::PartGroup> parts, lead_parts(args.across, options, signals));
  ASSAY_ASSIGN(runners::NativeDevice device,
               runners::open_native_device(options.device, options.cuda_path, options.parallel, parts.get()));
  ASSAY_ASSIGN(const kernels::SimdLevel level, kernels::chosen_simd_level());
  ASSAY_ASSIGN(const std::filesystem::path path, run::resolve_model(args.model));
  run::LoadView view(progress);
  runners::LoadOptions load{.on_progress = [&](const runners::LoadState& state) { view.show(state); }};
  set_weight_options(args.weights, load);
  ASSAY_ASSIGN(const runners::Model model, runners::load_model(path, load));
  kernels::ThreadPool pool(runners::available_processors());
  ASSAY_TRY(runners::settle_device(model, device));
  runners::ExecutorOptions limits = runners::default_limits(device);
  limits.max_batch = 1;
  limits.speculate = model.mtp.has_value();
  ASSAY_ASSIGN(const std::unique_ptr<runners::Executor> executor,
               runners::create_executor(model, device, limits, load, {kernels::cpu_ops(level), pool}));
  if (parts != nullptr) {
    ASSAY_ASSIGN(const std::string weights_sha256, model.checkpoint.weights_sha256());
    ASSAY_TRY(runners::settle_parts(device, weights_sha256));
  }
  std::vector<OutputTensor> tensors;
  for (const TokenSequence& sequence : sequences) {
    auto result = runners::compute_logits(model, *executor, sequence.tokens, {.hidden = args.hidden});
    if (!result) return Error{result.error().kind, "tokens." + sequence.number + ": " + result.error().message};
    append_tensors(tensors, sequence, std::move(*result), model.config);
    log_detail("tokens.", sequence.number, ": ", sequence.tokens.size(), " positions");
  }
  return tensors;
}

Result<> check_words(const LogitsArgs& args) {
  if (args.model.empty()) return bad_input("--model is missing; it takes a folder or a registered name");
  if (args.tokens.empty()) return bad_input("--tokens is missing; it takes a safetensors file of tokens.N");
  if (args.out.empty()) return bad_input("--out is missing; it takes the safetensors file to write");
  return check_output_file("--out", args.out, {args.tokens});
}

Result<int> logits_command(const LogitsArgs& args, const CommonOptions& common) {
  ASSAY_ASSIGN(const int part, part_of(args.across, run::process_environment()));
  if (part != 0) return follow_part(args.across, part, {.model = args.model, .device = args.device});
  ASSAY_TRY(check_words(args));
  const run::StopSignals signals;  // before anything starts a thread
  ASSAY_ASSIGN(const std::vector<TokenSequence> sequences, read_token_sequences(args.tokens));
  ASSAY_ASSIGN(const std::vector<OutputTensor> tensors,
               compute_tensors(args, sequences, run::progress_style(common.quiet), signals));
  ASSAY_TRY(write_output_tensors(args.out, tensors));
  if (common.json) {
    ASSAY_TRY(print_json({{"out", args.out}, {"sequences", sequences.size()}, {"tensors", tensors.size()}}));
  }
  return 0;
}

}  // namespace

Action declare_logits(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<LogitsArgs>();  // shared by the option table, which writes it, and the action
  add_text(app, "--model", args->model, "REF",
           "A folder with config.json and safetensors, a GGUF file, or a registered name");
  add_text(app, "--tokens", args->tokens, "FILE.safetensors",
           "Token ids: int32 or int64 tensors tokens.N, one sequence each");
  add_text(app, "--out", args->out, "FILE.safetensors",
           "Where logits.N [T, vocab] and mtp.N [T-1, vocab] go, as float32");
  app.add_flag("--hidden", args->hidden, "Also write hidden.N.L [T, hidden] of every layer and final.N");
  add_device_options(app, args->device, args->cuda_path);
  add_parallel_options(app, args->tensor_parallel, args->expert_parallel);
  add_across_options(app, args->across);
  add_weight_options(app, args->weights);
  app.footer("Example: assay logits --model reference --tokens tokens.safetensors --out logits.safetensors");
  return [args, &common] { return logits_command(*args, common); };
}

}  // namespace assay::cli
