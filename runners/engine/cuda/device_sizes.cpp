#include "runners/engine/cuda/device_sizes.h"

#include <algorithm>
#include <string>

#include "kernels/attention/mla_cache.cuh"
#include "kernels/router/route_rows.cuh"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/executor.h"

namespace assay::runners {

namespace {

using kernels::kMlaLatent;
using kernels::kMlaNope;
using kernels::kMlaRope;
using kernels::kMlaValue;

Result<> check_attention(const ModelConfig& c, const std::string& where) {
  if (c.attention == Attention::mla) {
    const bool fits = c.kv_lora_rank <= kMlaLatent && c.qk_rope_head_dim <= kMlaRope &&
                      c.qk_nope_head_dim <= kMlaNope && c.v_head_dim <= kMlaValue && c.kv_lora_rank % 4 == 0 &&
                      c.qk_rope_head_dim % 2 == 0;
    if (fits && c.num_attention_heads <= 128 && c.q_lora_rank.value_or(0) % 8 == 0) return {};
    return bad_input(where,
                     ": the GPU's latent attention takes kv_lora_rank up to 512, qk_rope_head_dim 64, "
                     "qk_nope_head_dim and v_head_dim 128, 128 heads, and a q_lora_rank that is a multiple of 8");
  }
  if (kernel_head_dim(as_int(c.head_dim)) == 0 || c.head_dim % 2 != 0) {
    return bad_input(where, ": head_dim is ", c.head_dim, ", the GPU needs an even number up to 128");
  }
  if (c.num_attention_heads > 16 * c.num_key_value_heads) {
    return bad_input(where, ": ", c.num_attention_heads, " query heads share ", c.num_key_value_heads,
                     " KV heads, the GPU needs at most 16 each");
  }
  return {};
}

Result<> check_experts(const ModelConfig& c, const std::string& where) {
  if (c.n_routed_experts == 0) return {};
  if (c.n_routed_experts <= kernels::kMaxRoutedExperts && c.n_routed_experts % 8 == 0 &&
      c.num_experts_per_tok <= kernels::kMaxExpertsPerToken) {
    return {};
  }
  return bad_input(where, ": ", c.n_routed_experts, " experts, ", c.num_experts_per_tok,
                   " a token; the GPU needs a multiple of 8 up to ", kernels::kMaxRoutedExperts, ", and up to ",
                   kernels::kMaxExpertsPerToken);
}

}  // namespace

int kernel_head_dim(int head_dim) { return head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 0; }

int DeviceSizes::page_elements() const { return kPageTokens * (is_mla ? kernels::kMlaRow : 2 * kv_heads * head_dim); }

Result<> check_cuda_model(const Model& model) {
  const ModelConfig& c = model.config;
  const std::string where = model.path.string();
  if (c.hidden_size % 8 != 0) {
    return bad_input(where, ": hidden_size is ", c.hidden_size, ", the GPU needs a multiple of 8");
  }
  ASSAY_TRY(check_attention(c, where));
  return check_experts(c, where);
}

DeviceSizes device_sizes(const Model& model, bool with_mtp, const Shard& shard) {
  const ModelConfig& config = model.config;
  const MtpWeights* mtp = with_mtp && model.mtp ? &*model.mtp : nullptr;
  DeviceSizes s;
  s.is_mla = config.attention == Attention::mla;
  s.hidden = as_int(config.hidden_size);
  s.vocab = as_int(config.vocab_size);
  s.vocab_rows = rounded_up(s.vocab, 8 * shard.n_ranks());
  s.head_rows = s.vocab_rows / shard.n_ranks();
  s.heads = shard.share_of(as_int(config.num_attention_heads), shard.splits_heads()).n;
  s.n_cache_layers = static_cast<int>(model.layers.size()) + (mtp != nullptr ? 1 : 0);
  if (s.is_mla) {
    s.q_lora_rank = as_int(config.q_lora_rank.value_or(0));
    s.kv_lora_rank = as_int(config.kv_lora_rank);
  } else {
    s.kv_heads = shard.share_of(as_int(config.num_key_value_heads), shard.splits_heads()).n;
    s.head_dim = kernel_head_dim(as_int(config.head_dim));
  }
  const auto add_ffn = [&](const auto& ffn) {
    if (const auto* dense = std::get_if<FfnWeights>(&ffn)) {
      s.max_ffn_width = std::max(s.max_ffn_width, rounded_up(shard.share_of(dense->gate_proj.n_out).n, 8));
      return;
    }
    const auto& moe = std::get<MoeWeights>(ffn);
    s.n_routed_experts = as_int(config.n_routed_experts);
    s.num_experts_per_tok = as_int(config.num_experts_per_tok);
    const Share own = shard.share_of(s.n_routed_experts, shard.splits_experts());
    s.first_expert = own.first;
    s.n_own_experts = own.n;
    s.moe_width = rounded_up(shard.share_of(as_int(config.moe_intermediate_size), !shard.splits_experts()).n, 8);
    if (!moe.shared_experts) return;
    s.has_shared_experts = true;
    const int width = shard.share_of(moe.shared_experts->gate_proj.n_out).n;
    s.max_ffn_width = std::max(s.max_ffn_width, rounded_up(width, 8));
  };
  for (const LayerWeights& layer : model.layers) add_ffn(layer.ffn);
  if (mtp != nullptr) add_ffn(mtp->layer.ffn);
  return s;
}

}  // namespace assay::runners
