#pragma once
// A GGUF file's metadata as a model's configuration.
// Sources: ggml-org/ggml, docs/gguf.md; ggml-org/llama.cpp, gguf-py/gguf/constants.py, src/llama-model.cpp and
// convert_hf_to_gguf.py; #17945 there for yarn's multiplier.

#include "harness/base/result.h"
#include "runners/formats/gguf/gguf_files.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

/// Reads architectures llama, qwen2, qwen3, qwen3moe and deepseek2. The values are put in config.json's words and go
/// through parse_model_config, so both formats have the same limits; such errors name config.json's field, all others
/// the key. Error{bad_input}: what parse_model_config refuses; a key that is missing, of the wrong type or has an
/// unknown value; numbers per layer that differ; keys for computations that are not done here.
/// Not in the files and known instead: hidden_act (silu); rope.freq_base (10000, as llama.cpp takes it); yarn's
/// beta_fast and beta_slow (32 and 1) and qwen3moe's norm_topk_prob (true) where their keys are missing, as in every
/// published model; and deepseek2's n_group and topk_group where a file was written before they were (by the number of
/// experts; `warnings` says so). tie_word_embeddings is true if there is no output.weight; rope_freqs.weight becomes
/// RopeFactors; eos_token_ids are the ids of eos, eot and eom.
Result<ModelConfig> read_gguf_config(const GgufFiles& files);

/// Width of one attention head, as key_length says or the embedding's share of a head.
Result<std::int64_t> gguf_head_dim(const GgufMetadata& metadata);

}  // namespace assay::runners
