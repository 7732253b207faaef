#pragma once
// A few fixed tokens through a loaded model, before a run: what its logits are, to the bit, and how far they are from
// those that another library gave. Two runs with equal `logits_sha256` compute the same thing.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "runners/engine/executor.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// A token of the vocabulary and its log-probability.
struct TopLogprob {
  std::int32_t token = 0;
  double logprob = 0;
};

/// The tokens, and what is known of the distributions that they give. `canary.json` in a model's folder holds one:
/// {"weights_sha256", "n_prompt_tokens", "tokens": [id…], "top_logprobs": [[[id, logprob]…]…]}, a row for each token.
struct CanaryText {
  std::vector<std::int32_t> tokens;
  int n_prompt_tokens = 0;                            ///< run as a prompt; the rest one by one, as generated
  std::vector<std::vector<TopLogprob>> top_logprobs;  ///< [tokens]; empty where there is no reference
};

/// A canary.json.
struct CanaryFile {
  std::string weights_sha256;  ///< what the reference was made of
  CanaryText text;
};
/// `where` names the file in errors: Error{bad_input} says its field and what is right.
Result<CanaryFile> parse_canary_file(std::string_view content, const std::string& where, std::int64_t vocab_size);

/// canary.json of the folder at `model`, or none: no such file, no folder (GGUF), or made of other weights than
/// `weights_sha256`. Error{bad_input} for a broken file, with its field.
Result<std::optional<CanaryText>> read_canary_text(const std::filesystem::path& model,
                                                   const std::string& weights_sha256, std::int64_t vocab_size);

/// For models without a stored reference: sixteen prompt positions and four generated ones, ids spread over the
/// vocabulary by a fixed formula; shorter where the context is.
CanaryText any_canary_text(const ModelConfig& config);

/// KL(reference ‖ logits) in nats over the reference's top tokens and all others as one. Probabilities that the top
/// tokens leave over are known to rounding only, so that less than 1e-5 is none. At least 0.
double kl_divergence(const std::vector<TopLogprob>& reference, std::span<const float> logits);

struct CanaryResult {
  std::string logits_sha256;  ///< of tokens, prompt length and every logit, float32, little-endian
  int n_positions = 0;
  // Against the reference; none without one. KL(reference ‖ this model) over the reference's top tokens and all others
  // as one, so at most the full divergence; per position, at least 0.
  std::optional<double> mean_kl_divergence, max_kl_divergence;
  std::optional<int> n_same_top;  ///< positions whose most likely token is the reference's
};

/// Nothing else may run on the executor. Error{bad_input} if the logits are no numbers; Error{environment} if the
/// device fails. Cost: a pass over the prompt positions and one for each generated.
Result<CanaryResult> run_canary(const Model& model, Executor& executor, const CanaryText& text, int chunk_tokens);

/// As it is stored with a run.
Json to_json(const CanaryResult& result);

}  // namespace assay::runners
