#include "runners/engine/canary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <span>
#include <system_error>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "kernels/sampling/sampling.h"
#include "runners/engine/logits.h"

namespace assay::runners {

namespace {

constexpr std::uintmax_t kMostBytes = 1 << 20;
constexpr std::size_t kMostTokens = 256;

Result<std::vector<TopLogprob>> read_row(const JsonObject& file, const Json& json, std::size_t row,
                                         std::int64_t vocab_size) {
  const Error wrong = file.field_error("top_logprobs", "row " + std::to_string(row) +
                                                           " must be a list of [id, log-probability], ids of the "
                                                           "vocabulary, log-probabilities at most 0");
  if (!json.is_array() || json.empty()) return wrong;
  std::vector<TopLogprob> top;
  for (const Json& pair : json) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number_integer() || !pair[1].is_number()) return wrong;
    const auto token = pair[0].get<std::int64_t>();
    const double logprob = pair[1].get<double>();
    constexpr double kRounding = 1e-5;
    if (token < 0 || token >= vocab_size || !(logprob <= kRounding) || !std::isfinite(logprob)) return wrong;
    top.push_back({static_cast<std::int32_t>(token), logprob});
  }
  return top;
}

Result<CanaryText> read_text(const JsonObject& file, std::int64_t vocab_size) {
  CanaryText text;
  ASSAY_ASSIGN(const std::int64_t n_prompt_tokens, file.integer("n_prompt_tokens"));
  const Json* tokens = file.find("tokens");
  if (tokens == nullptr || !tokens->is_array() || tokens->empty() || tokens->size() > kMostTokens) {
    return file.field_error("tokens", "must be a list of 1 to " + std::to_string(kMostTokens) + " ids");
  }
  for (const Json& token : *tokens) {
    if (!token.is_number_integer() || token.get<std::int64_t>() < 0 || token.get<std::int64_t>() >= vocab_size) {
      return file.field_error("tokens", "must be ids from 0 to " + std::to_string(vocab_size - 1));
    }
    text.tokens.push_back(token.get<std::int32_t>());
  }
  if (n_prompt_tokens < 1 || n_prompt_tokens > static_cast<std::int64_t>(text.tokens.size())) {
    return file.field_error("n_prompt_tokens", "must be from 1 to the number of tokens");
  }
  text.n_prompt_tokens = static_cast<int>(n_prompt_tokens);
  const Json* rows = file.find("top_logprobs");
  if (rows == nullptr || !rows->is_array() || rows->size() != text.tokens.size()) {
    return file.field_error("top_logprobs", "must be a list with a row for each token");
  }
  for (std::size_t row = 0; row < rows->size(); ++row) {
    ASSAY_ASSIGN(auto top, read_row(file, (*rows)[row], row, vocab_size));
    text.top_logprobs.push_back(std::move(top));
  }
  return text;
}

void update(Sha256& hash, std::uint32_t word) {
  std::array<std::byte, 4> bytes{};
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::byte>(word >> 8 * i & 0xff);
  hash.update(bytes);
}

std::string hash_of(const CanaryText& text, std::span<const float> logits) {
  Sha256 hash;
  update(hash, static_cast<std::uint32_t>(text.n_prompt_tokens));
  for (const std::int32_t token : text.tokens) update(hash, static_cast<std::uint32_t>(token));
  static_assert(std::endian::native == std::endian::little, "logits are hashed as they lie in memory");
  hash.update(std::as_bytes(logits));
  return to_hex(hash.finish());
}

}  // namespace

double kl_divergence(const std::vector<TopLogprob>& reference, std::span<const float> logits) {
  constexpr double kLeastRest = 1e-5;
  const double log_sum = kernels::log_sum_exp(logits);
  double divergence = 0;
  double reference_rest = 1;
  double rest = 1;
  for (const TopLogprob& top : reference) {
    const double logprob = static_cast<double>(logits[static_cast<std::size_t>(top.token)]) - log_sum;
    const double p = std::exp(top.logprob);
    divergence += p * (top.logprob - logprob);
    reference_rest -= p;
    rest -= std::exp(logprob);
  }
  if (reference_rest > kLeastRest) {
    divergence += reference_rest * std::log(reference_rest / std::max(rest, kLeastRest * kLeastRest));
  }
  return std::max(0.0, divergence);
}

Result<CanaryFile> parse_canary_file(std::string_view content, const std::string& where, std::int64_t vocab_size) {
  ASSAY_ASSIGN(const Json json, parse_json(content, where));
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(json, where));
  CanaryFile file;
  ASSAY_ASSIGN(file.weights_sha256, object.string("weights_sha256"));
  ASSAY_ASSIGN(file.text, read_text(object, vocab_size));
  return file;
}

Result<std::optional<CanaryText>> read_canary_text(const std::filesystem::path& model,
                                                   const std::string& weights_sha256, std::int64_t vocab_size) {
  const std::optional<CanaryText> none;
  const std::filesystem::path path = model / "canary.json";
  std::error_code ignored;
  if (weights_sha256.empty() || !std::filesystem::is_regular_file(path, ignored)) return none;
  if (std::filesystem::file_size(path, ignored) > kMostBytes) {
    return bad_input(path.string(), ": has more than ", kMostBytes, " bytes");
  }
  ASSAY_ASSIGN(const std::string content, read_file(path));
  ASSAY_ASSIGN(CanaryFile file, parse_canary_file(content, path.string(), vocab_size));
  return file.weights_sha256 == weights_sha256 ? std::optional(std::move(file.text)) : none;
}

CanaryText any_canary_text(const ModelConfig& config) {
  constexpr std::int64_t kPromptTokens = 16;
  constexpr std::int64_t kTokens = 20;
  const std::int64_t n_tokens = std::min(kTokens, config.max_position_embeddings);
  CanaryText text;
  for (std::int64_t i = 0; i < n_tokens; ++i) {
    // Multiples of 2³² over the golden ratio: no two alike, evenly spread.
    const auto spread = static_cast<std::uint32_t>((i + 1) * 2654435769);
    text.tokens.push_back(
        static_cast<std::int32_t>(std::uint64_t{spread} * static_cast<std::uint64_t>(config.vocab_size) >> 32));
  }
  text.n_prompt_tokens = static_cast<int>(std::min(kPromptTokens, n_tokens));
  return text;
}

Result<CanaryResult> run_canary(const Model& model, Executor& executor, const CanaryText& text, int chunk_tokens) {
  ASSAY_ASSIGN(const SequenceLogits computed,
               compute_logits(model, executor, text.tokens,
                              {.first_generated = text.n_prompt_tokens, .mtp = false, .chunk_tokens = chunk_tokens}));
  const std::span<const float> logits = computed.logits;
  if (std::any_of(logits.begin(), logits.end(), [](float v) { return std::isnan(v); })) {
    return bad_input("the logits are no numbers");
  }
  CanaryResult result;
  result.n_positions = static_cast<int>(text.tokens.size());
  result.logits_sha256 = hash_of(text, logits);
  if (text.top_logprobs.empty()) return result;
  const std::size_t vocab = logits.size() / text.tokens.size();
  double sum = 0;
  double most = 0;
  int n_same_top = 0;
  for (std::size_t row = 0; row < text.top_logprobs.size(); ++row) {
    const auto row_logits = logits.subspan(row * vocab, vocab);
    const double divergence = kl_divergence(text.top_logprobs[row], row_logits);
    sum += divergence;
    most = std::max(most, divergence);
    const auto top = std::max_element(row_logits.begin(), row_logits.end()) - row_logits.begin();
    n_same_top += top == text.top_logprobs[row].front().token ? 1 : 0;
  }
  result.mean_kl_divergence = sum / static_cast<double>(text.top_logprobs.size());
  result.max_kl_divergence = most;
  result.n_same_top = n_same_top;
  return result;
}

Json to_json(const CanaryResult& result) {
  Json json = {{"logits_sha256", result.logits_sha256}, {"n_positions", result.n_positions}};
  if (result.mean_kl_divergence) {
    json["mean_kl_divergence"] = *result.mean_kl_divergence;
    json["max_kl_divergence"] = *result.max_kl_divergence;
    json["n_same_top"] = *result.n_same_top;
  }
  return json;
}

}  // namespace assay::runners
