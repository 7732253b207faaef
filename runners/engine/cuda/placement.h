#pragma once
// Where rows and columns of a model's weights go on the device: in another order, several weights in one, filled up
// with zeros.

#include <optional>
#include <vector>

#include "kernels/quantized/device_layout.h"
#include "runners/engine/parallel.h"

namespace assay::runners {

/// A run of places that n_from values fill from its start; the rest are zeros.
struct Segment {
  int n_from = 0;
  int n_to = 0;
};

/// Place on the device -> index in the model, or -1 for a zero.
using Axis = std::vector<int>;
/// `n` times the same segments, one after the other: the parts of every head.
Axis repeated(int n, const std::vector<Segment>& segments);
/// n values and then zeros.
inline Axis filled(int n, int n_to) { return repeated(1, {{n, n_to}}); }
/// n values in their order.
inline Axis whole(int n) { return filled(n, n); }
/// True for those, and for an empty axis, which means: as they are.
bool is_whole(const Axis& axis, int n);
/// The values of a share.
Axis run_axis(Share share);
/// The share of n values that an axis is (empty: all of them); none if they don't follow each other.
std::optional<Share> run_of(const Axis& axis, int n);
/// The same, if blocks of 128 are cut nowhere.
std::optional<Share> blocks_of(const Axis& axis, int n);

/// Part `rank` of an axis that `n_ranks` share equally.
Axis part_of(const Axis& axis, int rank, int n_ranks);

/// Rows of one or more weights; a null weight is a row of zeros.
using RowSource = kernels::DeviceRow;
void append_rows(const kernels::WeightMatrix& w, const Axis& axis, std::vector<RowSource>& rows);

/// The same for values: a norm's weight, a bias.
void append_values(const std::vector<float>& values, const Axis& axis, std::vector<float>& to);

}  // namespace assay::runners
