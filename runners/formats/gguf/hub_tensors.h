#pragma once
// The tensors of GGUF files under the names that the same tensors have in the hub's checkpoints.
// Source: ggml-org/llama.cpp, gguf-py/gguf/constants.py (TENSOR_NAMES) and convert_hf_to_gguf.py.

#include <vector>

#include "harness/base/result.h"
#include "runners/formats/gguf/gguf_files.h"

namespace assay::runners {

/// "blk.3.attn_q.weight" becomes "model.layers.3.self_attn.q_proj.weight", and so on; a tensor of all experts
/// ([experts, out, in]) becomes a view for each. For architecture llama the rows of q_proj and k_proj are marked by
/// interleaved_head_dim. rope_freqs.weight is left out: read_gguf_config reads it. The bytes stay where they are.
/// Error{bad_input}: a name that is not known (by name); attn_k_b and attn_v_b, which newer files of deepseek2 have in
/// place of attn_kv_b; expert tensors without three dimensions or with more than 4096 experts; rows of q_proj or k_proj
/// that are no whole heads.
Result<std::vector<TensorView>> hub_tensors(const GgufFiles& files);

}  // namespace assay::runners
