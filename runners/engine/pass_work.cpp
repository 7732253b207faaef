#include "runners/engine/pass_work.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "runners/formats/expected_tensors.h"

namespace assay::runners {

namespace {

constexpr double kBf16Bytes = 2;
constexpr double kComputeShare = 1.1;                  // of generated positions: operations beside reading
constexpr double kLayerS = 19e-6, kMoeLayerS = 53e-6;  // a layer's small kernels, starts and ends
constexpr double kPrefillShare = 0.61, kMoePrefillShare = 0.42, kPrefillAttentionShare = 0.40;

constexpr std::pair<const char*, double PassWork::*> kWorkFields[] = {
    {"weight_bytes", &PassWork::weight_bytes},
    {"expert_bytes", &PassWork::expert_bytes},
    {"n_expert_layers", &PassWork::n_expert_layers},
    {"n_routed_experts", &PassWork::n_routed_experts},
    {"num_experts_per_tok", &PassWork::num_experts_per_tok},
    {"kv_bytes_per_token", &PassWork::kv_bytes_per_token},
    {"flop_per_token", &PassWork::flop_per_token},
    {"attention_flop_per_pair", &PassWork::attention_flop_per_pair},
    {"n_layers", &PassWork::n_layers},
    {"hidden_size", &PassWork::hidden_size},
    {"vocab_size", &PassWork::vocab_size}};

bool is_routed_expert(const std::string& name) { return name.find(".mlp.experts.") != std::string::npos; }

double bytes_of(const ExpectedTensor& tensor, bool stays_fp8) {
  return static_cast<double>(tensor.n_elements()) * (stays_fp8 && tensor.may_be_fp8 ? 1 : kBf16Bytes);
}

double expert_bytes_read(const PassWork& work, double n_tokens) {
  if (work.n_expert_layers == 0) return 0;
  const double missed = std::pow(1 - work.num_experts_per_tok / work.n_routed_experts, n_tokens);
  return work.n_expert_layers * work.n_routed_experts * (1 - missed) * work.expert_bytes;
}

double product_flop_per_s(const PassWork& work, const DeviceRates& rates) {
  return work.fp8_products && rates.fp8_flop_per_s > 0 ? rates.fp8_flop_per_s : rates.bf16_flop_per_s;
}

}  // namespace

PassWork pass_work(const ModelConfig& config, Fp8Weights fp8) {
  PassWork work;
  const bool stays_fp8 = config.quantization_config.has_value() && fp8 == Fp8Weights::blocks;
  double all_expert_bytes = 0;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    if (tensor.presence != Presence::required) continue;  // the MTP layer, and copies that nothing reads
    const double bytes = bytes_of(tensor, stays_fp8);
    if (is_routed_expert(tensor.name)) {
      all_expert_bytes += bytes;
    } else if (tensor.name != "model.embed_tokens.weight" || config.tie_word_embeddings) {
      work.weight_bytes += bytes;  // a tied embedding is read as the head
    }
  }
  work.n_expert_layers =
      static_cast<double>(std::count(config.feed_forward.begin(), config.feed_forward.end(), FeedForward::moe));
  work.n_routed_experts = static_cast<double>(config.n_routed_experts);
  work.num_experts_per_tok = static_cast<double>(config.num_experts_per_tok);
  if (work.n_expert_layers > 0) work.expert_bytes = all_expert_bytes / work.n_expert_layers / work.n_routed_experts;
  const double embedding = static_cast<double>(config.vocab_size * config.hidden_size);
  work.kv_bytes_per_token = static_cast<double>(kv_bytes_per_token(config));
  work.flop_per_token =
      2 * (static_cast<double>(active_parameters(config)) - (config.tie_word_embeddings ? 0 : embedding));
  const double value_width =
      static_cast<double>(config.attention == Attention::mla ? config.v_head_dim : config.head_dim);
  work.n_layers = static_cast<double>(config.num_hidden_layers);
  work.attention_flop_per_pair = 2 * work.n_layers * static_cast<double>(config.num_attention_heads) *
                                 (static_cast<double>(config.qk_head_dim()) + value_width);
  work.hidden_size = static_cast<double>(config.hidden_size);
  work.vocab_size = static_cast<double>(config.vocab_size);
  work.fp8_products = stays_fp8;
  return work;
}

Json to_json(const PassWork& work) {
  Json json = {{"fp8_products", work.fp8_products}};
  for (const auto& [key, member] : kWorkFields) json[key] = work.*member;
  return json;
}

Result<PassWork> read_pass_work(const JsonObject& fields) {
  PassWork work;
  for (const auto& [key, member] : kWorkFields) {
    ASSAY_ASSIGN(work.*member, fields.number(key));
    if (!(work.*member >= 0) || !std::isfinite(work.*member)) {
      return fields.field_error(key, "must be a number of at least 0");
    }
  }
  ASSAY_ASSIGN(work.fp8_products, fields.boolean("fp8_products"));
  return work;
}

double decode_pass_s(const PassWork& work, const DeviceRates& rates, double n_sequences, double context_tokens) {
  const double bytes =
      work.weight_bytes + expert_bytes_read(work, n_sequences) + work.kv_bytes_per_token * context_tokens;
  const double flop = work.flop_per_token * n_sequences;
  return bytes / rates.read_bytes_per_s + kComputeShare * flop / product_flop_per_s(work, rates) +
         work.n_layers * (work.n_expert_layers > 0 ? kMoeLayerS : kLayerS);
}

double prefill_s(const PassWork& work, const DeviceRates& rates, double n_tokens, double mean_prompt_tokens,
                 double chunk_tokens) {
  const double n_passes = std::ceil(n_tokens / chunk_tokens);
  const double read_s = n_passes * (work.weight_bytes + expert_bytes_read(work, std::min(n_tokens, chunk_tokens))) /
                        rates.read_bytes_per_s;
  const double share = work.n_expert_layers > 0 ? kMoePrefillShare : kPrefillShare;
  const double product_s = work.flop_per_token * n_tokens / (share * product_flop_per_s(work, rates));
  const double pairs = n_tokens * mean_prompt_tokens / 2;
  return std::max(read_s, product_s) +
         work.attention_flop_per_pair * pairs / (kPrefillAttentionShare * rates.bf16_flop_per_s);
}

}  // namespace assay::runners
