#pragma once
// The files of `assay logits`: token sequences in, float32 rows out. Names are those of the golden files.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay::cli {

/// One sequence of the input: tensor `tokens.N`.
struct TokenSequence {
  std::string number;  ///< the N
  std::vector<std::int32_t> tokens;
};

/// Every `tokens.N` of a safetensors file, by number: int32 or int64, one dimension, at least one token. Tensors whose
/// names don't begin with "tokens." are left aside, so a golden file can be given as it is. Error{bad_input} for other
/// types, other shapes, ids outside int32, and a file without any `tokens.N`.
Result<std::vector<TokenSequence>> read_token_sequences(const std::filesystem::path& file);

/// A float32 tensor of the output, row-major.
struct OutputTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Writes the tensors in the order given. Error{environment} if the disk refuses.
Result<> write_output_tensors(const std::filesystem::path& file, const std::vector<OutputTensor>& tensors);

}  // namespace assay::cli
