#pragma once
// Logits and hidden states of whole token sequences, for comparison with other implementations (`assay logits`).

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "runners/engine/compute.h"
#include "runners/engine/model.h"

namespace assay::runners {

/// Everything is [rows, width] row-major float32; rows are the sequence's positions.
struct SequenceLogits {
  std::vector<float> logits;               ///< [T, vocab_size]
  std::vector<std::vector<float>> hidden;  ///< per layer [T, hidden], if asked for
  std::vector<float> final_hidden;         ///< [T, hidden], after the final norm, if asked for
  std::vector<float> mtp;  ///< [T - 1, vocab_size] if the model has an MTP module; row i predicts token i + 2
};

struct LogitsOptions {
  bool hidden = false;
  /// Positions from here on are run one by one as generated ones (absorbed attention); all before as a prompt.
  int first_generated = -1;  ///< negative: everything is a prompt
  int chunk_tokens = 512;    ///< prompt positions per pass
};

/// Error{bad_input} for an empty sequence, one longer than the context, or an id outside the vocabulary.
Result<SequenceLogits> compute_logits(const Model& model, const Compute& compute, std::span<const std::int32_t> tokens,
                                      const LogitsOptions& options);

}  // namespace assay::runners
