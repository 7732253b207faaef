// Sizes that follow from a configuration: declared in model_config.h.

#include "runners/formats/expected_tensors.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

namespace {

std::int64_t parameters(const ModelConfig& config, Presence presence) {
  std::int64_t n = 0;
  for (const ExpectedTensor& tensor : expected_tensors(config)) {
    if (tensor.presence == presence) n += tensor.n_elements();
  }
  return n;
}

}  // namespace

std::int64_t num_parameters(const ModelConfig& config) { return parameters(config, Presence::required); }

std::int64_t active_parameters(const ModelConfig& config) {
  const std::int64_t idle_experts = config.n_routed_experts - config.num_experts_per_tok;
  const std::int64_t expert_parameters = 3 * config.hidden_size * config.moe_intermediate_size;
  std::int64_t idle = 0;
  for (const FeedForward feed_forward : config.feed_forward) {
    if (feed_forward == FeedForward::moe) idle += idle_experts * expert_parameters;
  }
  return num_parameters(config) - idle;
}

std::int64_t mtp_parameters(const ModelConfig& config) { return parameters(config, Presence::with_mtp); }

std::int64_t kv_bytes_per_token(const ModelConfig& config, std::int64_t bytes_per_value) {
  const std::int64_t values_per_layer = config.attention == Attention::mla
                                            ? config.kv_lora_rank + config.qk_rope_head_dim
                                            : 2 * config.num_key_value_heads * config.head_dim;
  return config.num_hidden_layers * values_per_layer * bytes_per_value;
}

}  // namespace assay::runners
