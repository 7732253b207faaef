#pragma once
// Which mark lies under the pointer, without looking at all of them.

#include <vector>

#include "gui/views/charts/scene.h"

namespace assay::gui {

class HitGrid {
 public:
  HitGrid() = default;
  explicit HitGrid(const Scene& scene);

  /// The index in scene.marks of the bar or cell that holds `at`, else of the nearest mark within `reach` pixels; -1 if
  /// there is none. `scene` is the one that the grid was made of.
  int find(const Scene& scene, const QPointF& at, double reach = 12) const;

 private:
  static constexpr double kSquare = 24;
  int n_columns_ = 0, n_rows_ = 0;
  std::vector<std::vector<int>> squares_;
};

}  // namespace assay::gui
