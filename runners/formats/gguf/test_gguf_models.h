#pragma once
// For tests alone: GGUF metadata of published models, and two tiny models with all their tensors.
// Source of the numbers: as for test_configs.h; the keys and R1's values as a log in unslothai/unsloth#1591 lists them.

#include <string>

#include "runners/formats/gguf/test_gguf.h"

namespace assay::runners {

/// SmolLM2-135M, as its file says: no key_length, no head but the embedding.
inline TestGguf smollm2_gguf() {
  TestGguf file;
  file.metadata = {
      {"general.architecture", gguf_text("llama")},
      {"llama.vocab_size", gguf_u32(49152)},
      {"llama.context_length", gguf_u32(8192)},
      {"llama.embedding_length", gguf_u32(576)},
      {"llama.block_count", gguf_u32(30)},
      {"llama.feed_forward_length", gguf_u32(1536)},
      {"llama.attention.head_count", gguf_u32(9)},
      {"llama.attention.head_count_kv", gguf_u32(3)},
      {"llama.attention.layer_norm_rms_epsilon", gguf_f32(1e-5f)},
      {"llama.rope.dimension_count", gguf_u32(64)},
      {"llama.rope.freq_base", gguf_f32(100000)},
      {"tokenizer.ggml.bos_token_id", gguf_u32(1)},
      {"tokenizer.ggml.eos_token_id", gguf_u32(2)},
  };
  return file;
}

/// Qwen3-30B-A3B.
inline TestGguf qwen3_moe_gguf() {
  TestGguf file;
  file.metadata = {
      {"general.architecture", gguf_text("qwen3moe")},
      {"qwen3moe.vocab_size", gguf_u32(151936)},
      {"qwen3moe.context_length", gguf_u32(40960)},
      {"qwen3moe.embedding_length", gguf_u32(2048)},
      {"qwen3moe.block_count", gguf_u32(48)},
      {"qwen3moe.feed_forward_length", gguf_u32(6144)},
      {"qwen3moe.attention.head_count", gguf_u32(32)},
      {"qwen3moe.attention.head_count_kv", gguf_u32(4)},
      {"qwen3moe.attention.key_length", gguf_u32(128)},
      {"qwen3moe.attention.value_length", gguf_u32(128)},
      {"qwen3moe.attention.layer_norm_rms_epsilon", gguf_f32(1e-6f)},
      {"qwen3moe.rope.freq_base", gguf_f32(1e6f)},
      {"qwen3moe.expert_count", gguf_u32(128)},
      {"qwen3moe.expert_used_count", gguf_u32(8)},
      {"qwen3moe.expert_feed_forward_length", gguf_u32(768)},
  };
  return file;
}

/// DeepSeek-R1 as the converters of February 2025 wrote it, without group counts.
inline TestGguf deepseek_r1_gguf() {
  TestGguf file;
  file.metadata = {
      {"general.architecture", gguf_text("deepseek2")},
      {"deepseek2.vocab_size", gguf_u32(129280)},
      {"deepseek2.context_length", gguf_u32(163840)},
      {"deepseek2.embedding_length", gguf_u32(7168)},
      {"deepseek2.block_count", gguf_u32(61)},
      {"deepseek2.feed_forward_length", gguf_u32(18432)},
      {"deepseek2.attention.head_count", gguf_u32(128)},
      {"deepseek2.attention.head_count_kv", gguf_u32(128)},
      {"deepseek2.attention.key_length", gguf_u32(192)},
      {"deepseek2.attention.value_length", gguf_u32(128)},
      {"deepseek2.attention.q_lora_rank", gguf_u32(1536)},
      {"deepseek2.attention.kv_lora_rank", gguf_u32(512)},
      {"deepseek2.attention.layer_norm_rms_epsilon", gguf_f32(1e-6f)},
      {"deepseek2.rope.dimension_count", gguf_u32(64)},
      {"deepseek2.rope.freq_base", gguf_f32(10000)},
      {"deepseek2.rope.scaling.type", gguf_text("yarn")},
      {"deepseek2.rope.scaling.factor", gguf_f32(40)},
      {"deepseek2.rope.scaling.original_context_length", gguf_u32(4096)},
      {"deepseek2.rope.scaling.yarn_log_multiplier", gguf_f32(0.1f)},
      {"deepseek2.leading_dense_block_count", gguf_u32(3)},
      {"deepseek2.expert_feed_forward_length", gguf_u32(2048)},
      {"deepseek2.expert_count", gguf_u32(256)},
      {"deepseek2.expert_used_count", gguf_u32(8)},
      {"deepseek2.expert_shared_count", gguf_u32(1)},
      {"deepseek2.expert_weights_scale", gguf_f32(2.5f)},
      {"deepseek2.expert_weights_norm", gguf_bool(true)},
      {"deepseek2.expert_gating_func", gguf_u32(2)},
      {"tokenizer.ggml.bos_token_id", gguf_u32(0)},
      {"tokenizer.ggml.eos_token_id", gguf_u32(1)},
  };
  return file;
}

inline TestTensor f32_tensor(const std::string& name, const std::vector<std::uint64_t>& dims) {
  std::uint64_t n = 1;
  for (const std::uint64_t extent : dims) n *= extent;
  return {name, dims, 0, std::string(4 * n, '\0')};
}

/// A Q8_0 tensor with n_out rows of one block; the value of row r is r at every place.
inline TestTensor numbered_rows(const std::string& name, int n_out) {
  TestTensor tensor{name, {32, static_cast<std::uint64_t>(n_out)}, 8, ""};
  for (int row = 0; row < n_out; ++row) {
    tensor.data += raw(std::uint16_t{0x3C00}) + std::string(32, static_cast<char>(row));  // 0x3C00 is 1
  }
  return tensor;
}

/// A llama of one layer: width 32, 4 query heads and 2 key heads of width 8, tied head, Q8_0.
inline TestGguf tiny_llama_gguf() {
  TestGguf file = smollm2_gguf();
  file.set("llama.vocab_size", gguf_u32(5));
  file.set("llama.embedding_length", gguf_u32(32));
  file.set("llama.block_count", gguf_u32(1));
  file.set("llama.feed_forward_length", gguf_u32(32));
  file.set("llama.attention.head_count", gguf_u32(4));
  file.set("llama.attention.head_count_kv", gguf_u32(2));
  file.set("llama.rope.dimension_count", gguf_u32(8));
  file.tensors = {numbered_rows("token_embd.weight", 5),     f32_tensor("blk.0.attn_norm.weight", {32}),
                  numbered_rows("blk.0.attn_q.weight", 32),  numbered_rows("blk.0.attn_k.weight", 16),
                  numbered_rows("blk.0.attn_v.weight", 16),  numbered_rows("blk.0.attn_output.weight", 32),
                  f32_tensor("blk.0.ffn_norm.weight", {32}), numbered_rows("blk.0.ffn_gate.weight", 32),
                  numbered_rows("blk.0.ffn_up.weight", 32),  numbered_rows("blk.0.ffn_down.weight", 32),
                  f32_tensor("output_norm.weight", {32})};
  return file;
}

/// DeepSeek-V3 in small: two layers, the second with four experts in two groups; all F32.
inline TestGguf tiny_deepseek_gguf() {
  TestGguf file = deepseek_r1_gguf();
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::uint32_t>>{{"vocab_size", 6},
                                                                                      {"embedding_length", 8},
                                                                                      {"block_count", 2},
                                                                                      {"feed_forward_length", 12},
                                                                                      {"attention.head_count", 2},
                                                                                      {"attention.head_count_kv", 2},
                                                                                      {"attention.key_length", 6},
                                                                                      {"attention.value_length", 4},
                                                                                      {"attention.q_lora_rank", 4},
                                                                                      {"attention.kv_lora_rank", 3},
                                                                                      {"rope.dimension_count", 2},
                                                                                      {"leading_dense_block_count", 1},
                                                                                      {"expert_feed_forward_length", 5},
                                                                                      {"expert_count", 4},
                                                                                      {"expert_used_count", 2},
                                                                                      {"expert_group_count", 2},
                                                                                      {"expert_group_used_count", 1}}) {
    file.set("deepseek2." + name, gguf_u32(value));
  }
  file.tensors = {f32_tensor("token_embd.weight", {8, 6}), f32_tensor("output.weight", {8, 6}),
                  f32_tensor("output_norm.weight", {8})};
  for (const std::string layer : {"blk.0.", "blk.1."}) {
    for (const TestTensor& tensor : {f32_tensor("attn_norm.weight", {8}), f32_tensor("attn_q_a.weight", {8, 4}),
                                     f32_tensor("attn_q_a_norm.weight", {4}), f32_tensor("attn_q_b.weight", {4, 12}),
                                     f32_tensor("attn_kv_a_mqa.weight", {8, 5}),
                                     f32_tensor("attn_kv_a_norm.weight", {3}), f32_tensor("attn_kv_b.weight", {3, 16}),
                                     f32_tensor("attn_output.weight", {8, 8}), f32_tensor("ffn_norm.weight", {8})}) {
      file.tensors.push_back(tensor);
      file.tensors.back().name = layer + tensor.name;
    }
  }
  for (const TestTensor& tensor :
       {f32_tensor("blk.0.ffn_gate.weight", {8, 12}), f32_tensor("blk.0.ffn_up.weight", {8, 12}),
        f32_tensor("blk.0.ffn_down.weight", {12, 8}), f32_tensor("blk.1.ffn_gate_inp.weight", {8, 4}),
        f32_tensor("blk.1.exp_probs_b.bias", {4}), f32_tensor("blk.1.ffn_gate_exps.weight", {8, 5, 4}),
        f32_tensor("blk.1.ffn_up_exps.weight", {8, 5, 4}), f32_tensor("blk.1.ffn_down_exps.weight", {5, 8, 4}),
        f32_tensor("blk.1.ffn_gate_shexp.weight", {8, 5}), f32_tensor("blk.1.ffn_up_shexp.weight", {8, 5}),
        f32_tensor("blk.1.ffn_down_shexp.weight", {5, 8})}) {
    file.tensors.push_back(tensor);
  }
  return file;
}

/// A value of every kind and a tensor of every block size.
inline TestGguf every_kind_gguf() {
  TestGguf file;
  file.metadata = {{"general.architecture", gguf_text("llama")},
                   {"u", gguf_u32(7)},
                   {"w", gguf_u64(7)},
                   {"f", gguf_f32(0.5f)},
                   {"b", gguf_bool(true)},
                   {"s", gguf_texts({"one", "two"})},
                   {"i", gguf_numbers<std::int16_t>(3, {1, 2})},
                   {"x", gguf_numbers<float>(6, {1, 2})}};
  file.tensors = {
      {"a", {2, 1}, 0, "01234567"}, {"q", {32}, 8, std::string(34, 'q')}, {"k", {256}, 14, std::string(210, 'k')}};
  return file;
}

}  // namespace assay::runners
