#include "kernels/matmul/matmul.h"

#include <algorithm>

namespace assay::kernels {

namespace {

/// Rows of w per task: a multiple of the panel, small enough to share the work out, large enough to be worth a
/// hand-over.
constexpr int kTaskRows = 4 * kPanelRows;

int n_tasks(const MatmulArgs& a) { return a.m_rows == 0 ? 0 : (a.w.n_out + kTaskRows - 1) / kTaskRows; }

}  // namespace

void matmul(const CpuOps& ops, ThreadPool& pool, const MatmulArgs* products, int n_products) {
  int total = 0, widest = 0;
  for (int i = 0; i < n_products; ++i) {
    total += n_tasks(products[i]);
    widest = std::max(widest, products[i].w.n_in);
  }
  pool.reserve_scratch(matmul_panel_floats(widest));
  pool.for_each(total, [&](int task, float* scratch) {
    int i = 0;
    while (task >= n_tasks(products[i])) task -= n_tasks(products[i++]);
    const int begin = task * kTaskRows;
    ops.matmul_columns(products[i], begin, std::min(begin + kTaskRows, products[i].w.n_out), scratch);
  });
}

}  // namespace assay::kernels
