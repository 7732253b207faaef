#include "runners/engine/cuda/cuda_forward.h"

#include <algorithm>
#include <utility>

#include "kernels/quantized/quantized_rows.cuh"
#include "kernels/rmsnorm/mtp_pair.cuh"
#include "kernels/rmsnorm/rmsnorm_bf16.cuh"
#include "runners/engine/cuda/device_product.h"

namespace assay::runners {

using kernels::Epilogue;

Result<CudaForward> CudaForward::create(const DeviceModel& model, OperationMarks& marks, const ForwardLimits& limits,
                                        const RankBuffers& ranks) {
  const DeviceSizes& s = model.sizes;
  CudaForward f(model, marks, limits, ranks);
  ASSAY_ASSIGN(DeviceProducts products,
               DeviceProducts::create(model, limits.rows() * std::max(1, s.num_experts_per_tok)));
  f.products_ = std::make_unique<DeviceProducts>(std::move(products));
  if (s.is_mla) {
    ASSAY_ASSIGN(f.attention_, MlaLayer::create(model, *f.products_, marks, limits));
  } else {
    ASSAY_ASSIGN(f.attention_, GqaLayer::create(model, *f.products_, marks, limits));
  }
  ASSAY_ASSIGN(f.ffn_, FfnLayer::create(model, *f.products_, marks, limits));
  if (ranks.links == nullptr) {
    ASSAY_ASSIGN(f.x_, rows_buffer<float>(limits.rows(), s.hidden));
  }
  ASSAY_ASSIGN(f.normed_, rows_buffer<Bf16>(limits.rows(), s.hidden));
  if (limits.kept_states > 0) {
    ASSAY_ASSIGN(f.states_, rows_buffer<Bf16>(limits.rows() + limits.kept_states, s.hidden));
    ASSAY_ASSIGN(f.pair_, rows_buffer<Bf16>(limits.rows(), 2 * s.hidden));
  }
  ASSAY_ASSIGN(f.logits_, rows_buffer<float>(limits.logits_rows, s.head_rows));
  if (ranks.processes != nullptr) {
    ASSAY_ASSIGN(f.part_, rows_buffer<float>(limits.rows(), s.hidden));
    ASSAY_ASSIGN(f.all_logits_, rows_buffer<float>(limits.logits_rows, s.vocab_rows));
  }
  return f;
}

Bf16* CudaForward::plane(int index) const {
  return cache_.memory + std::ptrdiff_t{index} * cache_.n_pages * model_->sizes.page_elements();
}

Result<> CudaForward::run(const PassRows& rows, const int* drawn, cudaStream_t stream,
                          const std::function<Result<>(int layer)>& after_layer) {
  const DeviceModel& m = *model_;
  n_sums_ = 0;
  marks_->begin(Operation::embed);
  ASSAY_TRY(embed(rows, drawn, stream));
  for (std::size_t i = 0; i < m.layers.size(); ++i) {
    ASSAY_TRY(layer(m.layers[i], static_cast<int>(i), rows, stream));
    if (after_layer) ASSAY_TRY(after_layer(static_cast<int>(i)));
  }
  ASSAY_TRY(end_sums(stream));
  if (states_.size() == 0) return {};
  marks_->begin(Operation::final_norm);
  return kernels::rmsnorm_bf16({x(), nullptr, m.norm.data(), m.eps, rows.n_rows, m.sizes.hidden, states_.data()},
                               stream);
}

Result<> CudaForward::embed(const PassRows& rows, const int* drawn, cudaStream_t stream) {
  const DeviceWeight& table = model_->embed_tokens;
  const int hidden = model_->sizes.hidden;
  if (const auto* bf16 = std::get_if<DeviceMatrix>(&table)) {
    return kernels::embed_rows({bf16->data.data(), rows.ids, drawn, rows.n_rows, hidden, x()}, stream);
  }
  const DeviceRows& all = std::get<DeviceQuantizedMatrix>(table).parts.front();  // one tensor, so one part
  return kernels::embed_quantized_rows({all.blocks.data(), all.type, rows.ids, drawn, rows.n_rows, hidden, x()},
                                       stream);
}

Result<> CudaForward::run_mtp(const PassRows& rows, const int* states, cudaStream_t stream) {
  const DeviceModel& m = *model_;
  const DeviceMtp& mtp = *m.mtp;
  const auto& table = std::get<DeviceMatrix>(m.embed_tokens);  // models with an MTP module keep no quantised weights
  ASSAY_TRY(kernels::mtp_pair({table.data.data(), rows.ids, states_.data(), states, mtp.enorm.data(), mtp.hnorm.data(),
                               m.eps, rows.n_rows, m.sizes.hidden, pair_.data()},
                              stream));
  ASSAY_TRY(products_->multiply(pair_.data(), rows.n_rows, rows.role(), mtp.eh_proj, Epilogue::store_f32, x(), stream));
  n_sums_ = 0;
  ASSAY_TRY(layer(mtp.layer, static_cast<int>(m.layers.size()), rows, stream));
  ASSAY_TRY(end_sums(stream));
  return norm(mtp.shared_head_norm, nullptr, rows.n_rows, stream);
}

Result<> CudaForward::layer(const DeviceLayer& weights, int cache_layer, const PassRows& rows, cudaStream_t stream) {
  marks_->enter_layer(cache_layer);
  marks_->begin(Operation::attention_norm);
  ASSAY_TRY(norm(weights.input_layernorm, nullptr, rows.n_rows, stream));
  const LayerOutput attended = next_output(model_->shard.splits_heads());
  if (auto* mla = std::get_if<MlaLayer>(&attention_)) {
    ASSAY_TRY(mla->run(std::get<DeviceMla>(weights.attention), rows, normed_.data(), plane(cache_layer), cache_.n_pages,
                       attended, stream));
  } else {
    ASSAY_TRY(std::get<GqaLayer>(attention_)
                  .run(std::get<DeviceGqa>(weights.attention), rows, normed_.data(), plane(cache_layer), cache_.n_pages,
                       attended, stream));
  }
  ASSAY_TRY(add_parts(attended, rows.n_rows, stream));
  marks_->begin(Operation::ffn_norm);
  ASSAY_TRY(norm(weights.post_attention_layernorm, nullptr, rows.n_rows, stream));
  const LayerOutput fed = next_output(!model_->shard.is_whole());
  const auto run_ffn = [&](const auto& ffn) {
    return std::get<FfnLayer>(ffn_).run(ffn, rows, normed_.data(), fed, stream);
  };
  ASSAY_TRY(std::visit(run_ffn, weights.ffn));
  marks_->leave_layers();
  return add_parts(fed, rows.n_rows, stream);
}

LayerOutput CudaForward::next_output(bool is_part) const {
  if (!is_part) return {x(), false};
  if (ranks_.processes != nullptr) return {part_.data(), true};
  return {ranks_.parts[n_sums_ % 2][static_cast<std::size_t>(ranks_.links->rank)], true};
}

Result<> CudaForward::add_parts(const LayerOutput& out, int n_rows, cudaStream_t stream) {
  if (!out.is_part) return {};
  const std::int64_t n = std::int64_t{n_rows} * model_->sizes.hidden;
  if (ranks_.processes != nullptr) return ranks_.processes->all_reduce(part_.data(), x(), n, stream);
  kernels::AllReduceArgs args;
  args.links = ranks_.links;
  const auto& parts = ranks_.parts[n_sums_ % 2];
  std::copy(parts.begin(), parts.end(), args.parts.begin());
  args.x = ranks_.x;
  args.n = n;
  args.pace = ranks_.pace;
  ++n_sums_;
  return kernels::all_reduce(args, stream);
}

/// The next pass begins with the first buffer of parts again: the others must have read it.
Result<> CudaForward::end_sums(cudaStream_t stream) {
  if (n_sums_ % 2 == 0) return {};
  return kernels::meet_ranks(*ranks_.links, stream);
}

Result<> CudaForward::norm(const DeviceBuffer<float>& weight, const int* rows, int n, cudaStream_t stream) {
  return kernels::rmsnorm_bf16({x(), rows, weight.data(), model_->eps, n, model_->sizes.hidden, normed_.data()},
                               stream);
}

Result<> CudaForward::final_norm(const int* rows, int n, cudaStream_t stream) {
  marks_->begin(Operation::final_norm);
  return norm(model_->norm, rows, n, stream);
}

Result<> CudaForward::head(int first, int n, cudaStream_t stream) {
  const Bf16* rows = normed_.data() + std::ptrdiff_t{first} * model_->sizes.hidden;
  marks_->begin(Operation::head);
  // Few rows of a pass need logits, so that prompts' are made as those of generated positions are.
  ASSAY_TRY(products_->multiply(rows, n, PositionRole::generated, model_->head(), Epilogue::store_f32, logits_.data(),
                                stream));
  if (ranks_.processes != nullptr) {
    return ranks_.processes->all_gather(logits_.data(), logits(), n, model_->sizes.head_rows, stream);
  }
  if (ranks_.links == nullptr) return {};
  return kernels::all_gather({ranks_.links, logits_.data(), ranks_.logits, n, model_->sizes.head_rows, 0, ranks_.pace},
                             stream);
}

}  // namespace assay::runners
