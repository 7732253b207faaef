#include "kernels/matmul/matmul.h"

#include <algorithm>

#include "kernels/quantized/quantized.h"

namespace assay::kernels {

namespace {

/// Rows of w per task: a multiple of the panel, small enough to share the work out, large enough to be worth a
/// hand-over.
constexpr int kTaskRows = 4 * kPanelRows;
/// A quantised weight is streamed: a task is a range of panels long enough for the hardware's prefetchers.
constexpr std::size_t kTaskBytes = std::size_t{256} << 10;
constexpr int kTasksPerThread = 4;
/// Inputs to quantise that are worth sharing out.
constexpr std::ptrdiff_t kSharedInputs = 16384;

/// How a product is cut, and its quantised rows if its weight is quantised.
struct Cut {
  int rows_per_task;
  int n_tasks;
  QuantizedBlock* x;
};

int rows_per_task(const WeightMatrix& w, int n_threads) {
  if (!is_quantized(w.type)) return kTaskRows;
  const int by_bytes = static_cast<int>(kTaskBytes / panel_bytes(w.type, w.n_in));
  return kQuantPanelRows * std::max(1, std::min(by_bytes, n_panels(w.n_out) / (kTasksPerThread * n_threads)));
}

int end_column(const MatmulArgs& a) { return std::min(a.columns.end, a.w.n_out); }

bool same_x(const MatmulArgs& a, const MatmulArgs& b) {
  return a.x == b.x && a.x_stride == b.x_stride && a.m_rows == b.m_rows && a.w.n_in == b.w.n_in;
}

/// The product among the last few before i that has quantised the same rows, or i. Products that share x stand
/// together.
int first_with_same_x(const MatmulArgs* products, int i) {
  for (int j = std::max(0, i - 4); j < i; ++j) {
    if (is_quantized(products[j].w.type) && same_x(products[j], products[i])) return j;
  }
  return i;
}

/// Cuts the products and quantises what they multiply. The cuts and the rows lie in the pool's shared scratch.
const Cut* prepare(const CpuOps& ops, ThreadPool& pool, const MatmulArgs* products, int n_products) {
  const std::size_t cut_bytes = (static_cast<std::size_t>(n_products) * sizeof(Cut) + 63) / 64 * 64;
  std::size_t total_blocks = 0;
  for (int i = 0; i < n_products; ++i) {
    if (is_quantized(products[i].w.type) && first_with_same_x(products, i) == i) {
      total_blocks += quantized_blocks(products[i].m_rows, products[i].w.n_in);
    }
  }
  std::byte* memory = pool.shared_scratch(cut_bytes + total_blocks * sizeof(QuantizedBlock));
  auto* cuts = reinterpret_cast<Cut*>(memory);
  auto* blocks = reinterpret_cast<QuantizedBlock*>(memory + cut_bytes);
  for (int i = 0; i < n_products; ++i) {
    const MatmulArgs& a = products[i];
    const int rows = rows_per_task(a.w, pool.n_threads());
    const int n_columns = std::max(0, end_column(a) - a.columns.begin);
    cuts[i] = {rows, a.m_rows == 0 ? 0 : (n_columns + rows - 1) / rows, nullptr};
    if (!is_quantized(a.w.type)) continue;
    if (const int first = first_with_same_x(products, i); first != i) {
      cuts[i].x = cuts[first].x;
      continue;
    }
    cuts[i].x = blocks;
    blocks += quantized_blocks(a.m_rows, a.w.n_in);
    // Sixteen rows are a tile, what is left over is tiles of 8, 4, 2 and 1.
    const auto quantize_sixteen = [&](int t, float*) {
      for (int m = kMostTileRows * t; m < std::min(kMostTileRows * (t + 1), a.m_rows);) {
        const int n = tile_rows(a.m_rows - m);
        ops.quantized.quantize_tile(a.x + m * a.x_stride, a.x_stride, n, a.w.n_in,
                                    cuts[i].x + quantized_blocks(m, a.w.n_in));
        m += n;
      }
    };
    const int n_tiles = (a.m_rows + kMostTileRows - 1) / kMostTileRows;
    if (static_cast<std::ptrdiff_t>(a.m_rows) * a.w.n_in >= kSharedInputs) {
      pool.for_each(n_tiles, quantize_sixteen);
    } else {
      for (int t = 0; t < n_tiles; ++t) quantize_sixteen(t, nullptr);
    }
  }
  return cuts;
}

}  // namespace

void matmul(const CpuOps& ops, ThreadPool& pool, const MatmulArgs* products, int n_products) {
  const Cut* cuts = prepare(ops, pool, products, n_products);
  int total = 0, widest = 0;
  for (int i = 0; i < n_products; ++i) {
    total += cuts[i].n_tasks;
    if (!is_quantized(products[i].w.type)) widest = std::max(widest, products[i].w.n_in);
  }
  pool.reserve_scratch(matmul_panel_floats(widest));
  pool.for_each(total, [&](int task, float* scratch) {
    int i = 0;
    while (task >= cuts[i].n_tasks) task -= cuts[i++].n_tasks;
    const MatmulArgs& a = products[i];
    const int begin = a.columns.begin + task * cuts[i].rows_per_task;
    const int end = std::min(begin + cuts[i].rows_per_task, end_column(a));
    if (!is_quantized(a.w.type)) return ops.matmul_columns(a, begin, end, scratch);
    const QuantizedArgs args{
        cuts[i].x, a.m_rows,  a.w, panel_scale_bytes(a.w.type, a.w.n_in), panel_bytes(a.w.type, a.w.n_in),
        a.y,       a.y_stride};
    ops.quantized.multiply_panels(args, begin / kQuantPanelRows, n_panels(end));
  });
}

}  // namespace assay::kernels
