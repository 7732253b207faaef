#include "runners/engine/cuda/device_model.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <set>
#include <span>
#include <utility>

#include "harness/base/log.h"
#include "kernels/attention/mla_cache.cuh"
#include "kernels/router/route_rows.cuh"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/cuda/placement.h"
#include "runners/engine/executor.h"
#include "runners/engine/host.h"
#include "runners/engine/memory_fit.h"

namespace assay::runners {

namespace {

using kernels::is_quantized;
using kernels::kMlaHead;
using kernels::kMlaLatent;
using kernels::kMlaNope;
using kernels::kMlaRope;
using kernels::kMlaRow;
using kernels::kMlaValue;
using kernels::WeightType;

int rounded_up(int n, int unit) { return (n + unit - 1) / unit * unit; }
int as_int(std::int64_t n) { return static_cast<int>(n); }

Axis whole(int n) { return filled(n, n); }
/// True for all n in their order (empty: as they are).
bool is_whole(const Axis& axis, int n) { return axis.empty() || axis == whole(n); }

/// Places that hold n values of the model that follow each other, or none.
std::optional<Share> run_of(const Axis& axis, int n) {
  if (axis.empty()) return Share{0, n};
  for (std::size_t i = 0; i < axis.size(); ++i) {
    if (axis[i] < 0 || axis[i] != axis[0] + static_cast<int>(i)) return {};
  }
  return Share{axis[0], static_cast<int>(axis.size())};
}
/// The same, if blocks of 128 are cut nowhere.
std::optional<Share> blocks_of(const Axis& axis, int n) {
  const std::optional<Share> run = run_of(axis, n);
  const auto is_edge = [n](int at) { return at == n || at % kernels::kScaleBlock == 0; };
  return run && is_edge(run->first) && is_edge(run->first + run->n) ? run : std::nullopt;
}
/// n values from `first` on.
Axis run_axis(Share share) {
  Axis axis(static_cast<std::size_t>(share.n));
  std::iota(axis.begin(), axis.end(), share.first);
  return axis;
}

/// The attention kernels' head size that holds `head_dim` values, or 0.
int kernel_head_dim(int head_dim) { return head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 0; }

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

/// The bytes of a weight that lies in memory as it does in its file; none for one that was repacked.
std::span<const std::byte> file_bytes_of(const WeightMatrix& w) {
  const auto element_bytes = [&]() -> std::size_t {
    switch (w.type) {
      case WeightType::f32:
        return 4;
      case WeightType::f16:
      case WeightType::bf16:
        return 2;
      case WeightType::f8_e4m3:
        return 1;
      default:
        return 0;
    }
  };
  return {static_cast<const std::byte*>(w.data),
          static_cast<std::size_t>(w.n_out) * static_cast<std::size_t>(w.n_in) * element_bytes()};
}

class ModelUpload {
 public:
  ModelUpload(const Model& model, Uploader uploader, const LoadOptions& options, bool with_mtp, const Shard& shard)
      : model_(model),
        mtp_(with_mtp && model.mtp ? &*model.mtp : nullptr),
        config_(model.config),
        uploader_(std::move(uploader)),
        options_(options),
        shard_(shard) {}

  Result<DeviceModel> run() {
    DeviceModel out;
    out.shard = shard_;
    out.sizes = sizes();
    out.eps = static_cast<float>(config_.rms_norm_eps);
    out.attention_scale = model_.attention_scale;
    const Axis vocab = filled(out.sizes.vocab, out.sizes.vocab_rows);
    ASSAY_ASSIGN(out.embed_tokens, kept(model_.embed_tokens, vocab));
    if (model_.lm_head.data != model_.embed_tokens.data || !shard_.is_whole()) {
      ASSAY_ASSIGN(out.lm_head, kept(model_.lm_head, part_of(vocab, shard_.rank, shard_.n_ranks())));
    }
    max_quantized_elements_ = 0;  // of what comes now: tables and heads are never widened there
    ASSAY_ASSIGN(out.norm, floats(model_.norm));
    for (const LayerWeights& layer : model_.layers) {
      ASSAY_ASSIGN(DeviceLayer made, upload_layer(layer));
      out.layers.push_back(std::move(made));
    }
    if (mtp_ != nullptr) {
      ASSAY_ASSIGN(out.mtp, mtp(*mtp_));
    }
    ASSAY_ASSIGN(out.rope, rope());
    ASSAY_TRY(uploader_.finish());
    out.weight_bytes = done_bytes_;
    out.sizes.max_fp8_width = max_fp8_width_;
    out.sizes.max_quantized_elements = max_quantized_elements_;
    return out;
  }

 private:
  DeviceSizes sizes() const {
    DeviceSizes s;
    s.is_mla = config_.attention == Attention::mla;
    s.hidden = as_int(config_.hidden_size);
    s.vocab = as_int(config_.vocab_size);
    s.vocab_rows = rounded_up(s.vocab, 8 * shard_.n_ranks());
    s.head_rows = s.vocab_rows / shard_.n_ranks();
    s.heads = shard_.share_of(as_int(config_.num_attention_heads), shard_.splits_heads()).n;
    s.n_cache_layers = static_cast<int>(model_.layers.size()) + (mtp_ != nullptr ? 1 : 0);
    if (s.is_mla) {
      s.q_lora_rank = as_int(config_.q_lora_rank.value_or(0));
      s.kv_lora_rank = as_int(config_.kv_lora_rank);
    } else {
      s.kv_heads = shard_.share_of(as_int(config_.num_key_value_heads), shard_.splits_heads()).n;
      s.head_dim = kernel_head_dim(as_int(config_.head_dim));
    }
    const auto add_ffn = [&](const auto& ffn) {
      if (const auto* dense = std::get_if<FfnWeights>(&ffn)) {
        s.max_ffn_width = std::max(s.max_ffn_width, rounded_up(shard_.share_of(dense->gate_proj.n_out).n, 8));
        return;
      }
      const auto& moe = std::get<MoeWeights>(ffn);
      s.n_routed_experts = as_int(config_.n_routed_experts);
      s.num_experts_per_tok = as_int(config_.num_experts_per_tok);
      const Share own = shard_.share_of(s.n_routed_experts, shard_.splits_experts());
      s.first_expert = own.first;
      s.n_own_experts = own.n;
      s.moe_width = rounded_up(shard_.share_of(as_int(config_.moe_intermediate_size), !shard_.splits_experts()).n, 8);
      if (!moe.shared_experts) return;
      s.has_shared_experts = true;
      const int width = shard_.share_of(moe.shared_experts->gate_proj.n_out).n;
      s.max_ffn_width = std::max(s.max_ffn_width, rounded_up(width, 8));
    };
    for (const LayerWeights& layer : model_.layers) add_ffn(layer.ffn);
    if (mtp_ != nullptr) add_ffn(mtp_->layer.ffn);
    return s;
  }

  /// This rank's heads of an axis of all heads.
  Axis own_heads(const Axis& heads) const {
    return shard_.splits_heads() ? part_of(heads, shard_.rank, shard_.n_ranks()) : heads;
  }

  Result<DeviceMatrix> matrix(int n_out, int n_in, const Uploader::RowWriter& write_row) {
    add_progress(n_out, n_in, sizeof(Bf16));
    return uploader_.matrix(n_out, n_in, write_row);
  }
  void add_progress(int n_out, int n_in, std::size_t element_bytes) {
    const LoadProgress& on_progress = options_.on_progress;
    const std::uint64_t own_bytes = model_.checkpoint.total_bytes() / static_cast<std::uint64_t>(shard_.n_ranks());
    if (on_progress) on_progress({"upload", std::min(done_bytes_, own_bytes), own_bytes});
    done_bytes_ += static_cast<std::uint64_t>(n_out) * static_cast<std::uint64_t>(n_in) * element_bytes;
  }
  void read_ahead(const std::vector<RowSource>& rows) const {
    std::set<const WeightMatrix*> asked;
    for (const RowSource& row : rows) {
      if (row.weight != nullptr && asked.insert(row.weight).second) uploader_.read_ahead(file_bytes_of(*row.weight));
    }
  }
  Result<DeviceBuffer<float>> floats(const std::vector<float>& values) {
    done_bytes_ += values.size() * sizeof(float);
    return DeviceBuffer<float>::from(values);
  }

  /// Rows of weights that all have the same columns, which go where `columns` says (empty: as they are).
  Result<DeviceMatrix> stacked(const std::vector<RowSource>& rows, int n_in, const Axis& columns = {}) {
    const int n_to = columns.empty() ? n_in : static_cast<int>(columns.size());
    read_ahead(rows);
    return matrix(static_cast<int>(rows.size()), n_to, [&](int row, Bf16* to) {
      const RowSource& source = rows[static_cast<std::size_t>(row)];
      if (source.weight == nullptr) {
        std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(n_to) * sizeof(Bf16));
        return;
      }
      if (columns.empty()) return write_bf16_row(*source.weight, source.row, to);
      std::vector<Bf16> values(static_cast<std::size_t>(n_in));
      write_bf16_row(*source.weight, source.row, values.data());
      for (int i = 0; i < n_to; ++i) {
        const int from = columns[static_cast<std::size_t>(i)];
        to[i] = from < 0 ? __float2bfloat16(0.0f) : values[static_cast<std::size_t>(from)];
      }
    });
  }
  Result<DeviceMatrix> placed(const WeightMatrix& w, const Axis& rows, const Axis& columns = {}) {
    std::vector<RowSource> sources;
    append_rows(w, rows, sources);
    return stacked(sources, w.n_in, columns);
  }

  /// A weight that a product may take in FP8 blocks, or quantised.
  Result<DeviceWeight> weight(const WeightMatrix& w, const Axis& rows, const Axis& columns = {}) {
    if (stays_fp8(w, rows, columns)) {
      const std::vector<Fp8Part> own{{&w, *blocks_of(rows, w.n_out), *blocks_of(columns, w.n_in)}};
      return fp8({own});
    }
    return kept(w, rows, columns);
  }

  /// How a row is kept: in its quantised blocks, or in bfloat16.
  static WeightType kept_type(const RowSource& row) {
    return is_quantized(row.weight->type) ? row.weight->type : WeightType::bf16;
  }
  /// Ends of runs of rows that are kept alike; rows of zeros belong to the run before them.
  static std::vector<std::size_t> runs_of(const std::vector<RowSource>& rows) {
    std::vector<std::size_t> ends;
    const RowSource* first = nullptr;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].weight == nullptr) continue;
      if (first != nullptr && kept_type(*first) != kept_type(rows[i])) ends.push_back(i);
      first = &rows[i];
    }
    ends.push_back(rows.size());
    return ends;
  }

  /// As stacked(), but quantised rows keep their blocks where the kernels can take them.
  Result<DeviceWeight> kept(const std::vector<RowSource>& rows, int n_in, const Axis& columns = {}) {
    const bool any = std::any_of(rows.begin(), rows.end(), [](const RowSource& row) {
      return row.weight != nullptr && is_quantized(row.weight->type);
    });
    const bool keeps = options_.quantized == QuantizedWeights::blocks && keeps_blocks(config_, n_in);
    if (!any || !keeps || !is_whole(columns, n_in)) {
      ASSAY_ASSIGN(DeviceMatrix out, stacked(rows, n_in, columns));
      return DeviceWeight(std::move(out));
    }
    DeviceQuantizedMatrix out{{}, static_cast<int>(rows.size()), n_in};
    std::size_t first = 0;
    for (const std::size_t end : runs_of(rows)) {
      const std::vector<RowSource> own(rows.begin() + static_cast<std::ptrdiff_t>(first),
                                       rows.begin() + static_cast<std::ptrdiff_t>(end));
      const auto source = std::find_if(own.begin(), own.end(), [](const RowSource& r) { return r.weight != nullptr; });
      DeviceRows part{static_cast<int>(own.size()), kept_type(*source), {}, {}};
      if (part.type == WeightType::bf16) {
        ASSAY_ASSIGN(DeviceMatrix wide, stacked(own, n_in));
        part.data = std::move(wide.data);
      } else {
        add_progress(kernels::device_row_groups(part.n_rows),
                     static_cast<int>(kernels::device_row_group_bytes(part.type, n_in)), 1);
        ASSAY_ASSIGN(part.blocks, uploader_.blocks(part.type, n_in, own));
        max_quantized_elements_ = std::max(max_quantized_elements_, own.size() * static_cast<std::size_t>(n_in));
      }
      out.parts.push_back(std::move(part));
      first = end;
    }
    return DeviceWeight(std::move(out));
  }
  Result<DeviceWeight> kept(const WeightMatrix& w, const Axis& rows, const Axis& columns = {}) {
    std::vector<RowSource> sources;
    append_rows(w, rows, sources);
    return kept(sources, w.n_in, columns);
  }

  bool stays_fp8(const WeightMatrix& w, const Axis& rows, const Axis& columns) const {
    const std::optional<Share> own_rows = blocks_of(rows, w.n_out), own_columns = blocks_of(columns, w.n_in);
    return options_.fp8 == Fp8Weights::blocks && w.type == WeightType::f8_e4m3 && own_rows && own_columns &&
           own_columns->n % kernels::kScaleBlock == 0 && own_rows->n % 8 == 0;
  }

  /// Rows and columns of a weight in FP8 blocks that cut no block.
  struct Fp8Part {
    const WeightMatrix* weight;
    Share rows, columns;
  };
  /// Parts of equal widths one below the other. All but the last of a list, which begins anew for every expert, end
  /// with a block.
  Result<DeviceWeight> fp8(const std::vector<std::vector<Fp8Part>>& lists) {
    std::vector<RowSource> rows;
    std::vector<float> scales;
    for (const auto& list : lists) {
      for (const Fp8Part& part : list) {
        append_rows(*part.weight, run_axis(part.rows), rows);
        append_scales(part, scales);
      }
    }
    const Share columns = lists.front().front().columns;
    DeviceFp8Matrix out{{}, {}, {}, static_cast<int>(rows.size()), columns.n};
    ASSAY_ASSIGN(out.codes, codes(rows, columns));
    ASSAY_ASSIGN(out.scales, floats(scales));
    return DeviceWeight(std::move(out));
  }
  static void append_scales(const Fp8Part& part, std::vector<float>& scales) {
    const auto blocks = [](int n) { return (n + kernels::kScaleBlock - 1) / kernels::kScaleBlock; };
    const int stride = blocks(part.weight->n_in), first_column = part.columns.first / kernels::kScaleBlock;
    const int first_row = part.rows.first / kernels::kScaleBlock;
    for (int row = first_row; row < first_row + blocks(part.rows.n); ++row) {
      const float* from = part.weight->block_scales + std::ptrdiff_t{row} * stride + first_column;
      scales.insert(scales.end(), from, from + blocks(part.columns.n));
    }
  }
  Result<DeviceBuffer<std::uint8_t>> codes(const std::vector<RowSource>& rows, Share columns) {
    add_progress(static_cast<int>(rows.size()), columns.n, 1);
    max_fp8_width_ = std::max(max_fp8_width_, columns.n);
    read_ahead(rows);
    return uploader_.bytes(static_cast<int>(rows.size()), columns.n, [&](int row, std::uint8_t* to) {
      const RowSource& source = rows[static_cast<std::size_t>(row)];
      const auto* from = static_cast<const std::uint8_t*>(source.weight->data);
      std::memcpy(to, from + std::ptrdiff_t{source.row} * source.weight->n_in + columns.first,
                  static_cast<std::size_t>(columns.n));
    });
  }

  Result<DeviceLayer> upload_layer(const LayerWeights& layer) {
    DeviceLayer out;
    ASSAY_ASSIGN(out.input_layernorm, floats(layer.input_layernorm));
    ASSAY_ASSIGN(out.post_attention_layernorm, floats(layer.post_attention_layernorm));
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
      ASSAY_ASSIGN(out.qkv_bias, floats(bias));
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
        ASSAY_ASSIGN(*to, floats(weight));
      }
    }
    ASSAY_ASSIGN(out.o_proj, weight(w.o_proj, whole(w.o_proj.n_out), own_heads(gqa_heads(w.o_proj.n_in / d, d))));
    return out;
  }
  template <class HeadsOf>
  Result<DeviceWeight> qkv(const GqaWeights& w, const HeadsOf& heads_of) {
    const std::vector<const WeightMatrix*> parts{&w.q_proj, &w.k_proj, &w.v_proj};
    const bool all_fp8 =
        w.q_bias.empty() && std::all_of(parts.begin(), parts.end(), [&](const WeightMatrix* part) {
          return stays_fp8(*part, heads_of(*part), {}) && heads_of(*part).size() % kernels::kScaleBlock == 0;
        });
    if (all_fp8) {
      std::vector<Fp8Part> own;
      for (const WeightMatrix* part : parts) {
        own.push_back({part, *blocks_of(heads_of(*part), part->n_out), {0, part->n_in}});
      }
      return fp8({own});
    }
    std::vector<RowSource> rows;
    for (const WeightMatrix* part : parts) append_rows(*part, heads_of(*part), rows);
    return kept(rows, w.q_proj.n_in);
  }

  Result<DeviceMla> mla(const MlaWeights& w) {
    const MlaPlacement p(config_);
    DeviceMla out;
    if (const auto* compressed = std::get_if<CompressedQuery>(&w.query)) {
      ASSAY_ASSIGN(out.q_a_proj, weight(compressed->q_a_proj, whole(compressed->q_a_proj.n_out)));
      ASSAY_ASSIGN(out.q_a_layernorm, floats(compressed->q_a_layernorm));
      ASSAY_ASSIGN(out.q_proj, weight(compressed->q_b_proj, own_heads(p.q_heads())));
    } else {
      ASSAY_ASSIGN(out.q_proj, weight(std::get<PlainQuery>(w.query).q_proj, own_heads(p.q_heads())));
    }
    ASSAY_ASSIGN(out.kv_a_proj, weight(w.kv_a_proj_with_mqa, p.kv_row()));
    ASSAY_ASSIGN(out.kv_a_layernorm, floats(w.kv_a_layernorm));
    ASSAY_ASSIGN(out.kv_b_proj, placed(w.kv_b_proj, own_heads(p.kv_heads()), p.latents()));
    const WeightMatrix key_map{w.key_map.data(), WeightType::f32, p.heads * p.latent, p.nope, nullptr};
    const WeightMatrix value_map{w.value_map.data(), WeightType::f32, p.heads * p.v, p.latent, nullptr};
    ASSAY_ASSIGN(out.key_map,
                 placed(key_map, own_heads(repeated(p.heads, {{p.latent, kMlaLatent}})), filled(p.nope, kMlaNope)));
    ASSAY_ASSIGN(out.value_map, placed(value_map, own_heads(p.v_heads()), p.latents()));
    ASSAY_ASSIGN(out.o_proj, weight(w.o_proj, whole(w.o_proj.n_out), own_heads(p.v_heads())));
    return out;
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
      all_fp8 = all_fp8 && stays_fp8(w->gate_proj, own_rows, {}) && stays_fp8(w->up_proj, own_rows, {});
    }
    if (!all_fp8) {
      const FfnWeights& first = *networks.front();
      if (networks.size() == 1 && first.gate_proj.type == first.up_proj.type) return kept(rows, hidden);
      ASSAY_ASSIGN(DeviceMatrix out, stacked(rows, hidden));
      return DeviceWeight(std::move(out));
    }
    for (const FfnWeights* w : networks) {
      append_scales({&w->gate_proj, own, {0, hidden}}, gate_scales);
      append_scales({&w->up_proj, own, {0, hidden}}, up_scales);
    }
    DeviceFp8Matrix out{{}, {}, {}, static_cast<int>(rows.size()), hidden};
    ASSAY_ASSIGN(out.codes, codes(rows, {0, hidden}));
    ASSAY_ASSIGN(out.scales, floats(gate_scales));
    ASSAY_ASSIGN(out.up_scales, floats(up_scales));
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
      all_fp8 = all_fp8 && stays_fp8(w->down_proj, {}, run_axis(own));
    }
    if (all_fp8) return fp8(lists);
    if (networks.size() == 1) return kept(rows, width, filled_columns(own, width));
    ASSAY_ASSIGN(DeviceMatrix out, stacked(rows, width, filled_columns(own, width)));
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
    ASSAY_ASSIGN(out.router, matrix(out.router_parts * n_experts, hidden, [&](int row, Bf16* to) {
                   std::vector<float> rest(static_cast<std::size_t>(hidden));
                   kernels::weight_row(w.router, row % n_experts, rest.data());
                   for (int part = 0; part <= row / n_experts; ++part) {
                     for (int i = 0; i < hidden; ++i) {
                       to[i] = __float2bfloat16(rest[static_cast<std::size_t>(i)]);
                       rest[static_cast<std::size_t>(i)] -= __bfloat162float(to[i]);
                     }
                   }
                 }));
    ASSAY_ASSIGN(out.bias, floats(w.e_score_correction_bias));
    out.args = model_.router_args(w);
    out.args.bias = out.bias.data();
    return {};
  }

  Result<DeviceMtp> mtp(const MtpWeights& w) {
    DeviceMtp out;
    ASSAY_ASSIGN(out.enorm, floats(w.enorm));
    ASSAY_ASSIGN(out.hnorm, floats(w.hnorm));
    ASSAY_ASSIGN(out.eh_proj, weight(w.eh_proj, whole(w.eh_proj.n_out)));
    ASSAY_ASSIGN(out.layer, upload_layer(w.layer));
    ASSAY_ASSIGN(out.shared_head_norm, floats(w.shared_head_norm));
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
    return floats(values);
  }

  const Model& model_;
  const MtpWeights* mtp_;  // none: left out
  const ModelConfig& config_;
  Uploader uploader_;
  const LoadOptions& options_;
  Shard shard_;
  std::uint64_t done_bytes_ = 0;
  int max_fp8_width_ = 0;
  std::size_t max_quantized_elements_ = 0;
};

Result<> check_attention(const ModelConfig& c, const std::string& where) {
  if (c.attention == Attention::mla) {
    const bool fits = c.kv_lora_rank <= kMlaLatent && c.qk_rope_head_dim <= kMlaRope &&
                      c.qk_nope_head_dim <= kMlaNope && c.v_head_dim <= kMlaValue && c.kv_lora_rank % 4 == 0 &&
                      c.qk_rope_head_dim % 2 == 0;
    if (fits && c.num_attention_heads <= 128 && c.q_lora_rank.value_or(0) % 8 == 0) return {};
    return bad_input(where,
                     ": the GPU's latent attention takes kv_lora_rank up to 512, qk_rope_head_dim 64, "
                     "qk_nope_head_dim and v_head_dim 128, 128 heads, and a q_lora_rank that is a multiple of 8");
  }
  if (kernel_head_dim(as_int(c.head_dim)) == 0 || c.head_dim % 2 != 0) {
    return bad_input(where, ": head_dim is ", c.head_dim, ", the GPU needs an even number up to 128");
  }
  if (c.num_attention_heads > 16 * c.num_key_value_heads) {
    return bad_input(where, ": ", c.num_attention_heads, " query heads share ", c.num_key_value_heads,
                     " KV heads, the GPU needs at most 16 each");
  }
  return {};
}

Result<> check_experts(const ModelConfig& c, const std::string& where) {
  if (c.n_routed_experts == 0) return {};
  if (c.n_routed_experts <= kernels::kMaxRoutedExperts && c.n_routed_experts % 8 == 0 &&
      c.num_experts_per_tok <= kernels::kMaxExpertsPerToken) {
    return {};
  }
  return bad_input(where, ": ", c.n_routed_experts, " experts, ", c.num_experts_per_tok,
                   " a token; the GPU needs a multiple of 8 up to ", kernels::kMaxRoutedExperts, ", and up to ",
                   kernels::kMaxExpertsPerToken);
}

}  // namespace

int DeviceSizes::page_elements() const { return kPageTokens * (is_mla ? kMlaRow : 2 * kv_heads * head_dim); }

Result<> check_cuda_model(const Model& model) {
  const ModelConfig& c = model.config;
  const std::string where = model.path.string();
  if (c.hidden_size % 8 != 0) {
    return bad_input(where, ": hidden_size is ", c.hidden_size, ", the GPU needs a multiple of 8");
  }
  ASSAY_TRY(check_attention(c, where));
  return check_experts(c, where);
}

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
  return ModelUpload(model, std::move(uploader), options, with_mtp, shard).run();
}

}  // namespace assay::runners
