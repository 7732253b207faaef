#include "harness/run/projection.h"

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"
#include "results/analysis/distributions.h"

namespace assay::run {

namespace {

constexpr double kFloatBytes = 4;

/// What one of n GPUs has of a pass: weights, caches and operations are split, layers and their starts are not. Latent
/// caches are on every GPU, which is left out: they are small.
runners::PassWork share_of(const runners::PassWork& work, int n_ranks) {
  runners::PassWork share = work;
  for (double runners::PassWork::*part :
       {&runners::PassWork::weight_bytes, &runners::PassWork::expert_bytes, &runners::PassWork::kv_bytes_per_token,
        &runners::PassWork::flop_per_token, &runners::PassWork::attention_flop_per_pair}) {
    share.*part /= n_ranks;
  }
  return share;
}

double modelled_s(const MeasuredPass& pass, const runners::PassWork& work, const runners::DeviceRates& rates) {
  const runners::PassWork share = share_of(work, pass.n_ranks);
  if (pass.is_decode) return runners::decode_pass_s(share, rates, pass.batch, pass.batch * pass.tokens);
  return runners::prefill_s(share, rates, pass.batch * pass.tokens, pass.tokens, pass.chunk_tokens);
}

}  // namespace

double link_ms(const MeasuredPass& pass, const runners::PassWork& work, const LinkFits& link) {
  if (pass.n_ranks == 1) return 0;
  const double others = pass.n_ranks - 1;
  const double n_sums = work.n_layers * (pass.splits_heads ? 2 : 1);
  const auto sums_us = [&](double rows) {
    return n_sums * link.all_reduce.time_us(2 * others / pass.n_ranks * rows * work.hidden_size * kFloatBytes);
  };
  const auto logits_us = [&](double rows) {
    return link.all_gather.time_us(others * rows * work.vocab_size / pass.n_ranks * kFloatBytes);
  };
  if (pass.is_decode) return 1e-3 * (sums_us(pass.batch) + logits_us(pass.batch));
  // Whole chunks and what is left; each prompt's last position has logits.
  const double n_tokens = pass.batch * pass.tokens, n_whole = std::floor(n_tokens / pass.chunk_tokens);
  const double rest = n_tokens - n_whole * pass.chunk_tokens;
  return 1e-3 * (n_whole * sums_us(pass.chunk_tokens) + (rest > 0 ? sums_us(rest) : 0) + logits_us(pass.batch));
}

Result<double> project_pass_ms(const MeasuredPass& pass, const runners::PassWork& work, const ProjectedMachine& from,
                               const ProjectedMachine& to) {
  const double spent_ms = from.link ? link_ms(pass, work, *from.link) : 0;
  if (!(spent_ms < pass.ms)) {
    return bad_input(pass.name, ": took ", to_fixed(pass.ms, 3), " ms, and its links alone would take ",
                     to_fixed(spent_ms, 3), " ms: they are not those that the collectives were measured on");
  }
  const double scale = modelled_s(pass, work, to.rates) / modelled_s(pass, work, from.rates);
  return (pass.ms - spent_ms) * scale + (to.link ? link_ms(pass, work, *to.link) : 0);
}

Result<ProjectionError> held_out_error(std::span<const HeldOutPass> held_out, double link_gb_per_s,
                                       const std::string& but) {
  ProjectionError error;
  double squares = 0;
  for (const HeldOutPass& pass : held_out) {
    const double factor = std::max(pass.link_gb_per_s / link_gb_per_s, link_gb_per_s / pass.link_gb_per_s);
    if (pass.name == but || factor > kMostRateFactor) continue;
    squares += pass.error_ratio() * pass.error_ratio();
    ++error.n_held_out;
  }
  if (error.n_held_out < static_cast<std::int64_t>(kLeastHeldOut)) {
    return bad_input("no evidence: ", error.n_held_out,
                     " other passes of this model were measured with links held back to about ",
                     to_fixed(link_gb_per_s, 0), " GB/s, at least ", kLeastHeldOut, " are needed");
  }
  const auto n = static_cast<double>(error.n_held_out);
  constexpr double kCoverage = 0.95;
  ASSAY_ASSIGN(const double t, results::t_quantile(n, (1 + kCoverage) / 2));
  error.coverage = kCoverage;
  error.ratio = t * std::sqrt(squares / n);
  error.from = "by the errors of " + to_text(error.n_held_out) + " emulated passes that took no part in it";
  return error;
}

}  // namespace assay::run
