#include "kernels/rope/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace assay::kernels {

namespace {

/// The dimension (a fraction) whose wavelength makes n_turns turns over the original context.
double correction_dim(double n_turns, int n_dims, double theta, int original_positions) {
  return n_dims * std::log(original_positions / (n_turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
}

double magnitude_scale(double factor, double mscale) { return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1; }

void scale_frequencies(const std::monostate&, double, std::vector<float>&) {}

void scale_frequencies(const YarnScaling& yarn, double theta, std::vector<float>& frequencies) {
  const int n_dims = 2 * static_cast<int>(frequencies.size());
  const auto dim = [&](double turns) {
    return correction_dim(turns, n_dims, theta, yarn.original_max_position_embeddings);
  };
  const double low = std::max(std::floor(dim(yarn.beta_fast)), 0.0);
  double high = std::min(std::ceil(dim(yarn.beta_slow)), n_dims - 1.0);
  if (low == high) high += 0.001;
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    float& f = frequencies[i];
    const float ramp = std::clamp(static_cast<float>((static_cast<double>(i) - low) / (high - low)), 0.0f, 1.0f);
    const float slowed = f / static_cast<float>(yarn.factor);
    f = slowed * ramp + f * (1.0f - ramp);
  }
}

void scale_frequencies(const Llama3Scaling& llama, double, std::vector<float>& frequencies) {
  const double context = llama.original_max_position_embeddings;
  for (float& f : frequencies) {
    const double wavelength = 2 * std::numbers::pi / static_cast<double>(f);
    const float slowed = f / static_cast<float>(llama.factor);
    if (wavelength < context / llama.high_freq_factor) continue;
    if (wavelength > context / llama.low_freq_factor) {
      f = slowed;
      continue;
    }
    const auto share = static_cast<float>((context / wavelength - llama.low_freq_factor) /
                                          (llama.high_freq_factor - llama.low_freq_factor));
    f = (1.0f - share) * slowed + share * f;
  }
}

void scale_frequencies(const LinearScaling& linear, double, std::vector<float>& frequencies) {
  for (float& f : frequencies) f /= static_cast<float>(linear.factor);
}

void scale_frequencies(const DivisorScaling& scaling, double, std::vector<float>& frequencies) {
  for (std::size_t i = 0; i < frequencies.size(); ++i) frequencies[i] /= scaling.divisors[i];
}

}  // namespace

std::vector<float> rope_frequencies(int n_dims, double theta, const RopeScaling& scaling) {
  std::vector<float> frequencies(static_cast<std::size_t>(n_dims / 2));
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = 1.0f / static_cast<float>(std::pow(theta, 2.0 * static_cast<double>(i) / n_dims));
  }
  std::visit([&](const auto& which) { scale_frequencies(which, theta, frequencies); }, scaling);
  return frequencies;
}

double rope_magnitude(const RopeScaling& scaling) {
  const auto* yarn = std::get_if<YarnScaling>(&scaling);
  if (yarn == nullptr) return 1;
  return magnitude_scale(yarn->factor, yarn->mscale) / magnitude_scale(yarn->factor, yarn->mscale_all_dim);
}

double attention_scale(int head_dim, const RopeScaling& scaling) {
  const double base = 1 / std::sqrt(static_cast<double>(head_dim));
  const auto* yarn = std::get_if<YarnScaling>(&scaling);
  if (yarn == nullptr || yarn->mscale_all_dim == 0) return base;
  const double m = magnitude_scale(yarn->factor, yarn->mscale_all_dim);
  return base * m * m;
}

RopeTable::RopeTable(std::vector<float> frequencies, double magnitude)
    : frequencies_(std::move(frequencies)), magnitude_(magnitude), n_dims_(2 * frequencies_.size()) {}

void RopeTable::extend(int n_positions) {
  if (n_positions <= n_positions_) return;
  values_.resize(n_dims_ * static_cast<std::size_t>(n_positions));
  float* out = values_.data() + n_dims_ * static_cast<std::size_t>(n_positions_);
  for (int p = n_positions_; p < n_positions; ++p) {
    for (const float f : frequencies_) {
      const double angle = static_cast<float>(p) * f;  // a float32 product, as in training
      *out++ = static_cast<float>(std::cos(angle) * magnitude_);
      *out++ = static_cast<float>(std::sin(angle) * magnitude_);
    }
  }
  n_positions_ = n_positions;
}

void rope_rotate_interleaved(float* x, const float* row, int n_dims) {
  for (int i = 0; i < n_dims; i += 2) {
    const float even = x[i], odd = x[i + 1], cosine = row[i], sine = row[i + 1];
    x[i] = even * cosine - odd * sine;
    x[i + 1] = even * sine + odd * cosine;
  }
}

void rope_rotate_halves(float* x, const float* row, int n_dims) {
  const int half = n_dims / 2;
  for (int i = 0; i < half; ++i) {
    const float a = x[i], b = x[i + half], cosine = row[2 * i], sine = row[2 * i + 1];
    x[i] = a * cosine - b * sine;
    x[i + half] = a * sine + b * cosine;
  }
}

}  // namespace assay::kernels
