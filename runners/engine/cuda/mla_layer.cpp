#include "runners/engine/cuda/mla_layer.h"

#include <algorithm>

#include "harness/base/assert.h"
#include "kernels/attention/mla_prefill_attention.cuh"
#include "kernels/rmsnorm/rmsnorm_bf16.cuh"
#include "kernels/rope/mla_append.cuh"
#include "runners/engine/cuda/device_product.h"

namespace assay::runners {

using kernels::Epilogue;
using kernels::kMlaHead;
using kernels::kMlaLatent;
using kernels::kMlaNope;
using kernels::kMlaRow;
using kernels::kMlaValue;

namespace {

constexpr int kExpandedHead = kMlaNope + kMlaValue;
// Keys and values of so many elements are expanded at a time, and of one head at least.
constexpr std::int64_t kExpandedElements = std::int64_t{128} << 20;

/// For each head h: y[row, h, 0 … n_out - 1] = x[row, h, …] · w[h]ᵀ, with rows of `heads` times the strides.
Result<> multiply_heads(const Bf16* x, int x_stride, int n_rows, int heads, const DeviceMatrix& w, Bf16* y,
                        int y_stride, cudaStream_t stream) {
  kernels::MatmulBf16Args args;
  args.x = x;
  args.x_stride = std::int64_t{heads} * x_stride;
  args.m_rows = n_rows;
  args.w = w.data.data();
  args.n_out = w.n_out / heads;
  args.n_in = w.n_in;
  args.epilogue = Epilogue::store_bf16;
  args.y = y;
  args.y_stride = std::int64_t{heads} * y_stride;
  args.n_batches = heads;
  args.x_batch_stride = x_stride;
  args.w_batch_stride = std::int64_t{args.n_out} * args.n_in;
  args.y_batch_stride = y_stride;
  return kernels::matmul_bf16(args, stream);
}

}  // namespace

Result<MlaLayer> MlaLayer::create(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks,
                                  const ForwardLimits& limits) {
  const DeviceSizes& s = model.sizes;
  const int rows = limits.rows(), generated = limits.generated_rows;
  MlaLayer layer(model, products, marks);
  layer.max_items_ = limits.decode_items;
  layer.max_keys_ = limits.prompt_keys;
  ASSAY_ASSIGN(layer.q_a_, rows_buffer<float>(rows, s.q_lora_rank));
  ASSAY_ASSIGN(layer.q_a_normed_, rows_buffer<Bf16>(rows, s.q_lora_rank));
  ASSAY_ASSIGN(layer.q_, rows_buffer<float>(rows, s.heads * kMlaHead + kMlaRow));
  ASSAY_ASSIGN(layer.kv_, rows_buffer<float>(rows, kMlaRow));
  ASSAY_ASSIGN(layer.q_head_, rows_buffer<Bf16>(limits.prompt_rows, s.heads * kMlaHead));
  ASSAY_ASSIGN(layer.q_nope_, rows_buffer<Bf16>(generated, s.heads * kMlaNope));
  ASSAY_ASSIGN(layer.q_latent_, rows_buffer<Bf16>(generated, s.heads * kMlaRow));
  ASSAY_ASSIGN(layer.o_latent_, rows_buffer<Bf16>(generated, s.heads * kMlaLatent));
  ASSAY_ASSIGN(layer.attended_, rows_buffer<Bf16>(rows, s.heads * kMlaValue));
  ASSAY_ASSIGN(layer.scratch_,
               DeviceBuffer<float>::create(kernels::mla_decode_scratch_floats(limits.decode_items, s.heads)));
  ASSAY_ASSIGN(layer.gathered_, rows_buffer<Bf16>(limits.prompt_keys, kMlaRow));
  const std::int64_t all_heads = std::int64_t{limits.prompt_keys} * s.heads * kExpandedHead;
  const std::int64_t one_head = std::int64_t{limits.prompt_keys} * kExpandedHead;
  ASSAY_ASSIGN(
      layer.expanded_,
      DeviceBuffer<Bf16>::create(static_cast<std::size_t>(std::max(one_head, std::min(all_heads, kExpandedElements)))));
  return layer;
}

Result<> MlaLayer::run(const DeviceMla& weights, const PassRows& rows, const Bf16* normed, Bf16* cache, int n_pages,
                       const LayerOutput& out, cudaStream_t stream) {
  ASSAY_TRY(project(weights, rows, normed, cache, stream));
  if (const auto* plan = std::get_if<MlaDecodeRows>(&rows.plan)) {
    ASSAY_TRY(attend_absorbed(weights, *plan, rows.n_rows, cache, n_pages, stream));
  } else {
    ASSAY_TRY(attend_materialised(weights, std::get<MlaPromptRows>(rows.plan), rows.n_rows, cache, n_pages, stream));
  }
  marks_->begin(Operation::attention_output);
  return products_->multiply(attended_.data(), rows.n_rows, rows.role(), weights.o_proj, out.epilogue(), out.y, stream);
}

/// Queries, and the rows' places in the cache.
Result<> MlaLayer::project(const DeviceMla& weights, const PassRows& rows, const Bf16* normed, Bf16* cache,
                           cudaStream_t stream) {
  const DeviceSizes& s = model_->sizes;
  const Bf16* q_input = normed;
  if (s.q_lora_rank > 0) {
    marks_->begin(Operation::q_a);
    ASSAY_TRY(products_->multiply(normed, rows.n_rows, rows.role(), *weights.q_a_proj, Epilogue::store_f32, q_a_.data(),
                                  stream));
    marks_->begin(Operation::q_a_norm);
    ASSAY_TRY(kernels::rmsnorm_bf16({q_a_.data(), nullptr, weights.q_a_layernorm.data(), model_->eps, rows.n_rows,
                                     s.q_lora_rank, q_a_normed_.data()},
                                    stream));
    q_input = q_a_normed_.data();
  }
  marks_->begin(Operation::q_b);
  ASSAY_TRY(
      products_->multiply(q_input, rows.n_rows, rows.role(), weights.q_proj, Epilogue::store_f32, q_.data(), stream));
  // The latent: behind the queries, or a product of its own.
  const int q_width = s.heads * kMlaHead;
  const bool is_behind = !weights.kv_a_proj;
  if (!is_behind) {
    if (weights.q_a_proj) marks_->begin(Operation::kv_a);
    ASSAY_TRY(products_->multiply(normed, rows.n_rows, rows.role(), *weights.kv_a_proj, Epilogue::store_f32, kv_.data(),
                                  stream));
  }
  const bool generated = std::holds_alternative<MlaDecodeRows>(rows.plan);
  kernels::MlaAppendArgs append;
  append.q = q_.data();
  append.q_stride = is_behind ? q_width + kMlaRow : q_width;
  append.kv = is_behind ? q_.data() + q_width : kv_.data();
  append.kv_stride = is_behind ? append.q_stride : kMlaRow;
  append.tokens = rows.n_rows;
  append.heads = s.heads;
  append.n_latent = s.kv_lora_rank;
  append.norm = weights.kv_a_layernorm.data();
  append.eps = model_->eps;
  append.rope = model_->rope.data();
  append.positions = rows.positions;
  append.slots = rows.slots;
  append.cache = cache;
  append.q_head = generated ? nullptr : q_head_.data();
  append.q_nope = generated ? q_nope_.data() : nullptr;
  append.q_latent = generated ? q_latent_.data() : nullptr;
  marks_->begin(Operation::rope_append);
  return kernels::mla_append(append, stream);
}

Result<> MlaLayer::attend_absorbed(const DeviceMla& weights, const MlaDecodeRows& plan, int n_rows, const Bf16* cache,
                                   int n_pages, cudaStream_t stream) {
  const int heads = model_->sizes.heads;
  marks_->begin(Operation::key_map);
  ASSAY_TRY(
      multiply_heads(q_nope_.data(), kMlaNope, n_rows, heads, weights.key_map, q_latent_.data(), kMlaRow, stream));
  marks_->begin(Operation::attention);
  ASSAY_TRY(kernels::mla_decode_attention({q_latent_.data(),
                                           n_rows,
                                           heads,
                                           {cache, n_pages},
                                           model_->attention_scale,
                                           plan.items,
                                           plan.first_item,
                                           plan.pages,
                                           max_items_,
                                           n_rows,
                                           scratch_.data(),
                                           o_latent_.data()},
                                          stream));
  marks_->begin(Operation::value_map);
  return multiply_heads(o_latent_.data(), kMlaLatent, n_rows, heads, weights.value_map, attended_.data(), kMlaValue,
                        stream);
}

Result<> MlaLayer::attend_materialised(const DeviceMla& weights, const MlaPromptRows& plan, int n_rows,
                                       const Bf16* cache, int n_pages, cudaStream_t stream) {
  ASSAY_ASSERT(plan.n_keys <= max_keys_, "a pass of prompts continues one prompt at most");
  const int heads = model_->sizes.heads;
  marks_->begin(Operation::expand);
  ASSAY_TRY(kernels::mla_gather({{cache, n_pages}, plan.pages, plan.n_pages, gathered_.data()}, stream));
  const auto fitting = static_cast<std::int64_t>(expanded_.size()) / (std::int64_t{plan.n_keys} * kExpandedHead);
  const int block = static_cast<int>(std::min<std::int64_t>(heads, fitting));
  for (int first = 0; first < heads; first += block) {
    const int n_heads = std::min(block, heads - first);
    if (first > 0) marks_->begin(Operation::expand);
    kernels::MatmulBf16Args expand;
    expand.x = gathered_.data();
    expand.x_stride = kMlaRow;
    expand.m_rows = plan.n_keys;
    expand.w = weights.kv_b_proj.data.data() + std::ptrdiff_t{first} * kExpandedHead * kMlaLatent;
    expand.n_out = n_heads * kExpandedHead;
    expand.n_in = kMlaLatent;
    expand.epilogue = Epilogue::store_bf16;
    expand.y = expanded_.data();
    expand.y_stride = expand.n_out;
    ASSAY_TRY(kernels::matmul_bf16(expand, stream));
    marks_->begin(Operation::attention);
    ASSAY_TRY(kernels::mla_prefill_attention(
        {q_head_.data(), n_rows, heads, first, n_heads, gathered_.data(), expanded_.data(), plan.n_keys, plan.first_key,
         model_->attention_scale, plan.tiles, plan.n_tiles, attended_.data()},
        stream));
  }
  return {};
}

}  // namespace assay::runners
