#pragma once
// The points of a trade-off that no other point beats. Pure.

#include <cstddef>
#include <span>
#include <vector>

namespace assay::results {

struct TradeOff {
  double x = 0, y = 0;
};
enum class Better { lower, higher };

/// Indices of the points that no other is at least as good as in both and better in one, by rising x; of equal points
/// the first stands for all. Points that are no numbers are left out. `y` is better when higher.
std::vector<std::size_t> pareto_front(std::span<const TradeOff> points, Better x_is_better);

}  // namespace assay::results
