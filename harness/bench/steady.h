#pragma once
// Was it steady? Tests on a series of equal stretches of time: where it changes, whether it drifts. Pure.

#include <cstddef>
#include <optional>
#include <span>

namespace assay::bench {

/// The place at which a series changes its level most, and how likely it would be by chance.
struct ChangePoint {
  std::size_t index = 0;  ///< the first value behind the change
  double p_value = 1;
};
/// Pettitt's test for one change of level, by ranks, so that no shape is assumed and single slow requests weigh little.
/// p is the approximation 2·exp(-6K²/(n³+n²)). None below 8 values.
/// Source: Pettitt 1979, Applied Statistics 28:126-135, equations 2.3 and 2.8.
std::optional<ChangePoint> pettitt(std::span<const double> series);

/// How many values at the beginning are warm-up: up to the last change of level (Pettitt, p < 0.01, by at least 2 % of
/// the median behind it) in the first half of what is left. Looked for in all of it, its first half and its first
/// quarter, again behind each that is found; half of the series at most.
std::size_t warm_up_length(std::span<const double> series);

/// A drift over the whole series.
struct Trend {
  double p_value = 1;       ///< Mann and Kendall's test, two-sided, corrected for ties and for serial correlation
  double change_ratio = 0;  ///< from its beginning to its end, over the median: Theil and Sen's slope
};
/// None below 8 values. Serial correlation of the ranks behind the slope makes drifts of noise look sure, so the
/// variance is corrected for it.
/// Sources: Mann 1945, Econometrica 13:245-259; Kendall 1975, Rank Correlation Methods; Sen 1968, JASA 63:1379-1389;
/// Hamed and Rao 1998, Journal of Hydrology 204:182-196.
std::optional<Trend> find_trend(std::span<const double> series);

/// Sure (p < 0.01) and large enough to matter: more than `least_ratio` of the level.
bool drifts(const std::optional<Trend>& trend, double least_ratio);

}  // namespace assay::bench
