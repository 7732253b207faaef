#include <algorithm>

#include "kernels/attention/prefill_attention.cuh"

namespace assay::kernels {

std::vector<PrefillTile> plan_prefill(std::span<const PrefillSpan> spans) {
  std::vector<PrefillTile> tiles;
  for (const PrefillSpan& span : spans) {
    for (int first = 0; first < span.n_rows; first += kPrefillTileRows) {
      tiles.push_back({span.first_row + first, std::min(kPrefillTileRows, span.n_rows - first),
                       span.first_position + first, span.sequence, span.first_position + span.n_rows});
    }
  }
  std::stable_sort(tiles.begin(), tiles.end(), [](const PrefillTile& a, const PrefillTile& b) {
    return a.first_position + a.n_rows > b.first_position + b.n_rows;
  });
  return tiles;
}

}  // namespace assay::kernels
