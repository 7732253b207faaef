#pragma once
// Which tensors a configuration calls for, by their names in the published checkpoints.
// Sources: deepseek-ai/DeepSeek-V3 README_WEIGHTS.md and inference/convert.py; huggingface/transformers models/llama,
// qwen2, qwen3, qwen3_moe.

#include <cstdint>
#include <string>
#include <vector>

#include "runners/formats/model_config.h"

namespace assay::runners {

enum class Presence {
  required,
  with_mtp,  ///< all of these or none: a checkpoint may leave the MTP layer out
  optional,  ///< copies that are never read: a tied head, the MTP layer's embedding and head
};

struct ExpectedTensor {
  std::string name;
  std::vector<std::int64_t> shape;  ///< [out, in] for matrices
  Presence presence = Presence::required;
  bool may_be_fp8 = false;  ///< a projection: may be F8_E4M3 with its block scales beside it

  std::int64_t n_elements() const;
};

/// The forms in which kv_b_proj of latent attention is stored.
enum class KvB {
  whole,
  split,  ///< k_b_proj [heads·kv_lora_rank, nope], each head transposed, and v_b_proj [heads·v, kv_lora_rank]; GGUF
          ///< only
};

/// Every tensor without block scales, each name once. Order: embedding, layers, final norm, head, MTP layer.
std::vector<ExpectedTensor> expected_tensors(const ModelConfig& config, KvB kv_b = KvB::whole);

/// The name of an FP8 weight's block scales: "X.weight_scale_inv" for "X.weight".
std::string scale_name(const std::string& weight_name);

}  // namespace assay::runners
