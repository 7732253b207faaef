#include "runners/engine/cuda/device_model.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/executor.h"
#include "runners/engine/host.h"

namespace assay::runners {

namespace {

int rounded_up(int n, int unit) { return (n + unit - 1) / unit * unit; }

/// The attention kernels' head size that holds `head_dim` values, or 0.
int kernel_head_dim(int head_dim) { return head_dim <= 64 ? 64 : head_dim <= 128 ? 128 : 0; }

/// Where the values of a head go in a head that is filled up: the two halves, which rotate together, to the starts of
/// the two larger halves.
struct HeadLayout {
  int from_dim, to_dim;
  int place(int i) const { return i < from_dim / 2 ? i : i - from_dim / 2 + to_dim / 2; }
  bool is_whole() const { return from_dim == to_dim; }
};

class ModelUpload {
 public:
  ModelUpload(const Model& model, Uploader uploader, const LoadProgress& on_progress)
      : model_(model), config_(model.config), uploader_(std::move(uploader)), on_progress_(on_progress) {}

  Result<DeviceModel> run() {
    DeviceModel out;
    out.sizes = sizes();
    out.eps = static_cast<float>(config_.rms_norm_eps);
    out.attention_scale = model_.attention_scale;
    ASSAY_ASSIGN(out.embed_tokens, rows_of(model_.embed_tokens, out.sizes.vocab_rows));
    if (model_.lm_head.data != model_.embed_tokens.data) {
      ASSAY_ASSIGN(out.lm_head, rows_of(model_.lm_head, out.sizes.vocab_rows));
    }
    ASSAY_ASSIGN(out.norm, floats(model_.norm));
    for (const LayerWeights& layer : model_.layers) {
      ASSAY_ASSIGN(DeviceLayer made, upload_layer(layer));
      out.layers.push_back(std::move(made));
    }
    ASSAY_ASSIGN(out.rope, rope(out.sizes));
    ASSAY_TRY(uploader_.finish());
    out.weight_bytes = done_bytes_;
    return out;
  }

 private:
  DeviceSizes sizes() const {
    DeviceSizes s;
    s.hidden = static_cast<int>(config_.hidden_size);
    s.vocab = static_cast<int>(config_.vocab_size);
    s.vocab_rows = rounded_up(s.vocab, 8);
    s.heads = static_cast<int>(config_.num_attention_heads);
    s.kv_heads = static_cast<int>(config_.num_key_value_heads);
    s.head_dim = kernel_head_dim(static_cast<int>(config_.head_dim));
    s.n_layers = static_cast<int>(model_.layers.size());
    for (const LayerWeights& layer : model_.layers) {
      s.max_ffn_width = std::max(s.max_ffn_width, rounded_up(std::get<FfnWeights>(layer.ffn).gate_proj.n_out, 8));
    }
    return s;
  }
  HeadLayout heads() const {
    const auto d = static_cast<int>(config_.head_dim);
    return {d, kernel_head_dim(d)};
  }

  Result<DeviceMatrix> matrix(int n_out, int n_in, const Uploader::RowWriter& write_row) {
    if (on_progress_) on_progress_({"upload", done_bytes_, model_.checkpoint.total_bytes()});
    done_bytes_ += static_cast<std::uint64_t>(n_out) * static_cast<std::uint64_t>(n_in) * sizeof(Bf16);
    return uploader_.matrix(n_out, n_in, write_row);
  }
  Result<DeviceBuffer<float>> floats(const std::vector<float>& values) {
    done_bytes_ += values.size() * sizeof(float);
    return DeviceBuffer<float>::from(values);
  }

  /// A weight as it is, with rows of zeros behind it.
  Result<DeviceMatrix> rows_of(const WeightMatrix& w, int n_rows) {
    return matrix(n_rows, w.n_in, [&](int row, Bf16* to) {
      if (row < w.n_out) return write_bf16_row(w, row, to);
      std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(w.n_in) * sizeof(Bf16));
    });
  }

  Result<DeviceLayer> upload_layer(const LayerWeights& layer) {
    DeviceLayer out;
    ASSAY_ASSIGN(out.input_layernorm, floats(layer.input_layernorm));
    ASSAY_ASSIGN(out.post_attention_layernorm, floats(layer.post_attention_layernorm));
    ASSAY_ASSIGN(out.attention, gqa(std::get<GqaWeights>(layer.attention)));
    ASSAY_ASSIGN(out.ffn, ffn(std::get<FfnWeights>(layer.ffn)));
    return out;
  }

  Result<DeviceGqa> gqa(const GqaWeights& w) {
    const HeadLayout layout = heads();
    DeviceGqa out;
    const WeightMatrix* const parts[] = {&w.q_proj, &w.k_proj, &w.v_proj};
    // Row of the fused product -> part and row in it, or none where a head was filled up.
    std::vector<std::pair<const WeightMatrix*, int>> rows;
    for (const WeightMatrix* part : parts) {
      const std::size_t first = rows.size();
      rows.resize(first + static_cast<std::size_t>(part->n_out / layout.from_dim * layout.to_dim), {nullptr, 0});
      for (int row = 0; row < part->n_out; ++row) {
        const int head = row / layout.from_dim, i = row % layout.from_dim;
        rows[first + static_cast<std::size_t>(head * layout.to_dim + layout.place(i))] = {part, row};
      }
    }
    const int n_in = w.q_proj.n_in;
    ASSAY_ASSIGN(out.qkv, matrix(static_cast<int>(rows.size()), n_in, [&](int row, Bf16* to) {
                   const auto& [part, part_row] = rows[static_cast<std::size_t>(row)];
                   if (part != nullptr) return write_bf16_row(*part, part_row, to);
                   std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(n_in) * sizeof(Bf16));
                 }));
    if (!w.q_bias.empty()) {
      std::vector<float> bias;
      for (const std::vector<float>* part : {&w.q_bias, &w.k_bias, &w.v_bias}) append_heads(layout, *part, bias);
      ASSAY_ASSIGN(out.qkv_bias, floats(bias));
    }
    if (!w.q_norm.empty()) {
      // The kernel's mean is over the filled head: n of to_dim values count, so mean, eps and result are scaled by it.
      const float share = static_cast<float>(layout.from_dim) / static_cast<float>(layout.to_dim);
      out.norm_eps = static_cast<float>(config_.rms_norm_eps) * share;
      for (const auto& [from, to] : {std::pair(&w.q_norm, &out.q_norm), std::pair(&w.k_norm, &out.k_norm)}) {
        std::vector<float> weight;
        append_heads(layout, *from, weight);
        if (!layout.is_whole()) {
          for (float& value : weight) value *= std::sqrt(share);
        }
        ASSAY_ASSIGN(*to, floats(weight));
      }
    }
    ASSAY_ASSIGN(out.o_proj, head_columns(w.o_proj, layout));
    return out;
  }

  /// Values of whole heads, each filled up with zeros, at the end of `to`.
  static void append_heads(const HeadLayout& layout, const std::vector<float>& from, std::vector<float>& to) {
    const std::size_t first = to.size();
    to.resize(first + from.size() / static_cast<std::size_t>(layout.from_dim) * static_cast<std::size_t>(layout.to_dim));
    for (std::size_t i = 0; i < from.size(); ++i) {
      const int head = static_cast<int>(i) / layout.from_dim, at = static_cast<int>(i) % layout.from_dim;
      to[first + static_cast<std::size_t>(head * layout.to_dim + layout.place(at))] = from[i];
    }
  }

  /// A weight whose columns are the values of heads.
  Result<DeviceMatrix> head_columns(const WeightMatrix& w, const HeadLayout& layout) {
    if (layout.is_whole()) return rows_of(w, w.n_out);
    const int n_in = w.n_in / layout.from_dim * layout.to_dim;
    return matrix(w.n_out, n_in, [&, n_in](int row, Bf16* to) {
      std::vector<Bf16> values(static_cast<std::size_t>(w.n_in));
      write_bf16_row(w, row, values.data());
      std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(n_in) * sizeof(Bf16));
      for (int i = 0; i < w.n_in; ++i) {
        to[i / layout.from_dim * layout.to_dim + layout.place(i % layout.from_dim)] = values[static_cast<std::size_t>(i)];
      }
    });
  }

  Result<DeviceFfn> ffn(const FfnWeights& w) {
    const int width = w.gate_proj.n_out, filled = rounded_up(width, 8), hidden = w.gate_proj.n_in;
    DeviceFfn out;
    ASSAY_ASSIGN(out.gate_up, matrix(2 * filled, hidden, [&](int row, Bf16* to) {
                   const WeightMatrix& part = row % 16 < 8 ? w.gate_proj : w.up_proj;
                   const int part_row = row / 16 * 8 + row % 8;
                   if (part_row < width) return write_bf16_row(part, part_row, to);
                   std::memset(static_cast<void*>(to), 0, static_cast<std::size_t>(hidden) * sizeof(Bf16));
                 }));
    ASSAY_ASSIGN(out.down, matrix(w.down_proj.n_out, filled, [&](int row, Bf16* to) {
                   write_bf16_row(w.down_proj, row, to);
                   for (int i = width; i < filled; ++i) to[i] = __float2bfloat16(0.0f);
                 }));
    return out;
  }

  /// Cosines and sines of all positions; pairs of a head that was filled up don't rotate.
  Result<DeviceBuffer<float>> rope(const DeviceSizes& sizes) {
    const auto n_positions = static_cast<std::size_t>(config_.max_position_embeddings);
    const auto d = static_cast<std::size_t>(sizes.head_dim);
    const std::size_t n_values = 2 * model_.rope_frequencies.size();
    kernels::RopeTable table(model_.rope_frequencies, model_.rope_magnitude);
    table.extend(static_cast<int>(n_positions));
    std::vector<float> values(n_positions * d);
    for (std::size_t p = 0; p < n_positions; ++p) {
      std::copy_n(table.row(static_cast<int>(p)), n_values, values.begin() + static_cast<std::ptrdiff_t>(p * d));
      for (std::size_t i = n_values; i < d; i += 2) values[p * d + i] = 1;
    }
    return floats(values);
  }

  const Model& model_;
  const ModelConfig& config_;
  Uploader uploader_;
  const LoadProgress& on_progress_;
  std::uint64_t done_bytes_ = 0;
};

}  // namespace

int DeviceModel::page_elements() const { return sizes.kv_heads * kPageTokens * sizes.head_dim; }

Result<> check_cuda_model(const Model& model) {
  const ModelConfig& c = model.config;
  const std::string where = model.path.string();
  if (c.attention != Attention::gqa) return bad_input(where, ": latent attention runs on the CPU only; give --device cpu");
  if (c.n_routed_experts > 0) return bad_input(where, ": mixtures of experts run on the CPU only; give --device cpu");
  if (c.hidden_size % 8 != 0) return bad_input(where, ": hidden_size is ", c.hidden_size, ", the GPU needs a multiple of 8");
  if (kernel_head_dim(static_cast<int>(c.head_dim)) == 0 || c.head_dim % 2 != 0) {
    return bad_input(where, ": head_dim is ", c.head_dim, ", the GPU needs an even number up to 128");
  }
  if (c.num_attention_heads > 16 * c.num_key_value_heads) {
    return bad_input(where, ": ", c.num_attention_heads, " query heads share ", c.num_key_value_heads,
                     " KV heads, the GPU needs at most 16 each");
  }
  return {};
}

Result<DeviceModel> upload_model(const Model& model, const LoadOptions& options) {
  ASSAY_TRY(check_cuda_model(model));
  ASSAY_ASSIGN(Uploader uploader, Uploader::create(options.n_threads.value_or(available_processors())));
  return ModelUpload(model, std::move(uploader), options.on_progress).run();
}

}  // namespace assay::runners
