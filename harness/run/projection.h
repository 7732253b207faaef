#pragma once
// What passes measured on one machine would take on another: the model of a pass (runners/engine/pass_work.h) scales
// what each GPU does by itself, a fitted link (results/analysis/link_fit.h) what goes over links. Every figure is a
// projection, and has an error only where a measurement that took no part in it says how far off the method was. Pure.
//   t' = (t - L(α, B)) · P(to) / P(from) + L(α, B'),  L = Σ over the pass's collectives of α + bytes / B
//   t is measured, P the model's time of one GPU's share, B the fitted rate of the machine's links and B' that of the
//   other's. Sums and passes follow each other in the engine, so nothing of L is hidden behind P.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "results/analysis/link_fit.h"
#include "runners/engine/pass_work.h"

namespace assay::run {

/// Passes of one setting, as they were measured.
struct MeasuredPass {
  std::string name;  ///< of the point
  bool is_decode = true;
  double batch = 1;            ///< sequences, or prompts
  double tokens = 0;           ///< cached a sequence in the middle of the decode, or of each prompt
  double chunk_tokens = 4096;  ///< rows of a prefill pass at most
  int n_ranks = 1;
  bool splits_heads = false;  ///< tensor parallel: attention is summed over ranks too
  double ms = 0;              ///< of a decode pass, or of the whole prefill
};

/// The links of a machine: sums over its ranks, and gathered logits.
struct LinkFits {
  results::LinkFit all_reduce, all_gather;

  LinkFits at_rate(double gb_per_s) const { return {all_reduce.at_rate(gb_per_s), all_gather.at_rate(gb_per_s)}; }
};

struct ProjectedMachine {
  runners::DeviceRates rates;    ///< of one GPU
  std::optional<LinkFits> link;  ///< none where one GPU works alone
};

/// Milliseconds that the pass spends on links.
double link_ms(const MeasuredPass& pass, const runners::PassWork& work, const LinkFits& link);

/// Milliseconds of the pass on `to`, where it took pass.ms on `from`. Error{bad_input} where links alone would have
/// taken longer than was measured: then they are not those that were fitted.
Result<double> project_pass_ms(const MeasuredPass& pass, const runners::PassWork& work, const ProjectedMachine& from,
                               const ProjectedMachine& to);

/// A pass that was projected and has been measured too. The measurement took no part in the projection.
struct HeldOutPass {
  std::string name;
  double link_gb_per_s = 0;
  double projected_ms = 0, measured_ms = 0;

  double error_ratio() const { return projected_ms / measured_ms - 1; }
};

/// How far off a projection may be.
struct ProjectionError {
  double ratio = 0;             ///< of the time, to either side
  std::int64_t n_held_out = 0;  ///< passes that say so
  double coverage = 0;          ///< of passes like them; 0 where `ratio` is not made of such
  std::string from;             ///< in words
};

/// Rates of links within this factor of each other can speak for each other.
inline constexpr double kMostRateFactor = 1.25;
/// Fewer held-out passes say too little.
inline constexpr std::size_t kLeastHeldOut = 3;

/// The error of a projection to links of `link_gb_per_s`: the 95 % prediction interval of a further error, about zero,
/// by those of the held-out passes at such rates, t(0.975; n) · rms. The pass called `but` is left out:
/// its own measurement must not vouch for it. Error{bad_input} where fewer than kLeastHeldOut are left. Source: any
/// text on normal samples, prediction of a further observation where the mean is known.
Result<ProjectionError> held_out_error(std::span<const HeldOutPass> held_out, double link_gb_per_s,
                                       const std::string& but);

}  // namespace assay::run
