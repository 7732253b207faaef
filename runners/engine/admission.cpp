#include "runners/engine/admission.h"

#include <algorithm>

namespace assay::runners {

namespace {

// What is taken for granted before anything is known weighs as much as so many samples that have ended.
constexpr std::int64_t kPriorSamples = 8;
constexpr std::int64_t kPriorShare = 8;  // of what a sample may have: one part of so many
// More makes samples wait that would have had room, less makes more leave the cache half-way. Played through with
// assay plan (an 8 B model on an H100, 1,584 samples of 2,000, 8,000 or 16,000 of 32,768 tokens in the mean): an eighth
// and a fifteenth are equally fast, a half takes 8 % longer.
constexpr std::int64_t kStillToCome = 8;  // one part of the mean

}  // namespace

std::int64_t pages_at_fullest(std::vector<PageNeed> needs) {
  std::sort(needs.begin(), needs.end(), [](const PageNeed& a, const PageNeed& b) { return a.n_to_come > b.n_to_come; });
  // Just before one ends, all that have as much to come or more have grown as it has.
  std::int64_t n_owned = 0, n_alive = 0, most = 0;
  for (const PageNeed& need : needs) {
    n_owned += need.n_owned;
    most = std::max(most, n_owned + ++n_alive * need.n_to_come);
  }
  return most;
}

std::int64_t LengthEstimate::expected(std::int64_t n_known, std::int64_t most) const {
  const std::int64_t mean = (kPriorSamples * (most / kPriorShare) + n_tokens_) / (kPriorSamples + n_ended_);
  return std::min(most, std::max(mean, n_known + mean / kStillToCome + 1));
}

}  // namespace assay::runners
