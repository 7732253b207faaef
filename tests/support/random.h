#pragma once
// Random inputs for tests: fresh from a seed that each test states.

#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

namespace assay::tests {

inline std::vector<float> normal_floats(std::mt19937& generator, std::size_t n, float spread = 1) {
  std::normal_distribution<float> normal(0, spread);
  std::vector<float> values(n);
  for (float& v : values) v = normal(generator);
  return values;
}

/// ‖a - b‖ / ‖b‖ in float64.
inline double relative_error(const std::vector<float>& a, const std::vector<float>& b) {
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    difference += d * d;
    norm += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return norm == 0 ? std::sqrt(difference) : std::sqrt(difference / norm);
}

}  // namespace assay::tests
