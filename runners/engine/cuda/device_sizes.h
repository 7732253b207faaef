#pragma once
// A model's sizes on the device.

#include <cstddef>
#include <cstdint>

#include "runners/engine/model.h"
#include "runners/engine/parallel.h"

namespace assay::runners {

/// Sizes as the device has them: filled up where that is needed, and a rank's own.
struct DeviceSizes {
  bool is_mla = false;
  int hidden = 0;
  int vocab = 0;       ///< logits of a row
  int vocab_rows = 0;  ///< rows of lm_head in all, a multiple of eight times the ranks
  int head_rows = 0;   ///< those of this rank
  int heads = 0;
  int kv_heads = 0;       ///< grouped-query attention
  int head_dim = 0;       ///< 64 or 128; grouped-query attention
  int q_lora_rank = 0;    ///< 0 without; latent attention
  int kv_lora_rank = 0;   ///< the model's own
  int max_ffn_width = 0;  ///< of dense and shared networks
  int n_routed_experts = 0, num_experts_per_tok = 0, moe_width = 0;
  int first_expert = 0, n_own_experts = 0;  ///< those of this rank
  bool has_shared_experts = false;
  int n_cache_layers = 0;
  int max_fp8_width = 0;                   ///< the most columns of a weight in FP8 blocks; 0: there is none
  std::size_t max_quantized_elements = 0;  ///< of a part of a layer's weight that stays quantised; 0: there is none

  /// Planes of cache pages: one for every layer; and elements of a page in each: keys and values, or latents.
  int n_cache_planes() const { return n_cache_layers; }
  int page_elements() const;
};

/// Those of a rank's part of a model, but for what its weights turn out to be there: max_fp8_width and
/// max_quantized_elements.
DeviceSizes device_sizes(const Model& model, bool with_mtp, const Shard& shard);

/// The attention kernels' head size that holds `head_dim` values, or 0.
int kernel_head_dim(int head_dim);
inline int as_int(std::int64_t n) { return static_cast<int>(n); }
inline int rounded_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

}  // namespace assay::runners
