#pragma once
// Random weights for a configuration, so that speed can be measured without a download. What such a model says means
// nothing.

#include <filesystem>

#include "harness/base/result.h"
#include "runners/engine/load_options.h"
#include "runners/formats/checkpoint.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

/// Every tensor that `config` calls for, the MTP layer's too, in memory. The element type is config.json's torch_dtype
/// (bfloat16 where it says none); projections are F8_E4M3 with a scale for each block where it has a
/// quantization_config, block scales and the router's bias are F32. `types` may want quantised ones instead, of models
/// whose widths are multiples of their blocks (else Error{bad_input}); integers are then spread evenly. Norms are 1,
/// all else is close to normal with mean 0 and standard deviation 0.02. The same configuration gives the same bytes on
/// any machine and any number of threads. `path` is what Checkpoint::folder() says. Error{bad_input} for another
/// torch_dtype, Error{environment} if the memory that is available does not suffice.
Result<Checkpoint> dummy_checkpoint(const ModelConfig& config, const std::filesystem::path& path, int n_threads,
                                    const LoadProgress& on_progress = {}, DummyTypes types = DummyTypes::as_config);

}  // namespace assay::runners
