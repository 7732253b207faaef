#include "runners/engine/cuda/ffn_layer.h"

#include "kernels/router/combine_rows.cuh"
#include "kernels/router/route_and_sort.cuh"
#include "runners/engine/cuda/device_product.h"

namespace assay::runners {

using kernels::Epilogue;

namespace {

constexpr int kMaxRouterParts = 3;
constexpr int kLeastTileRows = 8;  // gives the most tiles

}  // namespace

Result<FfnLayer> FfnLayer::create(const DeviceModel& model, const DeviceProducts& products, const OperationMarks& marks,
                                  const ForwardLimits& limits) {
  const DeviceSizes& s = model.sizes;
  const int rows = limits.rows(), per_token = s.num_experts_per_tok;
  FfnLayer layer(model, products, marks);
  ASSAY_ASSIGN(layer.gated_, rows_buffer<Bf16>(rows, s.max_ffn_width));
  if (s.n_routed_experts == 0) return layer;
  const std::int64_t places = std::int64_t{rows} * per_token;
  if (s.has_shared_experts) {
    ASSAY_ASSIGN(layer.shared_output_, rows_buffer<float>(rows, s.hidden));
  }
  ASSAY_ASSIGN(layer.router_logits_, rows_buffer<float>(rows, kMaxRouterParts * s.n_routed_experts));
  ASSAY_ASSIGN(layer.slots_, rows_buffer<std::int32_t>(rows, per_token));
  ASSAY_ASSIGN(layer.slot_weights_, rows_buffer<float>(rows, per_token));
  ASSAY_ASSIGN(layer.failed_, DeviceBuffer<int>::create(1));
  ASSAY_ASSIGN(layer.first_place_, rows_buffer<std::int32_t>(1, s.n_routed_experts + 1));
  ASSAY_ASSIGN(layer.places_, rows_buffer<std::int32_t>(rows, per_token));
  ASSAY_ASSIGN(layer.tokens_, rows_buffer<std::int32_t>(rows, per_token));
  ASSAY_ASSIGN(layer.n_tiles_, DeviceBuffer<std::int32_t>::create(1));
  ASSAY_ASSIGN(layer.tiles_, rows_buffer<kernels::ExpertTile>(
                                 1, kernels::max_expert_tiles(rows, per_token, s.n_routed_experts, kLeastTileRows)));
  ASSAY_ASSIGN(layer.sorted_, rows_buffer<Bf16>(places, s.hidden));
  ASSAY_ASSIGN(layer.sorted_gated_, rows_buffer<Bf16>(places, s.moe_width));
  ASSAY_ASSIGN(layer.sorted_output_, rows_buffer<float>(places, s.hidden));
  return layer;
}

Result<> FfnLayer::run(const DeviceFfn& weights, const PassRows& rows, const Bf16* normed, const LayerOutput& out,
                       cudaStream_t stream) {
  marks_->begin(Operation::gate_up);
  ASSAY_TRY(products_->multiply(normed, rows.n_rows, rows.role(), weights.gate_up, Epilogue::swiglu_bf16, gated_.data(),
                                stream));
  marks_->begin(Operation::down);
  return products_->multiply(gated_.data(), rows.n_rows, rows.role(), weights.down, out.epilogue(), out.y, stream);
}

kernels::ExpertRows FfnLayer::expert_rows() const {
  return {first_place_.data(), places_.data(), tokens_.data(), tiles_.data(), n_tiles_.data()};
}

Result<> FfnLayer::run(const DeviceMoe& weights, const PassRows& rows, const Bf16* normed, const LayerOutput& out,
                       cudaStream_t stream) {
  const DeviceSizes& s = model_->sizes;
  const int n_rows = rows.n_rows, per_token = s.num_experts_per_tok, n_experts = s.n_routed_experts;
  const int n_places = n_rows * per_token;
  // 1. Route every row, and bring the rows of each expert together; the shared network beside it. Routing and sorting
  // are of a few blocks, and the shared products' weights come meanwhile.
  const int tile_rows = kernels::choose_expert_tile_rows(n_rows, per_token, n_experts);
  const kernels::RouteRowsArgs route{weights.args,  router_logits_.data(), weights.router_parts, n_rows,
                                     slots_.data(), slot_weights_.data(),  failed_.data()};
  const kernels::ExpertRowsArgs sort{slots_.data(), n_rows,        per_token,      n_experts,
                                     tile_rows,     expert_rows(), s.first_expert, s.n_own_experts};
  const bool at_once = n_rows <= kernels::kMaxRowsAtOnce;
  const bool gathers_at_once = at_once && std::holds_alternative<DeviceMatrix>(weights.gate_up);
  marks_->begin(Operation::router);
  ASSAY_TRY(multiply(normed, n_rows, weights.router, Epilogue::store_f32, router_logits_.data(), stream));
  if (at_once) {
    ASSAY_TRY(
        kernels::route_and_sort({route, sort, gathers_at_once ? normed : nullptr, s.hidden, sorted_.data()}, stream));
  } else {
    ASSAY_TRY(kernels::route_rows(route, stream));
  }
  if (weights.shared) {
    marks_->begin(Operation::shared_gate_up);
    ASSAY_TRY(products_->multiply(normed, n_rows, rows.role(), weights.shared->gate_up, Epilogue::swiglu_bf16,
                                  gated_.data(), stream));
  }
  if (!at_once) {
    marks_->begin(Operation::sort);
    ASSAY_TRY(kernels::expert_rows(sort, stream));
  }
  if (weights.shared) {
    marks_->begin(Operation::shared_down);
    ASSAY_TRY(products_->multiply(gated_.data(), n_rows, rows.role(), weights.shared->down, Epilogue::store_f32,
                                  shared_output_.data(), stream));
  }
  // 2. Every own expert's network on its rows.
  const ExpertPlaces places{expert_rows(), n_places, s.n_own_experts, tile_rows};
  marks_->begin(Operation::experts_gate_up);
  ASSAY_TRY(products_->multiply_grouped(gathers_at_once ? sorted_.data() : normed,
                                        gathers_at_once ? nullptr : sorted_.data(), places, weights.gate_up,
                                        Epilogue::swiglu_bf16, sorted_gated_.data(), stream));
  marks_->begin(Operation::experts_down);
  ASSAY_TRY(products_->multiply_grouped(sorted_gated_.data(), nullptr, places, weights.down, Epilogue::store_f32,
                                        sorted_output_.data(), stream));
  // 3. Weigh and add: slots in ascending expert, then the shared expert.
  marks_->begin(Operation::combine);
  return kernels::combine_rows(
      {sorted_output_.data(), places_.data(), slot_weights_.data(), weights.shared ? shared_output_.data() : nullptr,
       n_rows, per_token, s.hidden, out.y, out.is_part},
      stream);
}

}  // namespace assay::runners
