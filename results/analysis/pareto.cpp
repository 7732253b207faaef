#include "results/analysis/pareto.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace assay::results {

std::vector<std::size_t> pareto_front(std::span<const TradeOff> points, Better x_is_better) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (std::isfinite(points[i].x) && std::isfinite(points[i].y)) order.push_back(i);
  }
  // From the best x on, each point of the front must be higher than all before it.
  const double sign = x_is_better == Better::lower ? 1 : -1;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (points[a].x != points[b].x) return sign * points[a].x < sign * points[b].x;
    return points[a].y > points[b].y;
  });
  std::vector<std::size_t> front;
  double highest = -std::numeric_limits<double>::infinity();
  for (const std::size_t i : order) {
    if (points[i].y <= highest) continue;
    highest = points[i].y;
    front.push_back(i);
  }
  if (x_is_better == Better::higher) std::reverse(front.begin(), front.end());
  return front;
}

}  // namespace assay::results
