#pragma once
// Which clusters a resample draws: the one generator of every bootstrap. Pure.

#include <array>
#include <cstdint>

#include "harness/base/philox.h"

namespace assay::results {

/// Calls `use` with n numbers in [0, n), those of one resample. Word w of resample r comes from the Philox counter
/// {w / 4, r, 0, 0}. n is at most 2³² - 1.
template <class Use>
void draw_clusters(std::size_t n, std::int64_t resample, std::uint64_t seed, const Use& use) {
  const std::array<std::uint32_t, 2> key = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  std::array<std::uint32_t, 4> words{};
  for (std::size_t draw = 0; draw < n; ++draw) {
    if (draw % 4 == 0) {
      words = philox({static_cast<std::uint32_t>(draw / 4), static_cast<std::uint32_t>(resample), 0, 0}, key);
    }
    // word · n / 2³² picks evenly to within n / 2³².
    use(static_cast<std::size_t>(std::uint64_t{words[draw % 4]} * n >> 32));
  }
}

}  // namespace assay::results
