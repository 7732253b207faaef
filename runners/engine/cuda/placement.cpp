#include "runners/engine/cuda/placement.h"

#include <numeric>

#include "kernels/matmul/matmul.h"

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

bool is_whole(const Axis& axis, int n) { return axis.empty() || axis == whole(n); }

Axis run_axis(Share share) {
  Axis axis(static_cast<std::size_t>(share.n));
  std::iota(axis.begin(), axis.end(), share.first);
  return axis;
}

std::optional<Share> run_of(const Axis& axis, int n) {
  if (axis.empty()) return Share{0, n};
  for (std::size_t i = 0; i < axis.size(); ++i) {
    if (axis[i] < 0 || axis[i] != axis[0] + static_cast<int>(i)) return {};
  }
  return Share{axis[0], static_cast<int>(axis.size())};
}

std::optional<Share> blocks_of(const Axis& axis, int n) {
  const std::optional<Share> run = run_of(axis, n);
  const auto is_edge = [n](int at) { return at == n || at % kernels::kScaleBlock == 0; };
  return run && is_edge(run->first) && is_edge(run->first + run->n) ? run : std::nullopt;
}

void append_rows(const kernels::WeightMatrix& w, const Axis& axis, std::vector<RowSource>& rows) {
  for (const int row : axis) rows.push_back(row < 0 ? RowSource{} : RowSource{&w, row});
}

void append_values(const std::vector<float>& values, const Axis& axis, std::vector<float>& to) {
  for (const int i : axis) to.push_back(i < 0 ? 0.0f : values[static_cast<std::size_t>(i)]);
}

}  // namespace assay::runners
