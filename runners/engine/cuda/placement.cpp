#include "runners/engine/cuda/placement.h"

namespace assay::runners {

Axis repeated(int n, const std::vector<Segment>& segments) {
  Axis axis;
  int next = 0;
  for (int i = 0; i < n; ++i) {
    for (const Segment& segment : segments) {
      for (int place = 0; place < segment.n_to; ++place) axis.push_back(place < segment.n_from ? next++ : -1);
    }
  }
  return axis;
}

Axis part_of(const Axis& axis, int rank, int n_ranks) {
  const auto n = static_cast<std::ptrdiff_t>(axis.size()) / n_ranks;
  return {axis.begin() + rank * n, axis.begin() + (rank + 1) * n};
}

void append_rows(const kernels::WeightMatrix& w, const Axis& axis, std::vector<RowSource>& rows) {
  for (const int row : axis) rows.push_back(row < 0 ? RowSource{} : RowSource{&w, row});
}

void append_values(const std::vector<float>& values, const Axis& axis, std::vector<float>& to) {
  for (const int i : axis) to.push_back(i < 0 ? 0.0f : values[static_cast<std::size_t>(i)]);
}

}  // namespace assay::runners
