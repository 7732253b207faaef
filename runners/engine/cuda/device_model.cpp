#include "runners/engine/cuda/device_model.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/base/log.h"
#include "kernels/attention/mla_cache.cuh"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/cuda/placement.h"
#include "runners/engine/cuda/weight_upload.h"
#include "runners/engine/host.h"
#include "runners/engine/memory_fit.h"

namespace assay::runners {

namespace {

using kernels::kMlaHead;
using kernels::kMlaLatent;
using kernels::kMlaNope;
using kernels::kMlaRope;
using kernels::kMlaValue;
using kernels::WeightType;

/// Widths of a latent-attention model, and how they fill the kernels'.
struct MlaPlacement {
  int heads, nope, rope, v, latent;
  explicit MlaPlacement(const ModelConfig& c)
      : heads(as_int(c.num_attention_heads)),
        nope(as_int(c.qk_nope_head_dim)),
        rope(as_int(c.qk_rope_head_dim)),
        v(as_int(c.v_head_dim)),
        latent(as_int(c.kv_lora_rank)) {}
  Axis q_heads() const { return repeated(heads, {{nope, kMlaNope}, {rope, kMlaRope}}); }
  Axis kv_row() const { return repeated(1, {{latent, kMlaLatent}, {rope, kMlaRope}}); }
  Axis kv_heads() const { return repeated(heads, {{nope, kMlaNope}, {v, kMlaValue}}); }
  Axis v_heads() const { return repeated(heads, {{v, kMlaValue}}); }
  Axis latents() const { return filled(latent, kMlaLatent); }
};

/// The halves of a head, which rotate together, at the starts of the larger halves.
Axis gqa_heads(int n, int from_dim) {
  const Segment half{from_dim / 2, kernel_head_dim(from_dim) / 2};
  return repeated(n, {half, half});
}

class ModelUpload {
 public:
  ModelUpload(const Model& model, WeightUpload weights, bool with_mtp, const Shard& shard)
      : model_(model),
        mtp_(with_mtp && model.mtp ? &*model.mtp : nullptr),
        config_(model.config),
        weights_(std::move(weights)),
        shard_(shard) {}

  Result<DeviceModel> run() {
    DeviceModel out;
    out.shard = shard_;
    out.sizes = device_sizes(model_, mtp_ != nullptr, shard_);
    out.eps = static_cast<float>(config_.rms_norm_eps);
    out.attention_scale = model_.attention_scale;
    const Axis vocab = filled(out.sizes.vocab, out.sizes.vocab_rows);
    ASSAY_ASSIGN(out.embed_tokens, weights_.kept(model_.embed_tokens, vocab));
    if (model_.lm_head.data != model_.embed_tokens.data || !shard_.is_whole()) {
      ASSAY_ASSIGN(out.lm_head, weights_.kept(model_.lm_head, part_of(vocab, shard_.rank, shard_.n_ranks())));
    }
    weights_.begin_layers();
    ASSAY_ASSIGN(out.norm, weights_.floats(model_.norm));
    for (const LayerWeights& layer : model_.layers) {
      ASSAY_ASSIGN(DeviceLayer made, upload_layer(layer));
      out.layers.push_back(std::move(made));
    }
    if (mtp_ != nullptr) {
      ASSAY_ASSIGN(out.mtp, mtp(*mtp_));
    }
    ASSAY_ASSIGN(out.rope, rope());
    ASSAY_TRY(weights_.finish());
    out.weight_bytes = weights_.done_bytes();
    out.sizes.max_fp8_width = weights_.max_fp8_width();
    out.sizes.max_quantized_elements = weights_.max_quantized_elements();
    return out;
  }

 private:
  /// This rank's heads of an axis of all heads.
  Axis own_heads(const Axis& heads) const {
    return shard_.splits_heads() ? part_of(heads, shard_.rank, shard_.n_ranks()) : heads;
  }

  Result<DeviceLayer> upload_layer(const LayerWeights& layer) {
    DeviceLayer out;
    ASSAY_ASSIGN(out.input_layernorm, weights_.floats(layer.input_layernorm));
    ASSAY_ASSIGN(out.post_attention_layernorm, weights_.floats(layer.post_attention_layernorm));
    if (const auto* w = std::get_if<MlaWeights>(&layer.attention)) {
      ASSAY_ASSIGN(out.attention, mla(*w));
    } else {
      ASSAY_ASSIGN(out.attention, gqa(std::get<GqaWeights>(layer.attention)));
    }
    if (const auto* w = std::get_if<MoeWeights>(&layer.ffn)) {
      ASSAY_ASSIGN(out.ffn, moe(*w));
    } else {
      ASSAY_ASSIGN(out.ffn, ffn(std::get<FfnWeights>(layer.ffn)));
    }
    return out;
  }

  Result<DeviceGqa> gqa(const GqaWeights& w) {
    const int d = as_int(config_.head_dim), filled_d = kernel_head_dim(d);
    const auto heads_of = [&](const WeightMatrix& part) { return own_heads(gqa_heads(part.n_out / d, d)); };
    DeviceGqa out;
    ASSAY_ASSIGN(out.qkv, qkv(w, heads_of));
    if (!w.q_bias.empty()) {
      std::vector<float> bias;
      append_values(w.q_bias, heads_of(w.q_proj), bias);
      append_values(w.k_bias, heads_of(w.k_proj), bias);
      append_values(w.v_bias, heads_of(w.v_proj), bias);
      ASSAY_ASSIGN(out.qkv_bias, weights_.floats(bias));
    }
    if (!w.q_norm.empty()) {
      // The kernel's mean is over the filled head, of which d values count: mean, eps and result are scaled by it.
      const float share = static_cast<float>(d) / static_cast<float>(filled_d);
      out.norm_eps = static_cast<float>(config_.rms_norm_eps) * share;
      for (const auto& [from, to] : {std::pair(&w.q_norm, &out.q_norm), std::pair(&w.k_norm, &out.k_norm)}) {
        std::vector<float> weight;
        append_values(*from, gqa_heads(1, d), weight);
        if (d != filled_d) {
          for (float& value : weight) value *= std::sqrt(share);
        }
        ASSAY_ASSIGN(*to, weights_.floats(weight));
      }
    }
    ASSAY_ASSIGN(out.o_proj,
                 weights_.weight(w.o_proj, whole(w.o_proj.n_out), own_heads(gqa_heads(w.o_proj.n_in / d, d))));
    return out;
  }
  template <class HeadsOf>
  Result<DeviceWeight> qkv(const GqaWeights& w, const HeadsOf& heads_of) {
    const std::vector<const WeightMatrix*> parts{&w.q_proj, &w.k_proj, &w.v_proj};
    const bool all_fp8 =
        w.q_bias.empty() && std::all_of(parts.begin(), parts.end(), [&](const WeightMatrix* part) {
          return weights_.stays_fp8(*part, heads_of(*part), {}) && heads_of(*part).size() % kernels::kScaleBlock == 0;
        });
    if (all_fp8) {
      std::vector<Fp8Part> own;
      for (const WeightMatrix* part : parts) {
        own.push_back({part, *blocks_of(heads_of(*part), part->n_out), {0, part->n_in}});
      }
      return weights_.fp8({own});
    }
    std::vector<RowSource> rows;
    for (const WeightMatrix* part : parts) append_rows(*part, heads_of(*part), rows);
    return weights_.kept(rows, w.q_proj.n_in);
  }

  Result<DeviceMla> mla(const MlaWeights& w) {
    const MlaPlacement p(config_);
    DeviceMla out;
    if (const auto* compressed = std::get_if<CompressedQuery>(&w.query)) {
      ASSAY_ASSIGN(out.q_a_proj, weights_.weight(compressed->q_a_proj, whole(compressed->q_a_proj.n_out)));
      ASSAY_ASSIGN(out.q_a_layernorm, weights_.floats(compressed->q_a_layernorm));
      ASSAY_ASSIGN(out.q_proj, weights_.weight(compressed->q_b_proj, own_heads(p.q_heads())));
      ASSAY_ASSIGN(out.kv_a_proj, weights_.weight(w.kv_a_proj_with_mqa, p.kv_row()));
    } else {
      ASSAY_TRY(plain_query(std::get<PlainQuery>(w.query).q_proj, own_heads(p.q_heads()), w.kv_a_proj_with_mqa,
                            p.kv_row(), out));
    }
    ASSAY_ASSIGN(out.kv_a_layernorm, weights_.floats(w.kv_a_layernorm));
    ASSAY_ASSIGN(out.kv_b_proj, weights_.placed(w.kv_b_proj, own_heads(p.kv_heads()), p.latents()));
    const WeightMatrix key_map{w.key_map.data(), WeightType::f32, p.heads * p.latent, p.nope, nullptr};
    const WeightMatrix value_map{w.value_map.data(), WeightType::f32, p.heads * p.v, p.latent, nullptr};
    ASSAY_ASSIGN(out.key_map, weights_.placed(key_map, own_heads(repeated(p.heads, {{p.latent, kMlaLatent}})),
                                              filled(p.nope, kMlaNope)));
    ASSAY_ASSIGN(out.value_map, weights_.placed(value_map, own_heads(p.v_heads()), p.latents()));
    ASSAY_ASSIGN(out.o_proj, weights_.weight(w.o_proj, whole(w.o_proj.n_out), own_heads(p.v_heads())));
    return out;
  }

  /// One product with both weights, if they are kept alike.
  Result<> plain_query(const WeightMatrix& q, const Axis& q_rows, const WeightMatrix& kv, const Axis& kv_rows,
                       DeviceMla& out) {
    const bool q_is_fp8 = weights_.stays_fp8(q, q_rows, {}), kv_is_fp8 = weights_.stays_fp8(kv, kv_rows, {});
    if (q_is_fp8 != kv_is_fp8 || (q_is_fp8 && q_rows.size() % kernels::kScaleBlock != 0)) {
      ASSAY_ASSIGN(out.q_proj, weights_.weight(q, q_rows));
      ASSAY_ASSIGN(out.kv_a_proj, weights_.weight(kv, kv_rows));
      return {};
    }
    if (q_is_fp8) {
      const std::vector<Fp8Part> own{{&q, *blocks_of(q_rows, q.n_out), {0, q.n_in}},
                                     {&kv, *blocks_of(kv_rows, kv.n_out), {0, kv.n_in}}};
      ASSAY_ASSIGN(out.q_proj, weights_.fp8({own}));
      return {};
    }
    std::vector<RowSource> rows;
    append_rows(q, q_rows, rows);
    append_rows(kv, kv_rows, rows);
    ASSAY_ASSIGN(out.q_proj, weights_.kept(rows, q.n_in));
    return {};
  }

  /// Rows of gate and up by turns of eight, both filled up to a multiple of eight: those columns of the network that
  /// `own` names.
  static void append_gate_up(const FfnWeights& w, Share own, std::vector<RowSource>& rows) {
    for (int first = 0; first < own.n; first += 8) {
      for (const WeightMatrix* part : {&w.gate_proj, &w.up_proj}) {
        for (int i = first; i < first + 8; ++i) {
          rows.push_back(i < own.n ? RowSource{part, own.first + i} : RowSource{});
        }
      }
    }
  }

  /// One network: its columns are split over the ranks.
  Result<DeviceFfn> ffn(const FfnWeights& w) {
    const Share own = shard_.share_of(w.gate_proj.n_out);
    DeviceFfn out;
    ASSAY_ASSIGN(out.gate_up, gate_up({&w}, own));
    ASSAY_ASSIGN(out.down, down({&w}, own));
    return out;
  }
  /// gate_proj and up_proj of one network, or of all experts one after the other. Grouped products take no quantised
  /// weights, nor do gate and up whose types differ: their rows alternate.
  Result<DeviceWeight> gate_up(const std::vector<const FfnWeights*>& networks, Share own) {
    const int hidden = networks.front()->gate_proj.n_in;
    const Axis own_rows = run_axis(own);
    std::vector<RowSource> rows;
    std::vector<float> gate_scales, up_scales;
    bool all_fp8 = true;
    for (const FfnWeights* w : networks) {
      append_gate_up(*w, own, rows);
      all_fp8 =
          all_fp8 && weights_.stays_fp8(w->gate_proj, own_rows, {}) && weights_.stays_fp8(w->up_proj, own_rows, {});
    }
    if (!all_fp8) {
      const FfnWeights& first = *networks.front();
      if (networks.size() == 1 && first.gate_proj.type == first.up_proj.type) return weights_.kept(rows, hidden);
      ASSAY_ASSIGN(DeviceMatrix out, weights_.stacked(rows, hidden));
      return DeviceWeight(std::move(out));
    }
    for (const FfnWeights* w : networks) {
      append_scales({&w->gate_proj, own, {0, hidden}}, gate_scales);
      append_scales({&w->up_proj, own, {0, hidden}}, up_scales);
    }
    DeviceFp8Matrix out{{}, {}, {}, static_cast<int>(rows.size()), hidden};
    ASSAY_ASSIGN(out.codes, weights_.codes(rows, {0, hidden}));
    ASSAY_ASSIGN(out.scales, weights_.floats(gate_scales));
    ASSAY_ASSIGN(out.up_scales, weights_.floats(up_scales));
    return DeviceWeight(std::move(out));
  }
  Result<DeviceWeight> down(const std::vector<const FfnWeights*>& networks, Share own) {
    const int hidden = networks.front()->down_proj.n_out, width = networks.front()->down_proj.n_in;
    std::vector<RowSource> rows;
    std::vector<std::vector<Fp8Part>> lists;
    bool all_fp8 = true;
    for (const FfnWeights* w : networks) {
      append_rows(w->down_proj, whole(hidden), rows);
      lists.push_back({{&w->down_proj, {0, hidden}, own}});
      all_fp8 = all_fp8 && weights_.stays_fp8(w->down_proj, {}, run_axis(own));
    }
    if (all_fp8) return weights_.fp8(lists);
    if (networks.size() == 1) return weights_.kept(rows, width, filled_columns(own, width));
    ASSAY_ASSIGN(DeviceMatrix out, weights_.stacked(rows, width, filled_columns(own, width)));
    return DeviceWeight(std::move(out));
  }
  /// Columns of a network's width, filled up to a multiple of eight; empty where all of them are one.
  static Axis filled_columns(Share own, int width) {
    if (own.n == width && width % 8 == 0) return {};
    Axis axis = run_axis(own);
    axis.resize(static_cast<std::size_t>(rounded_up(own.n, 8)), -1);
    return axis;
  }

  Result<DeviceMoe> moe(const MoeWeights& w) {
    DeviceMoe out;
    ASSAY_TRY(upload_router(w, out));
    const Share own_experts = shard_.share_of(static_cast<int>(w.experts.size()), shard_.splits_experts());
    std::vector<const FfnWeights*> experts;
    for (int i = 0; i < own_experts.n; ++i) {
      experts.push_back(&w.experts[static_cast<std::size_t>(own_experts.first + i)]);
    }
    const Share own = shard_.share_of(experts.front()->gate_proj.n_out, !shard_.splits_experts());
    ASSAY_ASSIGN(out.gate_up, gate_up(experts, own));
    ASSAY_ASSIGN(out.down, down(experts, own));
    if (w.shared_experts) {
      ASSAY_ASSIGN(out.shared, ffn(*w.shared_experts));
    }
    return out;
  }

  /// A router that bfloat16 does not hold is the sum of three that it does.
  Result<> upload_router(const MoeWeights& w, DeviceMoe& out) {
    const int n_experts = w.router.n_out, hidden = w.router.n_in;
    out.router_parts = w.router.type == WeightType::bf16 ? 1 : 3;
    ASSAY_ASSIGN(out.router, weights_.matrix(out.router_parts * n_experts, hidden, [&](int row, Bf16* to) {
      std::vector<float> rest(static_cast<std::size_t>(hidden));
      kernels::weight_row(w.router, row % n_experts, rest.data());
      for (int part = 0; part <= row / n_experts; ++part) {
        for (int i = 0; i < hidden; ++i) {
          to[i] = __float2bfloat16(rest[static_cast<std::size_t>(i)]);
          rest[static_cast<std::size_t>(i)] -= __bfloat162float(to[i]);
        }
      }
    }));
    ASSAY_ASSIGN(out.bias, weights_.floats(w.e_score_correction_bias));
    out.args = model_.router_args(w);
    out.args.bias = out.bias.data();
    return {};
  }

  Result<DeviceMtp> mtp(const MtpWeights& w) {
    DeviceMtp out;
    ASSAY_ASSIGN(out.enorm, weights_.floats(w.enorm));
    ASSAY_ASSIGN(out.hnorm, weights_.floats(w.hnorm));
    ASSAY_ASSIGN(out.eh_proj, weights_.weight(w.eh_proj, whole(w.eh_proj.n_out)));
    ASSAY_ASSIGN(out.layer, upload_layer(w.layer));
    ASSAY_ASSIGN(out.shared_head_norm, weights_.floats(w.shared_head_norm));
    return out;
  }

  /// Cosines and sines of all positions; pairs that were filled up don't rotate.
  Result<DeviceBuffer<float>> rope() {
    const auto n_positions = static_cast<std::size_t>(config_.max_position_embeddings);
    const auto d = static_cast<std::size_t>(
        config_.attention == Attention::mla ? kMlaRope : kernel_head_dim(as_int(config_.head_dim)));
    const std::size_t n_values = 2 * model_.rope_frequencies.size();
    kernels::RopeTable table(model_.rope_frequencies, model_.rope_magnitude);
    table.extend(as_int(config_.max_position_embeddings));
    std::vector<float> values(n_positions * d);
    for (std::size_t p = 0; p < n_positions; ++p) {
      std::copy_n(table.row(static_cast<int>(p)), n_values, values.begin() + static_cast<std::ptrdiff_t>(p * d));
      for (std::size_t i = n_values; i < d; i += 2) values[p * d + i] = 1;
    }
    return weights_.floats(values);
  }

  const Model& model_;
  const MtpWeights* mtp_;  // none: left out
  const ModelConfig& config_;
  WeightUpload weights_;
  Shard shard_;
};

}  // namespace

Result<DeviceModel> upload_model(const Model& model, const LoadOptions& asked, bool with_mtp, const Shard& shard) {
  ASSAY_TRY(check_cuda_model(model));
  ASSAY_TRY(check_parallel_model(model.config, shard.parallel));
  LoadOptions options = asked;
  const std::int64_t saved_bytes = cuda_saved_bytes(model.config, model.checkpoint);
  if (kernels::cuda_path() == kernels::CudaPath::portable) {
    const bool says = shard.rank == 0;
    if (says && model.config.quantization_config && options.fp8 == Fp8Weights::blocks) {
      log_note("weights in FP8 blocks become bfloat16: Hopper's kernels alone multiply them");
    }
    if (says && saved_bytes != 0 && options.quantized == QuantizedWeights::blocks) {
      log_note("quantised weights become bfloat16: Hopper's kernels alone multiply them");
    }
    options.fp8 = Fp8Weights::widen;
    options.quantized = QuantizedWeights::widen;
  }
  if (!shard.is_whole() && shard.rank == 0 && saved_bytes != 0 && options.quantized == QuantizedWeights::blocks) {
    log_note("quantised weights whose columns are split over GPUs (o_proj, down_proj) become bfloat16");
  }
  std::size_t free_bytes = 0, total_bytes = 0;
  ASSAY_TRY(kernels::check(cudaMemGetInfo(&free_bytes, &total_bytes), "device memory"));
  const MemoryFit fit =
      cuda_memory_fit(with_mtp ? model.config : without_mtp(model.config), static_cast<std::int64_t>(free_bytes),
                      options.fp8, options.quantized == QuantizedWeights::blocks ? saved_bytes : 0);
  const std::int64_t own_bytes = fit.weight_bytes / shard.n_ranks();  // what every rank has comes on top
  if (own_bytes >= static_cast<std::int64_t>(free_bytes)) {
    return environment_error(model.path.string(), ": the weights take ", own_bytes >> 20, " MiB there, the GPU has ",
                             free_bytes >> 20, " of ", total_bytes >> 20,
                             " MiB free; take a smaller model, give more GPUs with --tensor-parallel, or --device cpu");
  }
  ASSAY_ASSIGN(Uploader uploader, Uploader::create(options.n_threads.value_or(available_processors())));
  const std::uint64_t file_bytes = model.checkpoint.total_bytes() / static_cast<std::uint64_t>(shard.n_ranks());
  WeightUpload weights(std::move(uploader), options, model.config, file_bytes);
  return ModelUpload(model, std::move(weights), with_mtp, shard).run();
}

}  // namespace assay::runners
