#include "runners/engine/cuda/gqa_layer.h"

#include "kernels/rope/rope_append.cuh"
#include "runners/engine/cuda/device_product.h"

namespace assay::runners {

using kernels::Epilogue;

Result<GqaLayer> GqaLayer::create(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks,
                                  const ForwardLimits& limits) {
  const DeviceSizes& s = model.sizes;
  GqaLayer layer(model, products, marks);
  layer.max_items_ = limits.decode_items;
  ASSAY_ASSIGN(layer.qkv_, rows_buffer<float>(limits.rows(), (s.heads + 2 * s.kv_heads) * s.head_dim));
  ASSAY_ASSIGN(layer.query_, rows_buffer<Bf16>(limits.rows(), s.heads * s.head_dim));
  ASSAY_ASSIGN(layer.attended_, rows_buffer<Bf16>(limits.rows(), s.heads * s.head_dim));
  ASSAY_ASSIGN(layer.scratch_,
               DeviceBuffer<float>::create(kernels::decode_scratch_floats(limits.decode_items, s.heads, s.head_dim)));
  ASSAY_ASSIGN(layer.dealt_, DeviceBuffer<unsigned>::from(std::vector<unsigned>{0}));
  return layer;
}

Result<> GqaLayer::run(const DeviceGqa& weights, const PassRows& rows, const Bf16* normed, Bf16* pages, int n_pages,
                       const LayerOutput& out, cudaStream_t stream) {
  const DeviceSizes& s = model_->sizes;
  const kernels::PagedCache cache{pages, n_pages, s.kv_heads, s.head_dim};
  marks_->begin(Operation::qkv);
  ASSAY_TRY(products_->multiply(normed, rows.n_rows, rows.role(), weights.qkv, Epilogue::store_f32, qkv_.data(), stream,
                                weights.qkv_bias.data()));
  marks_->begin(Operation::rope_append);
  ASSAY_TRY(kernels::rope_append(
      {qkv_.data(), rows.n_rows, s.heads, s.kv_heads, s.head_dim, weights.q_norm.data(), weights.k_norm.data(),
       weights.norm_eps, model_->rope.data(), rows.positions, rows.slots, query_.data(), pages},
      stream));
  marks_->begin(Operation::attention);
  if (const auto* decode = std::get_if<GqaDecodeRows>(&rows.plan)) {
    ASSAY_TRY(kernels::decode_attention(
        {query_.data(), rows.n_rows, s.heads, cache, model_->attention_scale, decode->items, decode->first_item,
         max_items_, rows.n_rows, dealt_.data(), scratch_.data(), attended_.data()},
        stream));
  } else {
    const auto& prompt = std::get<GqaPromptRows>(rows.plan);
    ASSAY_TRY(kernels::prefill_attention({query_.data(), rows.n_rows, s.heads, cache, prompt.pages, 1,
                                          model_->attention_scale, prompt.tiles, prompt.n_tiles, attended_.data()},
                                         stream));
  }
  marks_->begin(Operation::attention_output);
  return products_->multiply(attended_.data(), rows.n_rows, rows.role(), weights.o_proj, out.epilogue(), out.y, stream);
}

}  // namespace assay::runners
