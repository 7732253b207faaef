#pragma once
// Which tensors a configuration calls for, and whether a checkpoint has exactly those.

#include <cstdint>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/checkpoint.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

enum class Presence {
  required,
  with_mtp,  ///< all of these or none: a checkpoint may leave the MTP layer out
  optional,  ///< copies that are never read: a tied head, the MTP layer's embedding and head
};

struct ExpectedTensor {
  std::string name;
  std::vector<std::int64_t> shape;  ///< [out, in] for matrices
  Presence presence = Presence::required;
  bool may_be_fp8 = false;  ///< a projection: F8_E4M3 with NAME_scale_inv beside it, if the model is quantised
};

/// Every tensor by its name in the published checkpoints, without block scales. Order: embedding, layers, final norm,
/// head, MTP layer.
std::vector<ExpectedTensor> expected_tensors(const ModelConfig& config);

/// True if the checkpoint holds the MTP layer that the configuration announces.
bool has_mtp_layer(const ModelConfig& config, const Checkpoint& checkpoint);

/// Checks names, shapes, types, block scales and FP8 bytes, before anything is computed. Reads every byte of the FP8
/// tensors. Error{bad_input} names the tensor: missing, unexpected (except *.rotary_emb.inv_freq, layers behind the
/// last, a tied head), wrong shape (a wrong vocabulary size is called that), a type that can't be loaded there, F8_E4M3
/// without its scale or a scale without F8_E4M3, scales that are no positive finite numbers, NaN bytes in FP8 weights.
Result<> validate_checkpoint(const ModelConfig& config, const Checkpoint& checkpoint);

}  // namespace assay::runners
