#include "kernels/rope/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace assay::kernels {

namespace {

/// The dimension (a fraction) whose wavelength makes n_turns turns over the original context.
double correction_dim(double n_turns, int n_dims, double theta, int original_positions) {
  return n_dims * std::log(original_positions / (n_turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
}

double magnitude_scale(double factor, double mscale) { return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1; }

}  // namespace

std::vector<float> rope_frequencies(int n_dims, double theta, const std::optional<YarnScaling>& yarn) {
  const int n_pairs = n_dims / 2;
  std::vector<float> frequencies(static_cast<std::size_t>(n_pairs));
  for (int i = 0; i < n_pairs; ++i) {
    frequencies[static_cast<std::size_t>(i)] = 1.0f / static_cast<float>(std::pow(theta, 2.0 * i / n_dims));
  }
  if (!yarn) return frequencies;

  const auto dim = [&](double turns) {
    return correction_dim(turns, n_dims, theta, yarn->original_max_position_embeddings);
  };
  const double low = std::max(std::floor(dim(yarn->beta_fast)), 0.0);
  double high = std::min(std::ceil(dim(yarn->beta_slow)), n_dims - 1.0);
  if (low == high) high += 0.001;
  for (int i = 0; i < n_pairs; ++i) {
    float& f = frequencies[static_cast<std::size_t>(i)];
    const float ramp = std::clamp(static_cast<float>((i - low) / (high - low)), 0.0f, 1.0f);
    const float slowed = f / static_cast<float>(yarn->factor);
    f = slowed * ramp + f * (1.0f - ramp);
  }
  return frequencies;
}

double rope_magnitude(const std::optional<YarnScaling>& yarn) {
  if (!yarn) return 1;
  return magnitude_scale(yarn->factor, yarn->mscale) / magnitude_scale(yarn->factor, yarn->mscale_all_dim);
}

double attention_scale(int head_dim, const std::optional<YarnScaling>& yarn) {
  const double base = 1 / std::sqrt(static_cast<double>(head_dim));
  if (!yarn || yarn->mscale_all_dim == 0) return base;
  const double m = magnitude_scale(yarn->factor, yarn->mscale_all_dim);
  return base * m * m;
}

RopeTable::RopeTable(const std::vector<float>& frequencies, double magnitude, int n_positions)
    : n_dims_(2 * frequencies.size()), values_(n_dims_ * static_cast<std::size_t>(n_positions)) {
  float* out = values_.data();
  for (int p = 0; p < n_positions; ++p) {
    for (const float f : frequencies) {
      const double angle = static_cast<float>(p) * f;  // a float32 product, as in training
      *out++ = static_cast<float>(std::cos(angle) * magnitude);
      *out++ = static_cast<float>(std::sin(angle) * magnitude);
    }
  }
}

void rope_rotate_interleaved(float* x, const float* row, int n_dims) {
  for (int i = 0; i < n_dims; i += 2) {
    const float even = x[i], odd = x[i + 1], cosine = row[i], sine = row[i + 1];
    x[i] = even * cosine - odd * sine;
    x[i + 1] = even * sine + odd * cosine;
  }
}

}  // namespace assay::kernels
