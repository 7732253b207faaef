#pragma once
// For tests alone: a checkpoint's tensors written as a GGUF file, as converters do it.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runners/formats/checkpoint.h"
#include "runners/formats/gguf/test_gguf.h"
#include "runners/formats/model_config.h"
#include "runners/formats/tensor_view.h"

namespace assay::runners {

/// A hub's tensor name in GGUF's words, or the name as it is.
inline std::string hub_to_gguf(std::string name) {
  const std::pair<std::string, std::string> words[] = {{"model.embed_tokens", "token_embd"},
                                                       {"model.norm", "output_norm"},
                                                       {"lm_head", "output"},
                                                       {"model.layers.", "blk."},
                                                       {"input_layernorm", "attn_norm"},
                                                       {"self_attn.q_proj", "attn_q"},
                                                       {"self_attn.k_proj", "attn_k"},
                                                       {"self_attn.v_proj", "attn_v"},
                                                       {"self_attn.o_proj", "attn_output"},
                                                       {"self_attn.q_a_proj", "attn_q_a"},
                                                       {"self_attn.q_a_layernorm", "attn_q_a_norm"},
                                                       {"self_attn.q_b_proj", "attn_q_b"},
                                                       {"self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"},
                                                       {"self_attn.kv_a_layernorm", "attn_kv_a_norm"},
                                                       {"self_attn.kv_b_proj", "attn_kv_b"},
                                                       {"post_attention_layernorm", "ffn_norm"},
                                                       {"mlp.gate_proj", "ffn_gate"},
                                                       {"mlp.up_proj", "ffn_up"},
                                                       {"mlp.down_proj", "ffn_down"},
                                                       {"mlp.shared_experts.gate_proj", "ffn_gate_shexp"},
                                                       {"mlp.shared_experts.up_proj", "ffn_up_shexp"},
                                                       {"mlp.shared_experts.down_proj", "ffn_down_shexp"},
                                                       {"mlp.gate.e_score_correction_bias", "exp_probs_b.bias"},
                                                       {"mlp.gate.", "ffn_gate_inp."}};
  for (const auto& [hub, gguf] : words) {
    if (const auto at = name.find(hub); at != std::string::npos) name.replace(at, hub.size(), gguf);
  }
  return name;
}

/// A tensor of float32 values; `shape` is row-major.
inline TestTensor f32_values(std::string name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
  TestTensor out{std::move(name), {}, 0, {}};
  for (std::size_t i = shape.size(); i-- > 0;) out.dims.push_back(static_cast<std::uint64_t>(shape[i]));
  out.data.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
  return out;
}

/// The model's file: row half·d/2 + i of a query or key head stands at 2i + half, as converters write llama.
inline TestGguf llama_gguf(const ModelConfig& c, const Checkpoint& checkpoint) {
  TestGguf gguf;
  gguf.set("general.architecture", gguf_text("llama"));
  const auto count = [](std::int64_t n) { return gguf_u32(static_cast<std::uint32_t>(n)); };
  gguf.set("llama.vocab_size", count(c.vocab_size));
  gguf.set("llama.context_length", count(c.max_position_embeddings));
  gguf.set("llama.embedding_length", count(c.hidden_size));
  gguf.set("llama.block_count", count(c.num_hidden_layers));
  gguf.set("llama.feed_forward_length", count(c.intermediate_size));
  gguf.set("llama.attention.head_count", count(c.num_attention_heads));
  gguf.set("llama.attention.head_count_kv", count(c.num_key_value_heads));
  gguf.set("llama.attention.key_length", count(c.head_dim));
  gguf.set("llama.attention.value_length", count(c.head_dim));
  gguf.set("llama.rope.dimension_count", count(c.head_dim));
  gguf.set("llama.rope.freq_base", gguf_f32(static_cast<float>(c.rope_theta)));
  gguf.set("llama.attention.layer_norm_rms_epsilon", gguf_f32(static_cast<float>(c.rms_norm_eps)));
  for (const auto& [name, tensor] : checkpoint.tensors()) {
    const std::vector<float> values = *read_floats(*tensor);
    const std::size_t width = static_cast<std::size_t>(tensor->shape.back()), d = static_cast<std::size_t>(c.head_dim);
    std::vector<float> stored = values;
    if (name.find("q_proj") != std::string::npos || name.find("k_proj") != std::string::npos) {
      for (std::size_t row = 0; row < values.size() / width; ++row) {
        const std::size_t half = row % d / (d / 2), i = row % (d / 2), to = row / d * d + 2 * i + half;
        std::memcpy(stored.data() + to * width, values.data() + row * width, width * sizeof(float));
      }
    }
    gguf.tensors.push_back(f32_values(hub_to_gguf(name), tensor->shape, stored));
  }
  return gguf;
}

/// F32 to Q8_0: 32 values share a half d = largest / 127.
inline void quantize(TestTensor& tensor) {
  std::vector<float> values(tensor.data.size() / sizeof(float));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  tensor.type = 8;
  tensor.data.clear();
  for (std::size_t at = 0; at < values.size(); at += 32) {
    float largest = 0;
    for (std::size_t i = at; i < at + 32; ++i) largest = std::max(largest, std::fabs(values[i]));
    const auto d = static_cast<_Float16>(largest / 127);
    tensor.data += raw(d);
    for (std::size_t i = at; i < at + 32; ++i) {
      const float q = std::nearbyint(values[i] / static_cast<float>(d));
      tensor.data += static_cast<char>(static_cast<std::int8_t>(std::clamp(q, -127.0f, 127.0f)));
    }
  }
}

}  // namespace assay::runners
