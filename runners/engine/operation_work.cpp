#include "runners/engine/operation_work.h"

#include <cmath>

#include "kernels/quantized/quantized.h"

namespace assay::runners {

namespace {

using kernels::WeightType;

constexpr double kF32Size = 4, kBf16Size = 2;

double n_elements(const WeightMatrix& w) { return static_cast<double>(w.n_out) * static_cast<double>(w.n_in); }

/// Bytes of a weight as the device has it.
double bytes_of_weight(const WeightMatrix& w, const OperationForm& form) {
  if (kernels::is_quantized(w.type)) {
    return static_cast<double>(kernels::n_panels(w.n_out)) * static_cast<double>(kernels::panel_bytes(w.type, w.n_in));
  }
  if (w.type == WeightType::f8_e4m3 && (!form.is_gpu || form.fp8_blocks)) return n_elements(w);
  if (form.is_gpu || w.type != WeightType::f32) return kBf16Size * n_elements(w);
  return kF32Size * n_elements(w);
}

/// What is the same for the operations of a pass.
struct Counting {
  const Model& model;
  const OperationForm& form;
  const PassShape& shape;

  double input() const { return form.is_gpu ? kBf16Size : kF32Size; }  // bytes of an element that a product takes

  /// The product of n_rows rows with weights of equal inputs; an element of its output is `output` bytes.
  OperationWork product(double n_rows, std::initializer_list<const WeightMatrix*> weights, double output) const {
    OperationWork work;
    for (const WeightMatrix* w : weights) {
      work.bytes += bytes_of_weight(*w, form) + n_rows * static_cast<double>(w->n_out) * output;
      work.flop += 2 * n_rows * n_elements(*w);
      work.is_fp8 = work.is_fp8 || (form.is_gpu && form.fp8_blocks && w->type == WeightType::f8_e4m3);
    }
    work.bytes += n_rows * static_cast<double>((*weights.begin())->n_in) * input();
    return work;
  }
  /// One that adds to the residual stream, which a CPU does apart.
  OperationWork added_product(double n_rows, const WeightMatrix& w) const {
    return product(n_rows, {&w}, form.is_gpu ? 2 * kF32Size : kF32Size);
  }
  /// Gate and up, whose outputs become one.
  OperationWork gated(double n_rows, const FfnWeights& ffn) const {
    return product(n_rows, {&ffn.gate_proj, &ffn.up_proj}, input() / 2);
  }
  /// Rows of `width` that are read once and written once.
  OperationWork through(double n_rows, double width, double in, double out) const {
    return {n_rows * width * (in + out), 0, false};
  }
  OperationWork latent(const MlaWeights& mla, Operation operation) const;
  OperationWork grouped(const GqaWeights& gqa, Operation operation) const;
  OperationWork experts(const MoeWeights& moe, Operation operation) const;
  OperationWork in_layer(const LayerWeights& layer, Operation operation) const;
  OperationWork outside(Operation operation) const;
};

OperationWork both(const OperationWork& a, const OperationWork& b) {
  return {a.bytes + b.bytes, a.flop + b.flop, a.is_fp8 || b.is_fp8};
}

OperationWork Counting::grouped(const GqaWeights& gqa, Operation operation) const {
  const double query = gqa.q_proj.n_out, key_value = gqa.k_proj.n_out + gqa.v_proj.n_out;
  switch (operation) {
    case Operation::qkv:
      return product(shape.n_rows, {&gqa.q_proj, &gqa.k_proj, &gqa.v_proj}, kF32Size);
    case Operation::rope_append:
      return through(shape.n_rows, query + key_value, kF32Size, input());
    case Operation::attention: {
      const double bytes = shape.n_keys * key_value * input() + 2 * shape.n_rows * query * input();
      return {bytes, 4 * shape.n_pairs * query, false};  // scores and sums, a multiply-add each
    }
    case Operation::attention_output:
      return added_product(shape.n_rows, gqa.o_proj);
    default:
      return {};
  }
}

OperationWork Counting::latent(const MlaWeights& mla, Operation operation) const {
  const ModelConfig& c = model.config;
  const auto heads = static_cast<double>(c.num_attention_heads), nope = static_cast<double>(c.qk_nope_head_dim),
             rope = static_cast<double>(c.qk_rope_head_dim), value = static_cast<double>(c.v_head_dim),
             rank = static_cast<double>(c.kv_lora_rank);
  const double rows = shape.n_rows, row = rank + rope;
  const auto* compressed = std::get_if<CompressedQuery>(&mla.query);
  const WeightMatrix& q = compressed != nullptr ? compressed->q_b_proj : std::get<PlainQuery>(mla.query).q_proj;
  const auto per_head = [&](double n_in, double n_out) {
    return OperationWork{heads * (n_in * n_out * input() + rows * (n_in + n_out) * input()),
                         2 * rows * heads * n_in * n_out, false};
  };
  // The latent is made in one go with a query that is not compressed; a CPU makes it so with a query's latent, too.
  switch (operation) {
    case Operation::q_a:
      if (compressed == nullptr) return {};
      return form.is_gpu ? product(rows, {&compressed->q_a_proj}, kF32Size)
                         : product(rows, {&compressed->q_a_proj, &mla.kv_a_proj_with_mqa}, kF32Size);
    case Operation::q_a_norm:
      return compressed == nullptr ? OperationWork{} : through(rows, compressed->q_a_proj.n_out, kF32Size, input());
    case Operation::q_b:
      return compressed != nullptr ? product(rows, {&q}, kF32Size)
                                   : product(rows, {&q, &mla.kv_a_proj_with_mqa}, kF32Size);
    case Operation::kv_a:
      return product(rows, {&mla.kv_a_proj_with_mqa}, kF32Size);
    case Operation::rope_append:
      return through(rows, heads * (nope + rope) + row, kF32Size, input());
    case Operation::key_map:
      return per_head(nope, rank);
    case Operation::value_map:
      return per_head(rank, value);
    case Operation::expand: {
      const double width = heads * (nope + value);
      return {bytes_of_weight(mla.kv_b_proj, {form.is_gpu, false}) + shape.n_keys * (row + width) * input(),
              2 * shape.n_keys * n_elements(mla.kv_b_proj), false};
    }
    case Operation::attention: {
      const bool is_absorbed = shape.role == PositionRole::generated;
      const double key = is_absorbed ? row : nope + rope, out = is_absorbed ? rank : value;
      const double cached = is_absorbed ? row : heads * (nope + value) + rope;
      return {(shape.n_keys * cached + rows * heads * (key + out)) * input(), 2 * shape.n_pairs * heads * (key + out),
              false};
    }
    case Operation::attention_output:
      return added_product(rows, mla.o_proj);
    default:
      return {};
  }
}

OperationWork Counting::experts(const MoeWeights& moe, Operation operation) const {
  const double rows = shape.n_rows, hidden = moe.router.n_in, n_experts = moe.router.n_out;
  const auto per_token = static_cast<double>(model.config.num_experts_per_tok);
  const double places = rows * per_token, n_hit = n_experts * (1 - std::pow(1 - per_token / n_experts, rows));
  const bool shared_together = !form.is_gpu && moe.shared_experts.has_value();
  // One expert's product on all places, with the weights of as many as are hit.
  const auto of_hit = [&](const OperationWork& one, std::initializer_list<const WeightMatrix*> weights) {
    OperationWork all = one;
    for (const WeightMatrix* w : weights) all.bytes += (n_hit - 1) * bytes_of_weight(*w, form);
    return all;
  };
  switch (operation) {
    case Operation::router: {
      OperationWork work = product(rows, {&moe.router}, 0);
      // A GPU has the weight in three parts that add up to float32.
      if (form.is_gpu && moe.router.type != WeightType::bf16) work.bytes += 2 * kBf16Size * n_elements(moe.router);
      return work;
    }
    case Operation::sort:  // a CPU copies the rows here, a GPU where it multiplies them
      return form.is_gpu ? OperationWork{} : through(places, hidden, kF32Size, kF32Size);
    case Operation::experts_gate_up: {
      const FfnWeights& expert = moe.experts.front();
      const OperationWork work = of_hit(gated(places, expert), {&expert.gate_proj, &expert.up_proj});
      return shared_together ? both(work, gated(rows, *moe.shared_experts)) : work;
    }
    case Operation::experts_down: {
      const FfnWeights& expert = moe.experts.front();
      const OperationWork work = of_hit(product(places, {&expert.down_proj}, kF32Size), {&expert.down_proj});
      return shared_together ? both(work, product(rows, {&moe.shared_experts->down_proj}, kF32Size)) : work;
    }
    case Operation::shared_gate_up:
      return moe.shared_experts ? gated(rows, *moe.shared_experts) : OperationWork{};
    case Operation::shared_down:
      return moe.shared_experts ? product(rows, {&moe.shared_experts->down_proj}, kF32Size) : OperationWork{};
    case Operation::combine:
      return {(places + (moe.shared_experts ? rows : 0) + (form.is_gpu ? 2 : 1) * rows) * hidden * kF32Size, 0, false};
    default:
      return {};
  }
}

OperationWork Counting::in_layer(const LayerWeights& layer, Operation operation) const {
  const auto hidden = static_cast<double>(model.config.hidden_size);
  switch (operation) {
    case Operation::attention_norm:
    case Operation::ffn_norm:
      return through(shape.n_rows, hidden, kF32Size, input());
    case Operation::residual:
      return {2 * 3 * shape.n_rows * hidden * kF32Size, 0, false};  // both of the layer
    case Operation::gate_up:
      if (const auto* ffn = std::get_if<FfnWeights>(&layer.ffn)) return gated(shape.n_rows, *ffn);
      return {};
    case Operation::down:
      if (const auto* ffn = std::get_if<FfnWeights>(&layer.ffn)) return added_product(shape.n_rows, ffn->down_proj);
      return {};
    case Operation::router:
    case Operation::sort:
    case Operation::experts_gate_up:
    case Operation::experts_down:
    case Operation::shared_gate_up:
    case Operation::shared_down:
    case Operation::combine:
      if (const auto* moe = std::get_if<MoeWeights>(&layer.ffn)) return experts(*moe, operation);
      return {};
    default:
      if (const auto* gqa = std::get_if<GqaWeights>(&layer.attention)) return grouped(*gqa, operation);
      return latent(std::get<MlaWeights>(layer.attention), operation);
  }
}

OperationWork Counting::outside(Operation operation) const {
  const auto hidden = static_cast<double>(model.config.hidden_size),
             vocab = static_cast<double>(model.config.vocab_size);
  switch (operation) {
    case Operation::embed: {
      const double row_bytes = bytes_of_weight(model.embed_tokens, form) / vocab;
      return {shape.n_rows * (row_bytes + hidden * kF32Size), 0, false};
    }
    case Operation::final_norm:  // a CPU norms all rows, a GPU those whose logits are made
      return through(form.is_gpu ? shape.n_draws : shape.n_rows, hidden, kF32Size, input());
    case Operation::head:
      return product(shape.n_draws, {&model.lm_head}, kF32Size);
    case Operation::sampling:
      return {shape.n_draws * vocab * kF32Size, 0, false};
    default:
      return {};
  }
}

}  // namespace

PassShape shape_of(const Pass& pass) {
  PassShape shape;
  shape.role = pass.role;
  for (const TokenSpan& span : pass.spans) {
    const double rows = span.n_rows(), first = span.first_position;
    shape.n_rows += rows;
    shape.n_keys += span.end_position();
    shape.n_pairs += rows * (first + (rows + 1) / 2);
  }
  for (std::size_t i = 0; i < pass.draws.size(); ++i) {
    if (i == 0 || pass.draws[i].row != pass.draws[i - 1].row) ++shape.n_draws;
  }
  return shape;
}

OperationWork operation_work(const Model& model, const OperationForm& form, const PassShape& shape,
                             const OperationPlace& place) {
  const Counting counting{model, form, shape};
  if (place.layer == kOutsideLayers) return shape.n_rows == 0 ? OperationWork{} : counting.outside(place.operation);
  if (static_cast<std::size_t>(place.layer) >= model.layers.size()) return {};
  return counting.in_layer(model.layers[static_cast<std::size_t>(place.layer)], place.operation);
}

}  // namespace assay::runners
