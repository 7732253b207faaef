#pragma once
// Rotary position embedding, with the scalings of released models.  Sources: arXiv:2104.09864, arXiv:2309.00071 (YaRN);
// DeepSeek's form of both; huggingface/transformers modeling_rope_utils.py (llama3, linear).
//   A pair (a, b) becomes (a·cos - b·sin, a·sin + b·cos), angle = position · f_i. DeepSeek pairs neighbours
//   (interleaved), Llama and Qwen pair x[i] with x[i + n/2] (halves).
//   All in float32, each operation rounded once; cosine and sine are rounded from float64.

#include <variant>
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

/// rope_type "llama3": long wavelengths are stretched by `factor`, short ones kept, those between blended.
struct Llama3Scaling {
  double factor = 1;
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  int original_max_position_embeddings = 0;
};

/// rope_type "linear": every frequency divided by `factor`.
struct LinearScaling {
  double factor = 1;
};

/// Frequency i divided by divisors[i]: what GGUF files store in place of llama3's rule.
struct DivisorScaling {
  std::vector<float> divisors;
};

using RopeScaling = std::variant<std::monostate, YarnScaling, Llama3Scaling, LinearScaling, DivisorScaling>;

/// f_i for i in [0, n_dims / 2): theta^(-2i / n_dims), changed as `scaling` says. Float32, as the released models were
/// trained with.
std::vector<float> rope_frequencies(int n_dims, double theta, const RopeScaling& scaling);

/// The factor on cosine and sine: ms(factor, mscale) / ms(factor, mscale_all_dim), ms(f, a) = 0.1·a·ln f + 1, with
/// YaRN; 1 without.
double rope_magnitude(const RopeScaling& scaling);

/// The factor on attention scores: head_dim^-0.5, times (0.1·mscale_all_dim·ln(factor) + 1)² with YaRN.
double attention_scale(int head_dim, const RopeScaling& scaling);

/// Cosines and sines by position: row p holds cos_0, sin_0, cos_1, sin_1, …
class RopeTable {
 public:
  RopeTable(std::vector<float> frequencies, double magnitude);
  /// Makes rows for the positions [0, n_positions); those that exist stay. Not while another thread reads.
  void extend(int n_positions);
  /// The row of one position, n_dims floats.
  const float* row(int position) const { return values_.data() + static_cast<std::size_t>(position) * n_dims_; }

 private:
  std::vector<float> frequencies_;
  double magnitude_;
  std::size_t n_dims_;
  int n_positions_ = 0;
  std::vector<float> values_;
};

/// Rotates n_dims values in place by a table row: pairs (x[2i], x[2i+1]).
void rope_rotate_interleaved(float* x, const float* row, int n_dims);
/// The same for pairs (x[i], x[i + n_dims/2]).
void rope_rotate_halves(float* x, const float* row, int n_dims);

}  // namespace assay::kernels
