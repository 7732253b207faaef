#include "runners/formats/gguf/hub_tensors.h"

#include <array>
#include <optional>

#include "harness/base/text.h"
#include "runners/formats/gguf/gguf_config.h"

namespace assay::runners {

namespace {

struct NamePair {
  std::string_view gguf;
  std::string_view hub;
};

constexpr std::array<NamePair, 3> kModelNames = {{
    {"token_embd.weight", "model.embed_tokens.weight"},
    {"output_norm.weight", "model.norm.weight"},
    {"output.weight", "lm_head.weight"},
}};

/// Behind "blk.N." and "model.layers.N."; ".weight" or ".bias" follows.
constexpr std::array<NamePair, 21> kLayerNames = {{
    {"attn_norm", "input_layernorm"},
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"attn_q_a", "self_attn.q_a_proj"},
    {"attn_q_a_norm", "self_attn.q_a_layernorm"},
    {"attn_q_b", "self_attn.q_b_proj"},
    {"attn_kv_a_mqa", "self_attn.kv_a_proj_with_mqa"},
    {"attn_kv_a_norm", "self_attn.kv_a_layernorm"},
    {"attn_kv_b", "self_attn.kv_b_proj"},
    {"ffn_norm", "post_attention_layernorm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
    {"ffn_gate_inp", "mlp.gate"},
    {"ffn_gate_shexp", "mlp.shared_experts.gate_proj"},
    {"ffn_up_shexp", "mlp.shared_experts.up_proj"},
    {"ffn_down_shexp", "mlp.shared_experts.down_proj"},
}};

/// Tensors of all experts: "mlp.experts.E." comes before the hub's name.
constexpr std::array<NamePair, 3> kExpertNames = {{
    {"ffn_gate_exps", "gate_proj"},
    {"ffn_up_exps", "up_proj"},
    {"ffn_down_exps", "down_proj"},
}};

constexpr std::int64_t kMaxExperts = 4096;  // as in config.json; bounds the number of views

template <std::size_t n>
std::optional<std::string> hub_name(const std::array<NamePair, n>& names, std::string_view gguf) {
  for (const NamePair& pair : names) {
    if (pair.gguf == gguf) return std::string(pair.hub);
  }
  return std::nullopt;
}

/// "blk.3.attn_q.weight" in pieces.
struct LayerName {
  std::string_view layer;  ///< "3"
  std::string_view stem;   ///< "attn_q"
  std::string_view kind;   ///< ".weight"
};

std::optional<LayerName> parse_layer_name(std::string_view name) {
  constexpr std::string_view kBlock = "blk.";
  if (!name.starts_with(kBlock)) return std::nullopt;
  name.remove_prefix(kBlock.size());
  const std::size_t stem = name.find('.'), kind = name.rfind('.');
  if (stem == std::string_view::npos || stem == kind) return std::nullopt;
  const auto layer = parse_integer(name.substr(0, stem));
  if (!layer || *layer < 0 || to_text(*layer) != name.substr(0, stem)) return std::nullopt;
  return LayerName{name.substr(0, stem), name.substr(stem + 1, kind - stem - 1), name.substr(kind)};
}

class HubNames {
 public:
  HubNames(std::string_view where, std::int64_t interleaved_head_dim)
      : where_(where), interleaved_head_dim_(interleaved_head_dim) {}

  Result<> append(const TensorView& tensor) {
    if (tensor.name == "rope_freqs.weight") return {};
    if (const auto name = hub_name(kModelNames, tensor.name)) {
      append_renamed(tensor, *name);
      return {};
    }
    const auto parts = parse_layer_name(tensor.name);
    if (!parts) return unknown(tensor);
    const std::string prefix = "model.layers." + std::string(parts->layer) + ".";
    if (parts->stem == "exp_probs_b" && parts->kind == ".bias") {
      append_renamed(tensor, prefix + "mlp.gate.e_score_correction_bias");
      return {};
    }
    if (parts->kind != ".weight" && parts->kind != ".bias") return unknown(tensor);
    const std::string kind(parts->kind);
    if (parts->stem == "attn_k_b" || parts->stem == "attn_v_b") {
      return append_heads(tensor, prefix + "self_attn." + (parts->stem == "attn_k_b" ? "k_b_proj" : "v_b_proj") + kind);
    }
    if (const auto name = hub_name(kExpertNames, parts->stem)) {
      return append_experts(tensor, prefix + "mlp.experts.", "." + *name + kind);
    }
    const auto name = hub_name(kLayerNames, parts->stem);
    if (!name) return unknown(tensor);
    append_renamed(tensor, prefix + *name + kind);
    const bool interleaved = parts->stem == "attn_q" || parts->stem == "attn_k";
    return interleaved && interleaved_head_dim_ != 0 ? mark_interleaved(tensor) : Result<>{};
  }

  std::vector<TensorView> take() { return std::move(tensors_); }

 private:
  template <class... Parts>
  Error fail(const TensorView& tensor, const Parts&... parts) const {
    return bad_input(where_, ": tensor ", quoted_excerpt(tensor.name, 120), " ", parts...);
  }
  Error unknown(const TensorView& tensor) const { return fail(tensor, "has a name that is not known here"); }

  void append_renamed(const TensorView& tensor, std::string name) {
    tensors_.push_back(tensor);
    tensors_.back().name = std::move(name);
  }

  Result<> append_experts(const TensorView& tensor, const std::string& prefix, const std::string& suffix) {
    if (tensor.shape.size() != 3 || tensor.shape[0] > kMaxExperts) {
      return fail(tensor, "has shape ", shape_text(tensor.shape), ", must be [experts, out, in] with at most ",
                  kMaxExperts, " experts");
    }
    const auto n_experts = static_cast<std::size_t>(tensor.shape[0]);
    const std::size_t size_bytes = tensor.bytes.size() / n_experts;  // rows are whole blocks, so experts are too
    for (std::size_t e = 0; e < n_experts; ++e) {
      tensors_.push_back({prefix + std::to_string(e) + suffix,
                          tensor.dtype,
                          {tensor.shape[1], tensor.shape[2]},
                          tensor.bytes.subspan(e * size_bytes, size_bytes)});
    }
    return {};
  }

  /// A matrix for each head: all below each other.
  Result<> append_heads(const TensorView& tensor, std::string name) {
    if (tensor.shape.size() != 3) {
      return fail(tensor, "has shape ", shape_text(tensor.shape), ", must be [heads, out, in]");
    }
    append_renamed(tensor, std::move(name));
    tensors_.back().shape = {tensor.shape[0] * tensor.shape[1], tensor.shape[2]};
    return {};
  }

  /// Of the tensor appended last.
  Result<> mark_interleaved(const TensorView& tensor) {
    if (tensor.shape[0] % interleaved_head_dim_ != 0) {
      return fail(tensor, "has ", tensor.shape[0], " rows, must be a multiple of the width of a head, ",
                  interleaved_head_dim_);
    }
    if (tensor.shape.size() == 1 && is_quantized(tensor.dtype)) {
      return fail(tensor, "has type ", name(tensor.dtype), ", must be F32, F16 or BF16");
    }
    tensors_.back().interleaved_head_dim = interleaved_head_dim_;
    return {};
  }

  std::string_view where_;
  std::int64_t interleaved_head_dim_;
  std::vector<TensorView> tensors_;
};

/// The width of a head where rows are interleaved, 0 where they are not.
Result<std::int64_t> read_interleaved_head_dim(const GgufMetadata& metadata) {
  ASSAY_ASSIGN(const std::string_view architecture, metadata.string("general.architecture"));
  if (architecture != "llama") return std::int64_t{0};
  ASSAY_ASSIGN(const std::int64_t head_dim, gguf_head_dim(metadata));
  if (head_dim >= 2 && head_dim % 2 == 0) return head_dim;
  return bad_input(metadata.where(), ": the width of a head is ", head_dim, ", must be even and at least 2");
}

/// True for the parts of kv_b_proj in a file that also holds the whole, as some converters wrote it.
bool is_part_of_stored_whole(const GgufFiles& files, std::string_view name) {
  const auto parts = parse_layer_name(name);
  if (!parts || (parts->stem != "attn_k_b" && parts->stem != "attn_v_b")) return false;
  return files.find("blk." + std::string(parts->layer) + ".attn_kv_b" + std::string(parts->kind)) != nullptr;
}

}  // namespace

Result<std::vector<TensorView>> hub_tensors(const GgufFiles& files) {
  ASSAY_ASSIGN(const std::int64_t interleaved_head_dim, read_interleaved_head_dim(files.metadata()));
  HubNames names(files.metadata().where(), interleaved_head_dim);
  for (const auto& [name, tensor] : files.tensors()) {
    if (!is_part_of_stored_whole(files, name)) ASSAY_TRY(names.append(*tensor));
  }
  return names.take();
}

}  // namespace assay::runners
