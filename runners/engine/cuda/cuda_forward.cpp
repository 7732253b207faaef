#include "runners/engine/cuda/cuda_forward.h"

#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/rmsnorm/rmsnorm_bf16.cuh"
#include "kernels/rope/rope_append.cuh"

namespace assay::runners {

namespace {

using kernels::Epilogue;

template <class T>
Result<DeviceBuffer<T>> rows_buffer(int rows, int width) {
  return DeviceBuffer<T>::create(static_cast<std::size_t>(rows) * static_cast<std::size_t>(width));
}

/// y = x · wᵀ with dense rows.
Result<> multiply(const Bf16* x, int n_rows, const DeviceMatrix& w, Epilogue epilogue, void* y, cudaStream_t stream,
                  const float* bias = nullptr) {
  const int y_width = epilogue == Epilogue::swiglu_bf16 ? w.n_out / 2 : w.n_out;
  return kernels::matmul_bf16(
      {x, w.n_in, n_rows, w.data.data(), w.n_out, w.n_in, epilogue, bias, y, y_width}, stream);
}

}  // namespace

Result<CudaForward> CudaForward::create(const DeviceModel& model, const ForwardLimits& limits) {
  const DeviceSizes& s = model.sizes;
  CudaForward f(model, limits);
  ASSAY_ASSIGN(f.x_, rows_buffer<float>(limits.rows, s.hidden));
  ASSAY_ASSIGN(f.normed_, rows_buffer<Bf16>(limits.rows, s.hidden));
  ASSAY_ASSIGN(f.qkv_, rows_buffer<float>(limits.rows, (s.heads + 2 * s.kv_heads) * s.head_dim));
  ASSAY_ASSIGN(f.query_, rows_buffer<Bf16>(limits.rows, s.heads * s.head_dim));
  ASSAY_ASSIGN(f.attended_, rows_buffer<Bf16>(limits.rows, s.heads * s.head_dim));
  ASSAY_ASSIGN(f.gated_, rows_buffer<Bf16>(limits.rows, s.max_ffn_width));
  ASSAY_ASSIGN(f.scratch_, DeviceBuffer<float>::create(
                               kernels::decode_scratch_floats(limits.decode_items, s.heads, s.head_dim)));
  ASSAY_ASSIGN(f.logits_, rows_buffer<float>(limits.logits_rows, s.vocab_rows));
  return f;
}

void CudaForward::use_cache(Bf16* memory, int n_pages) {
  cache_ = memory;
  n_pages_ = n_pages;
}

Bf16* CudaForward::plane(int index) const {
  return cache_ + static_cast<std::size_t>(index) * static_cast<std::size_t>(n_pages_) *
                      static_cast<std::size_t>(model_->page_elements());
}

Result<> CudaForward::run(const PassRows& rows, cudaStream_t stream,
                          const std::function<Result<>(int layer)>& after_layer) {
  const DeviceModel& m = *model_;
  ASSAY_TRY(kernels::embed_rows(
      {m.embed_tokens.data.data(), rows.ids, rows.drawn, rows.n_rows, m.sizes.hidden, x_.data()}, stream));
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    const DeviceLayer& layer = m.layers[i];
    ASSAY_TRY(norm(layer.input_layernorm, nullptr, rows.n_rows, stream));
    ASSAY_TRY(attention(std::get<DeviceGqa>(layer.attention), static_cast<int>(i), rows, stream));
    ASSAY_TRY(norm(layer.post_attention_layernorm, nullptr, rows.n_rows, stream));
    ASSAY_TRY(feed_forward(std::get<DeviceFfn>(layer.ffn), rows.n_rows, stream));
    if (after_layer) ASSAY_TRY(after_layer(static_cast<int>(i)));
  }
  return {};
}

Result<> CudaForward::attention(const DeviceGqa& weights, int layer, const PassRows& rows, cudaStream_t stream) {
  const DeviceSizes& s = model_->sizes;
  Bf16 *keys = plane(2 * layer), *values = plane(2 * layer + 1);
  const kernels::PagedCache cache{keys, values, n_pages_, s.kv_heads, s.head_dim};
  ASSAY_TRY(multiply(normed_.data(), rows.n_rows, weights.qkv, Epilogue::store_f32, qkv_.data(), stream,
                     weights.qkv_bias.data()));
  ASSAY_TRY(kernels::rope_append({qkv_.data(), rows.n_rows, s.heads, s.kv_heads, s.head_dim, weights.q_norm.data(),
                                  weights.k_norm.data(), weights.norm_eps, model_->rope.data(), rows.positions,
                                  rows.slots, query_.data(), keys, values},
                                 stream));
  if (const auto* decode = std::get_if<DecodeRows>(&rows.plan)) {
    ASSAY_TRY(kernels::decode_attention({query_.data(), rows.n_rows, s.heads, cache, model_->attention_scale,
                                         decode->items, decode->first_item, limits_.decode_items, scratch_.data(),
                                         attended_.data()},
                                        stream));
  } else {
    const auto& prompt = std::get<PromptRows>(rows.plan);
    ASSAY_TRY(kernels::prefill_attention({query_.data(), rows.n_rows, s.heads, cache, prompt.pages, 1,
                                          model_->attention_scale, prompt.tiles, prompt.n_tiles, attended_.data()},
                                         stream));
  }
  return multiply(attended_.data(), rows.n_rows, weights.o_proj, Epilogue::add_f32, x_.data(), stream);
}

Result<> CudaForward::feed_forward(const DeviceFfn& weights, int n_rows, cudaStream_t stream) {
  ASSAY_TRY(multiply(normed_.data(), n_rows, weights.gate_up, Epilogue::swiglu_bf16, gated_.data(), stream));
  return multiply(gated_.data(), n_rows, weights.down, Epilogue::add_f32, x_.data(), stream);
}

Result<> CudaForward::norm(const DeviceBuffer<float>& weight, const int* rows, int n, cudaStream_t stream) {
  return kernels::rmsnorm_bf16(
      {x_.data(), rows, weight.data(), model_->eps, n, model_->sizes.hidden, normed_.data()}, stream);
}

Result<> CudaForward::final_norm(const int* rows, int n, cudaStream_t stream) {
  return norm(model_->norm, rows, n, stream);
}

Result<> CudaForward::head(int first, int n, cudaStream_t stream) {
  const Bf16* rows = normed_.data() + static_cast<std::ptrdiff_t>(first) * model_->sizes.hidden;
  return multiply(rows, n, model_->head(), Epilogue::store_f32, logits_.data(), stream);
}

}  // namespace assay::runners
