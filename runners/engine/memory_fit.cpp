#include "runners/engine/memory_fit.h"

#include <algorithm>

#include "runners/engine/cpu/kv_cache.h"
#include "runners/engine/host.h"

namespace assay::runners {

std::vector<DeviceMemory> run_devices() {
  return {{"cpu", processor_name(), memory_bytes(), available_memory_bytes()}};
}

MemoryFit cpu_memory_fit(const ModelConfig& config, std::int64_t file_bytes, std::int64_t available_bytes) {
  const std::int64_t n_layers = config.num_hidden_layers + config.num_nextn_predict_layers;
  const bool is_mla = config.attention == Attention::mla;
  const std::int64_t row_width =
      is_mla ? config.kv_lora_rank + config.qk_rope_head_dim : 2 * config.num_key_value_heads * config.head_dim;

  MemoryFit fit;
  fit.weight_bytes = file_bytes;
  if (is_mla) {
    // kv_b_proj a second time, as float32 maps (MlaWeights).
    fit.weight_bytes += n_layers * config.num_attention_heads * (config.qk_nope_head_dim + config.v_head_dim) *
                        config.kv_lora_rank * std::int64_t{sizeof(float)};
  }
  const auto page_bytes =
      static_cast<std::int64_t>(KvCache::page_bytes(static_cast<int>(n_layers), static_cast<int>(row_width)));
  fit.kv_bytes_per_token = page_bytes / kPageTokens;
  if (fit.weight_bytes >= available_bytes) return fit;
  const std::int64_t n_pages = (available_bytes - fit.weight_bytes) / page_bytes;
  fit.max_context_tokens = std::min(config.max_position_embeddings, n_pages * kPageTokens);
  fit.max_sequences = n_pages / pages_for(config.max_position_embeddings);
  return fit;
}

}  // namespace assay::runners
