#include "runners/formats/expected_tensors.h"

namespace assay::runners {

namespace {

/// Appends tensors under a prefix, all with the same presence.
class Tensors {
 public:
  Tensors(std::vector<ExpectedTensor>& out, std::string prefix, Presence presence)
      : out_(out), prefix_(std::move(prefix)), presence_(presence) {}

  void plain(const std::string& name, std::vector<std::int64_t> shape) const {
    out_.push_back({prefix_ + name, std::move(shape), presence_, false});
  }
  /// A linear layer's weight, which a quantised checkpoint holds in FP8.
  void projection(const std::string& name, std::int64_t n_out, std::int64_t n_in) const {
    out_.push_back({prefix_ + name + ".weight", {n_out, n_in}, presence_, true});
  }
  Tensors under(const std::string& name) const { return Tensors(out_, prefix_ + name, presence_); }

 private:
  std::vector<ExpectedTensor>& out_;
  std::string prefix_;
  Presence presence_;
};

void append_mla(const ModelConfig& c, KvB kv_b, const Tensors& attention) {
  const std::int64_t heads = c.num_attention_heads;
  if (c.q_lora_rank) {
    attention.projection("q_a_proj", *c.q_lora_rank, c.hidden_size);
    attention.plain("q_a_layernorm.weight", {*c.q_lora_rank});
    attention.projection("q_b_proj", heads * c.qk_head_dim(), *c.q_lora_rank);
  } else {
    attention.projection("q_proj", heads * c.qk_head_dim(), c.hidden_size);
  }
  attention.projection("kv_a_proj_with_mqa", c.kv_lora_rank + c.qk_rope_head_dim, c.hidden_size);
  attention.plain("kv_a_layernorm.weight", {c.kv_lora_rank});
  if (kv_b == KvB::split) {
    attention.projection("k_b_proj", heads * c.kv_lora_rank, c.qk_nope_head_dim);
    attention.projection("v_b_proj", heads * c.v_head_dim, c.kv_lora_rank);
  } else {
    attention.projection("kv_b_proj", heads * (c.qk_nope_head_dim + c.v_head_dim), c.kv_lora_rank);
  }
  attention.projection("o_proj", c.hidden_size, heads * c.v_head_dim);
}

void append_gqa(const ModelConfig& c, const Tensors& attention) {
  const std::int64_t query = c.num_attention_heads * c.head_dim;
  const std::int64_t key_value = c.num_key_value_heads * c.head_dim;
  for (const auto& [name, width] :
       {std::pair("q_proj", query), std::pair("k_proj", key_value), std::pair("v_proj", key_value)}) {
    attention.projection(name, width, c.hidden_size);
    if (c.qkv_bias) attention.plain(std::string(name) + ".bias", {width});
  }
  attention.projection("o_proj", c.hidden_size, query);
  if (c.qk_norm) {
    attention.plain("q_norm.weight", {c.head_dim});
    attention.plain("k_norm.weight", {c.head_dim});
  }
}

/// One gated feed-forward network: a dense layer's, a routed expert's, or the shared experts' (one of their joint
/// width).
void append_ffn(const ModelConfig& c, const Tensors& ffn, std::int64_t width) {
  ffn.projection("gate_proj", width, c.hidden_size);
  ffn.projection("up_proj", width, c.hidden_size);
  ffn.projection("down_proj", c.hidden_size, width);
}

void append_moe(const ModelConfig& c, const Tensors& mlp) {
  mlp.plain("gate.weight", {c.n_routed_experts, c.hidden_size});
  if (c.topk_method == TopkMethod::noaux_tc) mlp.plain("gate.e_score_correction_bias", {c.n_routed_experts});
  for (std::int64_t expert = 0; expert < c.n_routed_experts; ++expert) {
    append_ffn(c, mlp.under("experts." + std::to_string(expert) + "."), c.moe_intermediate_size);
  }
  if (c.n_shared_experts > 0) {
    append_ffn(c, mlp.under("shared_experts."), c.n_shared_experts * c.moe_intermediate_size);
  }
}

void append_layer(const ModelConfig& c, KvB kv_b, const Tensors& layer, FeedForward feed_forward) {
  layer.plain("input_layernorm.weight", {c.hidden_size});
  const Tensors attention = layer.under("self_attn.");
  c.attention == Attention::mla ? append_mla(c, kv_b, attention) : append_gqa(c, attention);
  layer.plain("post_attention_layernorm.weight", {c.hidden_size});
  const Tensors mlp = layer.under("mlp.");
  feed_forward == FeedForward::moe ? append_moe(c, mlp) : append_ffn(c, mlp, c.intermediate_size);
}

std::string layer_prefix(std::int64_t layer) { return "model.layers." + std::to_string(layer) + "."; }

void append_mtp(const ModelConfig& c, std::vector<ExpectedTensor>& out) {
  const std::string prefix = layer_prefix(c.num_hidden_layers);
  const Tensors mtp(out, prefix, Presence::with_mtp);
  mtp.plain("enorm.weight", {c.hidden_size});
  mtp.plain("hnorm.weight", {c.hidden_size});
  mtp.plain("eh_proj.weight", {c.hidden_size, 2 * c.hidden_size});
  append_layer(c, KvB::whole, mtp, c.n_routed_experts > 0 ? FeedForward::moe : FeedForward::dense);
  mtp.plain("shared_head.norm.weight", {c.hidden_size});
  const Tensors copies(out, prefix, Presence::optional);
  copies.plain("embed_tokens.weight", {c.vocab_size, c.hidden_size});
  copies.plain("shared_head.head.weight", {c.vocab_size, c.hidden_size});
}

}  // namespace

std::int64_t ExpectedTensor::n_elements() const {
  std::int64_t n = 1;
  for (const std::int64_t extent : shape) n *= extent;
  return n;
}

std::vector<ExpectedTensor> expected_tensors(const ModelConfig& config, KvB kv_b) {
  std::vector<ExpectedTensor> out;
  const Tensors all(out, "", Presence::required);
  all.plain("model.embed_tokens.weight", {config.vocab_size, config.hidden_size});
  for (std::int64_t layer = 0; layer < config.num_hidden_layers; ++layer) {
    append_layer(config, kv_b, all.under(layer_prefix(layer)), config.feed_forward[static_cast<std::size_t>(layer)]);
  }
  all.plain("model.norm.weight", {config.hidden_size});
  const Presence head = config.tie_word_embeddings ? Presence::optional : Presence::required;
  Tensors(out, "", head).plain("lm_head.weight", {config.vocab_size, config.hidden_size});
  if (config.num_nextn_predict_layers > 0) append_mtp(config, out);
  return out;
}

std::string scale_name(const std::string& weight_name) { return weight_name + "_scale_inv"; }

}  // namespace assay::runners
