#pragma once
// How a model's weights come into memory.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

namespace assay::runners {

/// Where the weights come from.
enum class WeightSource {
  files,
  dummy,  ///< random ones (dummy_weights.h); of the model's files config.json alone is read
};

/// The types of dummy weights. Quantised ones are those that GGUF files have: blocks of random integers.
enum class DummyTypes {
  as_config,  ///< config.json's torch_dtype, or FP8 where it has a quantization_config
  q8_0,       ///< every projection, the embedding and the head
  q4_k_m,     ///< Q4_K; Q6_K for the head, and for v_proj and down_proj in half of the layers
};

/// What loading is at. Steps follow each other, and a step's bytes grow.
struct LoadState {
  std::string_view step;  ///< "make" (dummy weights), "check", "load", "hash"
  std::uint64_t done_bytes = 0;
  std::uint64_t total_bytes = 0;
};
using LoadProgress = std::function<void(const LoadState&)>;

/// What becomes of weights in FP8 blocks on a GPU. On the CPU they are multiplied as they are, by inputs in float32.
enum class Fp8Weights {
  blocks,  ///< multiplied as they are, by inputs rounded to FP8 in groups of 128, as the models' own programs do; but
           ///< widened on the portable path, whose kernels don't have that
  widen,   ///< bfloat16, and so are the inputs: nearer to the CPU's results, twice the memory
};

/// What becomes of GGUF's quantised weights on a GPU (those that may stay so: memory_fit.h). On the CPU they are
/// multiplied as they are.
enum class QuantizedWeights {
  blocks,  ///< kept as in the file: generated positions take their exact values, prompts these rounded to bfloat16; but
           ///< widened on the portable path
  widen,   ///< bfloat16: more memory, but faster with a hundred sequences at a time
};

struct LoadOptions {
  WeightSource weights = WeightSource::files;
  std::optional<int> n_threads = {};  ///< that make or repack weights; empty: one for each processor that may be used
  Fp8Weights fp8 = Fp8Weights::blocks;
  QuantizedWeights quantized = QuantizedWeights::blocks;
  DummyTypes dummy_types = DummyTypes::as_config;
  LoadProgress on_progress = {};  ///< called on the thread that loads; may be empty
};

}  // namespace assay::runners
