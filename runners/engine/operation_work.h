#pragma once
// What each operation of a pass must move and compute at the least, from the loaded model's own shapes and types:
// weights, cached keys and values, and rows in and out, each once. pass_work.h is the model of a whole pass.

#include "runners/engine/executor.h"
#include "runners/engine/load_options.h"
#include "runners/engine/model.h"
#include "runners/engine/operations.h"

namespace assay::runners {

/// The rows of a pass.
struct PassShape {
  PositionRole role = PositionRole::generated;
  double n_rows = 0;
  double n_keys = 0;   ///< positions that its sequences have in the cache behind it
  double n_pairs = 0;  ///< of a row and a key that it sees
  double n_draws = 0;  ///< rows whose logits are made
};
PassShape shape_of(const Pass& pass);

/// How a device has weights and activations.
struct OperationForm {
  bool is_gpu =
      false;  ///< bfloat16 weights and inputs of products, float32 sums; else float32, and weights as in the file
  bool fp8_blocks = false;  ///< of a GPU: weights in FP8 blocks stay so
};

struct OperationWork {
  double bytes = 0;
  double flop = 0;
  bool is_fp8 = false;  ///< of a GPU: the products are FP8's
};

/// Of all that an operation does in one layer and pass, in however many pieces; 0 where nothing is counted (copies from
/// and to the host). Experts are counted as if rows hit them evenly.
OperationWork operation_work(const Model& model, const OperationForm& form, const PassShape& shape,
                             const OperationPlace& place);

}  // namespace assay::runners
