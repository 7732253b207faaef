#include "gui/views/charts/hit_grid.h"

#include <algorithm>
#include <cmath>

namespace assay::gui {

HitGrid::HitGrid(const Scene& scene)
    : n_columns_(std::max(1, static_cast<int>(scene.size.width() / kSquare) + 1)),
      n_rows_(std::max(1, static_cast<int>(scene.size.height() / kSquare) + 1)),
      squares_(static_cast<std::size_t>(n_columns_) * static_cast<std::size_t>(n_rows_)) {
  for (std::size_t i = 0; i < scene.marks.size(); ++i) {
    const SceneMark& mark = scene.marks[i];
    // A mark in its one square; what has a size in all that it touches.
    const bool has_size = mark.kind == MarkKind::bar || mark.kind == MarkKind::cell;
    const QRectF box = has_size ? mark.box : QRectF(mark.at, mark.at);
    const int left = std::clamp(static_cast<int>(box.left() / kSquare), 0, n_columns_ - 1);
    const int right = std::clamp(static_cast<int>(box.right() / kSquare), 0, n_columns_ - 1);
    const int top = std::clamp(static_cast<int>(box.top() / kSquare), 0, n_rows_ - 1);
    const int bottom = std::clamp(static_cast<int>(box.bottom() / kSquare), 0, n_rows_ - 1);
    for (int row = top; row <= bottom; ++row) {
      for (int column = left; column <= right; ++column) {
        squares_[static_cast<std::size_t>(row * n_columns_ + column)].push_back(static_cast<int>(i));
      }
    }
  }
}

int HitGrid::find(const Scene& scene, const QPointF& at, double reach) const {
  if (squares_.empty()) return -1;
  int holding = -1, nearest = -1;
  double least = reach;
  const auto square = [](double place, int n) { return std::clamp(static_cast<int>(place / kSquare), 0, n - 1); };
  for (int row = square(at.y() - reach, n_rows_); row <= square(at.y() + reach, n_rows_); ++row) {
    for (int column = square(at.x() - reach, n_columns_); column <= square(at.x() + reach, n_columns_); ++column) {
      for (const int i : squares_[static_cast<std::size_t>(row * n_columns_ + column)]) {
        const SceneMark& mark = scene.marks[static_cast<std::size_t>(i)];
        if (mark.kind == MarkKind::bar || mark.kind == MarkKind::cell) {
          // Bars that are hardly there are found a little beside them.
          const bool is_bar = mark.kind == MarkKind::bar;
          const QRectF box =
              is_bar && mark.box.width() * mark.box.height() < 64 ? mark.box.adjusted(-4, -4, 4, 4) : mark.box;
          if (box.contains(at)) holding = i;
          continue;
        }
        const double distance = std::hypot(mark.at.x() - at.x(), mark.at.y() - at.y());
        if (distance > least) continue;
        least = distance;
        nearest = i;
      }
    }
  }
  return nearest >= 0 ? nearest : holding;
}

}  // namespace assay::gui
