#pragma once
// The rows of a pass as the layers on the device see them. All pointers are device memory.

#include <variant>

#include "kernels/attention/decode_attention.cuh"
#include "kernels/attention/mla_decode_attention.cuh"
#include "kernels/attention/mla_gather.cuh"
#include "kernels/attention/prefill_attention.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "runners/engine/executor.h"

namespace assay::runners {

/// Attention's plan of generated positions: grouped-query, and latent.
struct GqaDecodeRows {
  const kernels::DecodeItem* items = nullptr;
  const std::int32_t* first_item = nullptr;  ///< [rows + 1]
};
struct MlaDecodeRows {
  const kernels::MlaDecodeItem* items = nullptr;
  const std::int32_t* first_item = nullptr;  ///< [rows + 1]
  const std::int32_t* pages = nullptr;
};
/// Attention's plan of prompt positions: grouped-query, and latent.
struct GqaPromptRows {
  const kernels::PrefillTile* tiles = nullptr;
  int n_tiles = 0;
  const std::int32_t* pages = nullptr;  ///< of all sequences; a tile's `sequence` is where its own begin
};
struct MlaPromptRows {
  const kernels::PrefillTile* tiles = nullptr;
  int n_tiles = 0;
  const kernels::MlaGatherPage* pages = nullptr;
  int n_pages = 0;
  const std::int32_t* first_key = nullptr;  ///< [sequences]
  int n_keys = 0;                           ///< that the sequences have in the cache, in all
};

/// Where the last product of half a layer goes: onto the residual stream, or into a rank's part of what all ranks add
/// to it.
struct LayerOutput {
  float* y = nullptr;  ///< [rows, hidden]
  bool is_part = false;

  kernels::Epilogue epilogue() const { return is_part ? kernels::Epilogue::store_f32 : kernels::Epilogue::add_f32; }
};

/// Rows of one role. Arrays are [n_rows].
struct PassRows {
  int n_rows = 0;
  const int* ids = nullptr;
  const int* positions = nullptr;
  const int* slots = nullptr;  ///< page · 64 + place in it
  std::variant<GqaDecodeRows, MlaDecodeRows, GqaPromptRows, MlaPromptRows> plan;

  PositionRole role() const {
    const bool is_prompt = std::holds_alternative<GqaPromptRows>(plan) || std::holds_alternative<MlaPromptRows>(plan);
    return is_prompt ? PositionRole::prompt : PositionRole::generated;
  }
};

/// What the buffers of the layers hold at most.
struct ForwardLimits {
  int generated_rows = 0;
  int prompt_rows = 0;
  int prompt_keys = 0;  ///< that the sequences of a pass of prompts have in the cache, in all
  int logits_rows = 0;
  int decode_items = 0;  ///< of decode attention
  int kept_states = 0;   ///< hidden states that are kept for the MTP module; 0: it is not used

  int rows() const { return generated_rows > prompt_rows ? generated_rows : prompt_rows; }
};

}  // namespace assay::runners
