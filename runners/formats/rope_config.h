#pragma once
// The rotary embedding's part of config.json, in its three spellings. Private to this folder.

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

/// Sets rope_theta and rope_scaling. Read are rope_theta with rope_scaling {"type" or "rope_type": …}, and
/// rope_parameters with both inside, as transformers 5 writes it. Error{bad_input} for a type that is unknown or has no
/// meaning for config.attention (which must be set), and for numbers out of range.
Result<> read_rope(const JsonObject& json, ModelConfig& config);

}  // namespace assay::runners
