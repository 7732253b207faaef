#include "runners/engine/cpu/forward.h"

#include "harness/base/assert.h"
#include "kernels/matmul/matmul.h"

namespace assay::runners {

Forward::Forward(const Model& model, KvCache& cache, const Compute& compute)
    : model_(model),
      cache_(cache),
      compute_(compute),
      rope_(model.rope_frequencies, model.rope_magnitude),
      mla_(model, compute),
      gqa_(model, compute),
      feed_forward_(model, compute) {}

Result<std::span<const float>> Forward::run(std::span<const TokenSpan> spans, PositionRole role,
                                            const LayerObserver& observe) {
  const int n_rows = count_rows(spans);
  const std::size_t n = static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(model_.config.hidden_size);
  x_.resize(n);
  hidden_.resize(n);
  compute_.begin(Operation::embed);
  extend_rope(spans);
  embed(spans, x_.data());
  for (std::size_t i = 0; i < model_.layers.size(); ++i) {
    ASSAY_TRY(layer(model_.layers[i], static_cast<int>(i), spans, role, x_.data()));
    if (observe) observe(static_cast<int>(i), x_);
  }
  compute_.begin(Operation::final_norm);
  norm_rows(model_.norm, n_rows, x_.data(), hidden_.data());
  return std::span<const float>(hidden_);
}

Result<std::span<const float>> Forward::run_mtp(std::span<const TokenSpan> spans, PositionRole role,
                                                const float* main_hidden) {
  const MtpWeights& mtp = *model_.mtp;
  const int n_rows = count_rows(spans), hidden = static_cast<int>(model_.config.hidden_size);
  const std::size_t n = static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(hidden);
  x_.resize(n);
  mtp_hidden_.resize(n);
  pair_.resize(2 * n);
  extend_rope(spans);
  embed(spans, x_.data());
  const auto eps = static_cast<float>(model_.config.rms_norm_eps);
  compute_.for_rows(n_rows, [&](int row) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * hidden;
    float* pair = pair_.data() + 2 * at;
    compute_.ops.rmsnorm_row(x_.data() + at, mtp.enorm.data(), eps, hidden, pair);
    compute_.ops.rmsnorm_row(main_hidden + at, mtp.hnorm.data(), eps, hidden, pair + hidden);
  });
  compute_.multiply({pair_.data(), 2 * hidden, n_rows, mtp.eh_proj, x_.data(), hidden});
  ASSAY_TRY(layer(mtp.layer, static_cast<int>(model_.layers.size()), spans, role, x_.data()));
  norm_rows(mtp.shared_head_norm, n_rows, x_.data(), mtp_hidden_.data());
  return std::span<const float>(mtp_hidden_);
}

void Forward::logits(const float* hidden, int n_rows, float* out) {
  const WeightMatrix& head = model_.lm_head;
  compute_.begin(Operation::head);
  compute_.multiply({hidden, head.n_in, n_rows, head, out, head.n_out});
}

void Forward::extend_rope(std::span<const TokenSpan> spans) {
  constexpr int kStep = 1024;  // positions made at a time
  for (const TokenSpan& span : spans) rope_.extend((span.end_position() + kStep - 1) / kStep * kStep);
}

void Forward::embed(std::span<const TokenSpan> spans, float* x) {
  const int hidden = model_.embed_tokens.n_in;
  for (const TokenSpan& span : spans) {
    for (const std::int32_t token : span.tokens) {
      ASSAY_ASSERT(token >= 0 && token < model_.embed_tokens.n_out,
                   "prompts are checked, and draws are of the vocabulary");
    }
    compute_.for_rows(span.n_rows(), [&](int i) {
      weight_row(model_.embed_tokens, span.tokens[static_cast<std::size_t>(i)],
                 x + static_cast<std::ptrdiff_t>(i) * hidden);
    });
    x += static_cast<std::ptrdiff_t>(span.n_rows()) * hidden;
  }
}

Result<> Forward::layer(const LayerWeights& weights, int cache_layer, std::span<const TokenSpan> spans,
                        PositionRole role, float* x) {
  const int n_rows = count_rows(spans);
  const std::size_t n = static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(model_.config.hidden_size);
  normed_.resize(n);
  part_.resize(n);
  if (compute_.marks != nullptr) compute_.marks->enter_layer(cache_layer);
  compute_.begin(Operation::attention_norm);
  norm_rows(weights.input_layernorm, n_rows, x, normed_.data());
  if (const auto* mla = std::get_if<MlaWeights>(&weights.attention)) {
    mla_.run(*mla, cache_layer, cache_, rope_, spans, role, normed_.data(), part_.data());
  } else {
    gqa_.run(std::get<GqaWeights>(weights.attention), cache_layer, cache_, rope_, spans, normed_.data(), part_.data());
  }
  compute_.begin(Operation::residual);
  add_rows(n_rows, part_.data(), x);
  compute_.begin(Operation::ffn_norm);
  norm_rows(weights.post_attention_layernorm, n_rows, x, normed_.data());
  ASSAY_TRY(feed_forward_.run(weights, n_rows, normed_.data(), part_.data()));
  compute_.begin(Operation::residual);
  add_rows(n_rows, part_.data(), x);
  if (compute_.marks != nullptr) compute_.marks->leave_layers();
  return {};
}

void Forward::norm_rows(const std::vector<float>& weight, int n_rows, const float* x, float* y) {
  const auto hidden = static_cast<int>(model_.config.hidden_size);
  const auto eps = static_cast<float>(model_.config.rms_norm_eps);
  compute_.for_rows(n_rows, [&](int row) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * hidden;
    compute_.ops.rmsnorm_row(x + at, weight.data(), eps, hidden, y + at);
  });
}

void Forward::add_rows(int n_rows, const float* part, float* x) {
  const auto hidden = static_cast<int>(model_.config.hidden_size);
  compute_.for_rows(n_rows, [&](int row) {
    const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(row) * hidden;
    for (int j = 0; j < hidden; ++j) x[at + j] += part[at + j];
  });
}

}  // namespace assay::runners
