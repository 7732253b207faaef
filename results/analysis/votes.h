#pragma once
// What several samples of an item are worth together: any of k right, all of k right, the majority of k right. Pure.

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "harness/base/result.h"
#include "results/analysis/bootstrap.h"

namespace assay::results {

/// pass@k from c correct among n samples of one item (unbiased): 1 - C(n-c, k) / C(n, k).
/// n >= k >= 1 and 0 <= c <= n, else Error{bad_input}. Result in [0, 1].
/// Source: Chen et al. 2021, arXiv:2107.03374, equation 1.
Result<double> pass_at_k(std::int64_t n, std::int64_t c, std::int64_t k);

/// pass^k, the chance that all of k samples are right: C(c, k) / C(n, k). Preconditions as for pass_at_k.
Result<double> pass_hat_k(std::int64_t n, std::int64_t c, std::int64_t k);

/// A sample's vote: its canonical answer, none if nothing could be extracted, and whether it was judged correct.
struct Vote {
  std::optional<std::string> answer;
  bool correct = false;
};

/// maj@k: the expected score of the majority answer among k of the item's samples, over all subsets of k. Exact, unless
/// that would take more than some hundredths of a second (a few hundred samples): then the mean over
/// sampling.n_resamples random subsets, the same for the same seed. A sample without an answer is drawn but never
/// votes; no votes at all score 0; tied winners share. An answer is worth the share of its samples that were judged
/// correct. 1 <= k <= votes and at most 10,000 votes, else Error{bad_input}.
Result<double> maj_at_k(std::span<const Vote> votes, std::int64_t k, const BootstrapOptions& sampling = {});

}  // namespace assay::results
