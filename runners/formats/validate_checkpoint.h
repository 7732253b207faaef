#pragma once
// Whether a checkpoint has exactly what its configuration calls for.

#include "harness/base/result.h"
#include "runners/formats/checkpoint.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

/// True if the configuration announces an MTP layer and the checkpoint holds any of its tensors.
bool has_mtp_layer(const ModelConfig& config, const Checkpoint& checkpoint);

/// Checks names, shapes, types, block scales and FP8 bytes, before anything is computed. Reads every byte of the FP8
/// tensors. Error{bad_input} names the tensor: missing; unexpected (except *.rotary_emb.inv_freq, layers behind the
/// last, a tied head); of a wrong shape (a wrong vocabulary size is called that); of a type that can't be loaded there;
/// F8_E4M3 without its scales or scales without F8_E4M3; scales that are not positive and finite; NaN bytes in FP8
/// weights. GGUF's quantised types can be loaded for projections, the embedding and the head. `on_progress` is told the
/// bytes of the tensors that have been checked, of Checkpoint::total_bytes() at most.
Result<> validate_checkpoint(const ModelConfig& config, const Checkpoint& checkpoint,
                             const BytesProgress& on_progress = {});

}  // namespace assay::runners
