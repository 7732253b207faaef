#pragma once
// Rotary position embedding, with YaRN.  Sources: arXiv:2104.09864, arXiv:2309.00071 (YaRN); DeepSeek's form of both.
//   Interleaved pairs: y[2i] = x[2i]·cos - x[2i+1]·sin, y[2i+1] = x[2i]·sin + x[2i+1]·cos, angle = position · f_i.
//   All in float32, each operation rounded once; cosine and sine are rounded from float64.

#include <optional>
#include <vector>

namespace assay::kernels {

/// Field by field as in config.json's rope_scaling of type "yarn".
struct YarnScaling {
  double factor = 1;
  int original_max_position_embeddings = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  double mscale = 1;
  double mscale_all_dim = 0;
};

/// f_i for i in [0, n_dims / 2): theta^(-2i / n_dims), blended by YaRN's ramp where `yarn` is given. Float32, as the
/// released models were trained with.
std::vector<float> rope_frequencies(int n_dims, double theta, const std::optional<YarnScaling>& yarn);

/// The factor on cosine and sine: ms(factor, mscale) / ms(factor, mscale_all_dim), ms(f, a) = 0.1·a·ln f + 1; 1 without
/// YaRN.
double rope_magnitude(const std::optional<YarnScaling>& yarn);

/// The factor on attention scores: head_dim^-0.5, times (0.1·mscale_all_dim·ln(factor) + 1)² with YaRN.
double attention_scale(int head_dim, const std::optional<YarnScaling>& yarn);

/// Cosines and sines for positions [0, n_positions): row p holds cos_0, sin_0, cos_1, sin_1, …
class RopeTable {
 public:
  RopeTable() = default;
  RopeTable(const std::vector<float>& frequencies, double magnitude, int n_positions);
  /// The row of one position, n_dims floats.
  const float* row(int position) const { return values_.data() + static_cast<std::size_t>(position) * n_dims_; }

 private:
  std::size_t n_dims_ = 0;
  std::vector<float> values_;
};

/// Rotates n_dims values in place by a table row.
void rope_rotate_interleaved(float* x, const float* row, int n_dims);

}  // namespace assay::kernels
