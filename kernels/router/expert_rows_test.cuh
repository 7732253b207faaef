#pragma once
// Routings for tests of the kernels that follow the router: random experts, and their rows on the device.

#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/device/gpu_test.cuh"
#include "kernels/router/expert_rows.cuh"

namespace assay::tests {

/// Ascending experts of each token. `skew` > 0 prefers low experts; experts from `n_used` on get no rows.
inline std::vector<std::int32_t> random_slots(std::mt19937& generator, int tokens, int per_token, int n_used,
                                              double skew) {
  std::vector<std::int32_t> slots;
  std::vector<double> weights;
  for (int e = 0; e < n_used; ++e) weights.push_back(1 / (1 + skew * e));
  for (int t = 0; t < tokens; ++t) {
    std::vector<double> left = weights;
    std::vector<std::int32_t> chosen;
    for (int k = 0; k < per_token; ++k) {
      std::discrete_distribution<std::int32_t> draw(left.begin(), left.end());
      chosen.push_back(draw(generator));
      left[static_cast<std::size_t>(chosen.back())] = 0;
    }
    std::sort(chosen.begin(), chosen.end());
    slots.insert(slots.end(), chosen.begin(), chosen.end());
  }
  return slots;
}

/// Buffers of an ExpertRows, poisoned, and the call that fills them.
struct ExpertRowsOnDevice {
  kernels::DeviceBuffer<std::int32_t> slots, first_place, places, tokens, n_tiles;
  kernels::DeviceBuffer<kernels::ExpertTile> tiles;
  kernels::ExpertRowsArgs args;

  /// `n_own` experts from `first_own` on; 0: all.
  ExpertRowsOnDevice(const std::vector<std::int32_t>& chosen, int per_token, int n_experts, int tile_rows,
                     int first_own = 0, int n_own = 0)
      : slots(on_device(chosen)),
        first_place(poisoned<std::int32_t>(static_cast<std::size_t>(n_experts) + 1)),
        places(poisoned<std::int32_t>(chosen.size())),
        tokens(poisoned<std::int32_t>(chosen.size())),
        n_tiles(poisoned<std::int32_t>(1)) {
    const int n_tokens = static_cast<int>(chosen.size()) / per_token;
    tiles = poisoned<kernels::ExpertTile>(
        static_cast<std::size_t>(kernels::max_expert_tiles(n_tokens, per_token, n_experts, tile_rows)));
    args = {slots.data(), n_tokens,  per_token,
            n_experts,    tile_rows, {first_place.data(), places.data(), tokens.data(), tiles.data(), n_tiles.data()},
            first_own,    n_own};
    must(kernels::expert_rows(args, nullptr));
  }
};

}  // namespace assay::tests
