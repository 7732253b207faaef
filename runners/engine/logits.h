#pragma once
// Logits and hidden states of whole token sequences, for comparison with other implementations (`assay logits`).

#include <span>
#include <vector>

#include "harness/base/result.h"
#include "runners/engine/executor.h"
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
  bool mtp = true;           ///< also the MTP module's, if the model has one
  int chunk_tokens = 512;    ///< prompt positions per pass; no more than the executor was made for
};

/// Nothing else may run on the executor. It needs pages for the sequence, and to have been made for speculation if
/// the MTP module is to run. Error{bad_input} for an empty sequence, one longer than the context, or an id outside the
/// vocabulary; Error{environment} for one that the cache can't hold.
Result<SequenceLogits> compute_logits(const Model& model, Executor& executor, std::span<const std::int32_t> tokens,
                                      const LogitsOptions& options = {});

}  // namespace assay::runners
