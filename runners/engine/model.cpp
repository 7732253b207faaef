#include "runners/engine/model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "harness/base/assert.h"
#include "kernels/threads/thread_pool.h"
#include "runners/engine/dummy_weights.h"
#include "runners/engine/host.h"
#include "runners/formats/expected_tensors.h"
#include "runners/formats/validate_checkpoint.h"

namespace assay::runners {

namespace {

using kernels::WeightType;

/// Reads the tensors of a checkpoint that validate_checkpoint has passed: each one exists with its shape.
class WeightReader {
 public:
  WeightReader(Model& model, int n_threads, const LoadProgress& on_progress)
      : model_(model), n_threads_(n_threads), on_progress_(on_progress) {}

  WeightMatrix matrix(const std::string& name) {
    const TensorView& tensor = find(name);
    count(tensor);
    if (is_quantized(tensor.dtype)) return repacked(tensor);
    const WeightType type = weight_type(tensor.dtype);
    WeightMatrix w{in_place_or_copied(tensor), type, static_cast<int>(tensor.shape[0]),
                   static_cast<int>(tensor.shape[1]), nullptr};
    if (type == WeightType::f8_e4m3) {
      w.block_scales = static_cast<const float*>(in_place_or_copied(find(scale_name(name))));
    }
    return w;
  }

  std::vector<float> vector(const std::string& name) {
    count(find(name));
    Result<std::vector<float>> values = read_floats(find(name));
    ASSAY_ASSERT(values.has_value(), "validate_checkpoint admits floating-point tensors only");
    return std::move(*values);
  }

  /// A matrix of values that were computed at load.
  WeightMatrix made(std::span<const float> values, int n_out, int n_in) {
    return {copied(std::as_bytes(values)), WeightType::f32, n_out, n_in, nullptr};
  }

  bool has(const std::string& name) const { return model_.checkpoint.find(name) != nullptr; }

 private:
  const TensorView& find(const std::string& name) const {
    const TensorView* tensor = model_.checkpoint.find(name);
    ASSAY_ASSERT(tensor != nullptr, "validate_checkpoint found every tensor");
    return *tensor;
  }

  /// A tensor is taken up: those before it are done.
  void count(const TensorView& tensor) {
    if (on_progress_) on_progress_({"load", done_bytes_, model_.checkpoint.total_bytes()});
    done_bytes_ += tensor.bytes.size();
  }

  /// The tensor's bytes, copied if the file has them at an address that its elements can't be read from, or its rows in
  /// another order.
  const void* in_place_or_copied(const TensorView& tensor) {
    const auto alignment = static_cast<std::size_t>(bits(tensor.dtype) / 8);
    const bool is_aligned = reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignment == 0;
    if (is_aligned && tensor.interleaved_head_dim == 0) return tensor.bytes.data();
    return copied(ordered_bytes(tensor));
  }

  /// A copy that lives as long as the model.
  const void* copied(std::span<const std::byte> bytes) {
    auto copy = std::make_unique<std::byte[]>(bytes.size());
    std::memcpy(copy.get(), bytes.data(), bytes.size());
    model_.copies.push_back(std::move(copy));
    return model_.copies.back().get();
  }

  WeightMatrix repacked(const TensorView& tensor) {
    const WeightType type = weight_type(tensor.dtype);
    const auto n_out = tensor.shape[0], n_in = tensor.shape[1];
    const std::size_t row_bytes = kernels::file_row_bytes(type, static_cast<int>(n_in));
    std::vector<const std::byte*> rows;
    for (std::int64_t row = 0; row < n_out; ++row) {
      rows.push_back(tensor.bytes.data() + static_cast<std::size_t>(stored_row(tensor, row)) * row_bytes);
    }
    if (!pool_) pool_.emplace(n_threads_);
    model_.repacked.push_back(kernels::repack(*pool_, type, static_cast<int>(n_in), rows));
    return model_.repacked.back().matrix();
  }

  Model& model_;
  int n_threads_;
  const LoadProgress& on_progress_;
  std::uint64_t done_bytes_ = 0;
  std::optional<kernels::ThreadPool> pool_;  // made where there is something to repack
};

FfnWeights read_ffn(WeightReader& read, const std::string& prefix) {
  return {read.matrix(prefix + "gate_proj.weight"), read.matrix(prefix + "up_proj.weight"),
          read.matrix(prefix + "down_proj.weight")};
}

MoeWeights read_moe(WeightReader& read, const ModelConfig& config, const std::string& prefix) {
  MoeWeights moe;
  moe.router = read.matrix(prefix + "gate.weight");
  if (read.has(prefix + "gate.e_score_correction_bias")) {
    moe.e_score_correction_bias = read.vector(prefix + "gate.e_score_correction_bias");
  }
  for (std::int64_t e = 0; e < config.n_routed_experts; ++e) {
    moe.experts.push_back(read_ffn(read, prefix + "experts." + std::to_string(e) + "."));
  }
  if (config.n_shared_experts > 0) moe.shared_experts = read_ffn(read, prefix + "shared_experts.");
  return moe;
}

/// Splits kv_b_proj per head into the map from latents to keys, transposed, and the map from latents to values.
void split_kv_b(const ModelConfig& config, MlaWeights& mla) {
  const auto heads = static_cast<int>(config.num_attention_heads), nope = static_cast<int>(config.qk_nope_head_dim),
             v = static_cast<int>(config.v_head_dim), latent = static_cast<int>(config.kv_lora_rank);
  mla.key_map.resize(static_cast<std::size_t>(heads) * static_cast<std::size_t>(latent * nope));
  mla.value_map.resize(static_cast<std::size_t>(heads) * static_cast<std::size_t>(v * latent));
  for (int h = 0; h < heads; ++h) {
    float* key = mla.key_map.data() + static_cast<std::ptrdiff_t>(h) * latent * nope;
    float* value = mla.value_map.data() + static_cast<std::ptrdiff_t>(h) * v * latent;
    const int first = h * (nope + v);
    for (int i = 0; i < nope; ++i) {
      for (int j = 0; j < latent; ++j) key[j * nope + i] = weight_at(mla.kv_b_proj, first + i, j);
    }
    for (int i = 0; i < v; ++i) {
      for (int j = 0; j < latent; ++j) value[i * latent + j] = weight_at(mla.kv_b_proj, first + nope + i, j);
    }
  }
}

/// kv_b_proj from its parts, in float32: k_b_proj is transposed, so its blocks can't stay as they are.
WeightMatrix join_kv_b(WeightReader& read, const ModelConfig& config, const std::string& prefix) {
  const auto heads = static_cast<std::size_t>(config.num_attention_heads),
             nope = static_cast<std::size_t>(config.qk_nope_head_dim), v = static_cast<std::size_t>(config.v_head_dim),
             latent = static_cast<std::size_t>(config.kv_lora_rank);
  const std::vector<float> k_b = read.vector(prefix + "k_b_proj.weight");  // [heads][latent, nope]
  const std::vector<float> v_b = read.vector(prefix + "v_b_proj.weight");  // [heads][v, latent]
  std::vector<float> joined(heads * (nope + v) * latent);
  for (std::size_t h = 0; h < heads; ++h) {
    float* out = joined.data() + h * (nope + v) * latent;
    for (std::size_t i = 0; i < nope; ++i) {
      for (std::size_t j = 0; j < latent; ++j) out[i * latent + j] = k_b[(h * latent + j) * nope + i];
    }
    std::copy_n(v_b.data() + h * v * latent, v * latent, out + nope * latent);
  }
  return read.made(joined, static_cast<int>(heads * (nope + v)), static_cast<int>(latent));
}

MlaWeights read_mla(WeightReader& read, const ModelConfig& config, const std::string& prefix) {
  MlaWeights mla;
  if (config.q_lora_rank) {
    mla.query = CompressedQuery{read.matrix(prefix + "q_a_proj.weight"), read.vector(prefix + "q_a_layernorm.weight"),
                                read.matrix(prefix + "q_b_proj.weight")};
  } else {
    mla.query = PlainQuery{read.matrix(prefix + "q_proj.weight")};
  }
  mla.kv_a_proj_with_mqa = read.matrix(prefix + "kv_a_proj_with_mqa.weight");
  mla.kv_a_layernorm = read.vector(prefix + "kv_a_layernorm.weight");
  if (read.has(prefix + "k_b_proj.weight")) {
    mla.kv_b_proj = join_kv_b(read, config, prefix);
  } else {
    mla.kv_b_proj = read.matrix(prefix + "kv_b_proj.weight");
  }
  mla.o_proj = read.matrix(prefix + "o_proj.weight");
  split_kv_b(config, mla);
  return mla;
}

GqaWeights read_gqa(WeightReader& read, const ModelConfig& config, const std::string& prefix) {
  GqaWeights gqa;
  gqa.q_proj = read.matrix(prefix + "q_proj.weight");
  gqa.k_proj = read.matrix(prefix + "k_proj.weight");
  gqa.v_proj = read.matrix(prefix + "v_proj.weight");
  gqa.o_proj = read.matrix(prefix + "o_proj.weight");
  if (config.qkv_bias) {
    gqa.q_bias = read.vector(prefix + "q_proj.bias");
    gqa.k_bias = read.vector(prefix + "k_proj.bias");
    gqa.v_bias = read.vector(prefix + "v_proj.bias");
  }
  if (config.qk_norm) {
    gqa.q_norm = read.vector(prefix + "q_norm.weight");
    gqa.k_norm = read.vector(prefix + "k_norm.weight");
  }
  return gqa;
}

LayerWeights read_layer(WeightReader& read, const ModelConfig& config, std::size_t index, FeedForward kind) {
  const std::string prefix = "model.layers." + std::to_string(index) + ".";
  LayerWeights layer;
  layer.input_layernorm = read.vector(prefix + "input_layernorm.weight");
  layer.post_attention_layernorm = read.vector(prefix + "post_attention_layernorm.weight");
  if (config.attention == Attention::mla) {
    layer.attention = read_mla(read, config, prefix + "self_attn.");
  } else {
    layer.attention = read_gqa(read, config, prefix + "self_attn.");
  }
  if (kind == FeedForward::moe) {
    layer.ffn = read_moe(read, config, prefix + "mlp.");
  } else {
    layer.ffn = read_ffn(read, prefix + "mlp.");
  }
  return layer;
}

kernels::RopeScaling rope_scaling(const ModelConfig& config) {
  if (const auto* yarn = std::get_if<Yarn>(&config.rope_scaling)) {
    return kernels::YarnScaling{yarn->factor,    static_cast<int>(yarn->original_max_position_embeddings),
                                yarn->beta_fast, yarn->beta_slow,
                                yarn->mscale,    yarn->mscale_all_dim};
  }
  if (const auto* llama = std::get_if<Llama3Rope>(&config.rope_scaling)) {
    return kernels::Llama3Scaling{llama->factor, llama->low_freq_factor, llama->high_freq_factor,
                                  static_cast<int>(llama->original_max_position_embeddings)};
  }
  if (const auto* linear = std::get_if<LinearRope>(&config.rope_scaling)) return kernels::LinearScaling{linear->factor};
  if (const auto* factors = std::get_if<RopeFactors>(&config.rope_scaling)) {
    return kernels::DivisorScaling{factors->divisors};
  }
  return {};
}

/// Rotated dimensions, frequencies and factors of the rotary embedding.
void set_rope(const ModelConfig& config, Model& model) {
  const bool is_mla = config.attention == Attention::mla;
  const auto n_dims = static_cast<int>(is_mla ? config.qk_rope_head_dim : config.head_dim);
  const kernels::RopeScaling scaling = rope_scaling(config);
  model.rope_frequencies = kernels::rope_frequencies(n_dims, config.rope_theta, scaling);
  const Yarn* yarn = config.yarn();
  model.rope_magnitude =
      yarn != nullptr && yarn->attention_factor ? *yarn->attention_factor : kernels::rope_magnitude(scaling);
  model.attention_scale = static_cast<float>(kernels::attention_scale(static_cast<int>(config.qk_head_dim()), scaling));
}

kernels::RoutingMethod routing_method(TopkMethod method) {
  switch (method) {
    case TopkMethod::greedy:
      return kernels::RoutingMethod::greedy;
    case TopkMethod::group_limited_greedy:
      return kernels::RoutingMethod::group_limited_greedy;
    case TopkMethod::noaux_tc:
      return kernels::RoutingMethod::noaux_tc;
  }
  ASSAY_ASSERT(false, "every routing method is handled above");
}

/// What this engine can't run, by name.
Result<> check_supported(const ModelConfig& config, const std::string& where) {
  const bool scaled = !std::holds_alternative<NoRopeScaling>(config.rope_scaling);
  if (config.attention == Attention::mla && scaled && config.yarn() == nullptr)
    return bad_input(where, ": rope_scaling of latent attention must be \"yarn\"");
  if (config.quantization_config &&
      config.quantization_config->weight_block_size != std::array<std::int64_t, 2>{128, 128}) {
    return bad_input(where, ": weight_block_size must be [128, 128]");
  }
  return {};
}

Result<Checkpoint> open_weights(const ModelConfig& config, const std::filesystem::path& path,
                                const LoadOptions& options, int n_threads) {
  if (options.weights == WeightSource::files) return Checkpoint::open(path);
  return dummy_checkpoint(config, path, n_threads, options.on_progress, options.dummy_types);
}

}  // namespace

WeightType weight_type(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return WeightType::f32;
    case DType::f16:
      return WeightType::f16;
    case DType::bf16:
      return WeightType::bf16;
    case DType::f8_e4m3:
      return WeightType::f8_e4m3;
    case DType::q8_0:
      return WeightType::q8_0;
    case DType::q4_0:
      return WeightType::q4_0;
    case DType::q4_1:
      return WeightType::q4_1;
    case DType::q5_0:
      return WeightType::q5_0;
    case DType::q5_1:
      return WeightType::q5_1;
    case DType::q4_k:
      return WeightType::q4_k;
    case DType::q5_k:
      return WeightType::q5_k;
    case DType::q6_k:
      return WeightType::q6_k;
    default:
      break;
  }
  ASSAY_ASSERT(false, "validate_checkpoint lets no other type pass");
}

int Model::cache_row_width() const {
  if (config.attention == Attention::mla) return static_cast<int>(config.kv_lora_rank + config.qk_rope_head_dim);
  return static_cast<int>(2 * config.num_key_value_heads * config.head_dim);
}

kernels::RouterArgs Model::router_args(const MoeWeights& moe) const {
  return {routing_method(config.topk_method),
          config.scoring_func == ScoringFunc::sigmoid ? kernels::ScoringFunction::sigmoid
                                                      : kernels::ScoringFunction::softmax,
          static_cast<int>(config.n_routed_experts),
          static_cast<int>(config.num_experts_per_tok),
          static_cast<int>(config.n_group),
          static_cast<int>(config.topk_group),
          config.norm_topk_prob,
          static_cast<float>(config.routed_scaling_factor),
          moe.e_score_correction_bias.empty() ? nullptr : moe.e_score_correction_bias.data()};
}

Result<Model> load_model(const std::filesystem::path& path, const LoadOptions& options) {
  const int n_threads = options.n_threads.value_or(available_processors());
  ASSAY_ASSIGN(ModelConfig config, read_model_config(path));
  ASSAY_TRY(check_supported(config, path.string()));
  ASSAY_ASSIGN(Checkpoint checkpoint, open_weights(config, path, options, n_threads));
  ASSAY_TRY(validate_checkpoint(config, checkpoint, [&](std::uint64_t checked_bytes) {
    if (options.on_progress) options.on_progress({"check", checked_bytes, checkpoint.total_bytes()});
  }));

  Model model{path, std::move(config), std::move(checkpoint), {}, {}, {}, {}, {}, {}, 1, 0, {}, {}};
  const ModelConfig& c = model.config;
  WeightReader read(model, n_threads, options.on_progress);
  model.embed_tokens = read.matrix("model.embed_tokens.weight");
  model.lm_head = c.tie_word_embeddings ? model.embed_tokens : read.matrix("lm_head.weight");
  model.norm = read.vector("model.norm.weight");
  for (std::size_t i = 0; i < static_cast<std::size_t>(c.num_hidden_layers); ++i) {
    model.layers.push_back(read_layer(read, c, i, c.feed_forward[i]));
  }
  const auto mtp_index = static_cast<std::size_t>(c.num_hidden_layers);
  const std::string mtp_prefix = "model.layers." + std::to_string(mtp_index) + ".";
  if (c.num_nextn_predict_layers > 0 && read.has(mtp_prefix + "eh_proj.weight")) {
    MtpWeights mtp;
    mtp.enorm = read.vector(mtp_prefix + "enorm.weight");
    mtp.hnorm = read.vector(mtp_prefix + "hnorm.weight");
    mtp.eh_proj = read.matrix(mtp_prefix + "eh_proj.weight");
    mtp.layer = read_layer(read, c, mtp_index, c.n_routed_experts > 0 ? FeedForward::moe : FeedForward::dense);
    mtp.shared_head_norm = read.vector(mtp_prefix + "shared_head.norm.weight");
    model.mtp = std::move(mtp);
  }

  set_rope(c, model);
  return model;
}

}  // namespace assay::runners
