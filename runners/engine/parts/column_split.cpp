#include "runners/engine/parts/column_split.h"

#include <algorithm>
#include <utility>

namespace assay::runners {

namespace {

using kernels::ColumnRange;
using kernels::MatmulArgs;

std::size_t n_values(const MatmulArgs& product, const ColumnRange& columns) {
  return static_cast<std::size_t>(product.m_rows) * static_cast<std::size_t>(columns.end - columns.begin);
}

}  // namespace

ColumnRange columns_of(int n_out, int part, int n_parts) {
  const std::int64_t n_panels = (n_out + kernels::kPanelRows - 1) / kernels::kPanelRows;
  const auto column = [&](int at) {
    return std::min(n_out, static_cast<int>(n_panels * at / n_parts) * kernels::kPanelRows);
  };
  return {column(part), column(part + 1)};
}

ColumnSplit::ColumnSplit(PartGroup& group) : group_(group), of_(static_cast<std::size_t>(group.n_parts())) {}

void ColumnSplit::multiply(const kernels::CpuOps& ops, kernels::ThreadPool& pool,
                           std::span<const MatmulArgs> products) {
  const int n_parts = group_.n_parts();
  own_.assign(products.begin(), products.end());
  for (MatmulArgs& product : own_) product.columns = columns_of(product.w.n_out, group_.part(), n_parts);
  matmul(ops, pool, own_.data(), static_cast<int>(own_.size()));

  std::vector<std::span<std::byte>> bytes;
  for (int part = 0; part < n_parts; ++part) {
    std::size_t n = 0;
    for (const MatmulArgs& product : products) n += n_values(product, columns_of(product.w.n_out, part, n_parts));
    auto& values = of_[static_cast<std::size_t>(part)];
    values.resize(n);
    bytes.push_back(std::as_writable_bytes(std::span(values)));
  }
  /// Calls copy(row of the product, its columns' place in of_) for what is a part's.
  const auto for_rows = [&](int part, const auto& copy) {
    float* packed = of_[static_cast<std::size_t>(part)].data();
    for (const MatmulArgs& product : products) {
      const ColumnRange columns = columns_of(product.w.n_out, part, n_parts);
      for (int row = 0; row < product.m_rows; ++row, packed += columns.end - columns.begin) {
        copy(product.y + row * product.y_stride + columns.begin, packed, columns.end - columns.begin);
      }
    }
  };
  const int own = group_.part();
  for_rows(own, [](const float* values, float* packed, int n) { std::copy_n(values, n, packed); });
  if (!group_.all_gather(bytes[static_cast<std::size_t>(own)], bytes)) return;
  for (int part = 0; part < n_parts; ++part) {
    if (part == own) continue;
    for_rows(part, [](float* values, const float* packed, int n) { std::copy_n(packed, n, values); });
  }
}

}  // namespace assay::runners
