#pragma once
// What a pass over a model must read and compute at the least, and how long the engine takes for it on a GPU: a model
// fitted to measurements, for plans and projections. Nothing here was measured on the device in question.
//
//   generated positions: t = W/b + E(n)/b + K/b + 1.1·F/p + layers · o        o = 19 µs, or 53 µs with experts
//   prompt positions:    t = max(W/b + E(n)/b, F/(s·p)) + A/(0.4·p)           s = 0.61, or 0.42 with experts
//   W bytes of weights that every pass reads, E(n) of the experts that n tokens hit when they hit them evenly, K of
//   cached keys and values, F operations of products, A of attention; b and p the device's sustained rate of reading
//   and its peak rate of arithmetic.
// 1.1 and o are the least squares over 16 generated steps in kernels/PERFORMANCE.md (2026-11-23: Llama-3.1-8B,
// Qwen2.5-7B and DeepSeek-V2-Lite on an H100 and an H200, batches of 1 to 256), all of which the form gives within 6 %.
// With the two from the H100 alone it was within 10 % on the H200: kStepErrorRatio. s is what makes two prompts' rates
// right, one each; the 0.4 of attention is assumed, and hardly counts for short prompts.

#include <cstdint>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "runners/engine/load_options.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

/// Of the main model, as a GPU has it: bfloat16, or FP8 blocks where they stay so.
struct PassWork {
  double weight_bytes = 0;      ///< that every pass reads
  double expert_bytes = 0;      ///< of one routed expert in one layer
  double n_expert_layers = 0;   ///< layers with routed experts
  double n_routed_experts = 0;  ///< of a layer
  double num_experts_per_tok = 0;
  double kv_bytes_per_token = 0;       ///< over all layers
  double flop_per_token = 0;           ///< of products with weights
  double attention_flop_per_pair = 0;  ///< of a prompt position and a key that it sees, all layers
  double n_layers = 0;
  double hidden_size = 0;
  double vocab_size = 0;
  bool fp8_products = false;
};
PassWork pass_work(const ModelConfig& config, Fp8Weights fp8);

/// What is stored of it with a run, in the model's details under "pass_work", so that runs can be projected where the
/// model is not.
Json to_json(const PassWork& work);
/// Error{bad_input} names the field that is missing or no number of at least 0.
Result<PassWork> read_pass_work(const JsonObject& fields);

/// What a GPU gives.
struct DeviceRates {
  double read_bytes_per_s = 0;  ///< sustained
  double bf16_flop_per_s = 0;   ///< peak, dense
  double fp8_flop_per_s = 0;    ///< likewise; 0: it has none, FP8 weights are widened
};

/// The largest error of the form on a device that its constants were not fitted to, as a share of the time.
inline constexpr double kStepErrorRatio = 0.10;
/// Models that read less than this in a pass are bound by starts and ends of kernels, for which the form was not
/// fitted: its error there is not known. (3,200 samples of the reference model took 1.80 s on an H100, where it
/// gives 1.13 s.)
inline constexpr double kLeastFittedBytes = 2e9;

/// Seconds of a pass over one generated position of each of n sequences, which have context_tokens cached in all.
double decode_pass_s(const PassWork& work, const DeviceRates& rates, double n_sequences, double context_tokens);

/// Seconds of prefilling n_tokens prompt positions in passes of at most chunk_tokens, of prompts of mean_prompt_tokens.
double prefill_s(const PassWork& work, const DeviceRates& rates, double n_tokens, double mean_prompt_tokens,
                 double chunk_tokens);

}  // namespace assay::runners
