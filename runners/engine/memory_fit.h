#pragma once
// What of a model fits into a device's memory: its weights, and beside them how much context for how many sequences.

#include <cstdint>
#include <string>
#include <vector>

#include "runners/engine/load_options.h"
#include "runners/formats/checkpoint.h"
#include "runners/formats/model_config.h"

namespace assay::runners {

/// The memory of a device that this build runs models on.
struct DeviceMemory {
  std::string device;  ///< as --device takes it
  std::string name;
  std::int64_t memory_bytes = 0;     ///< in all
  std::int64_t available_bytes = 0;  ///< that can be taken now
  // What becomes of such weights there, if nothing else is asked for:
  Fp8Weights fp8 = Fp8Weights::blocks;
  QuantizedWeights quantized = QuantizedWeights::blocks;
};

/// This machine's: the CPU, and the GPUs that the engine's kernels run on. Each is asked at the time of the call.
std::vector<DeviceMemory> run_devices();

struct MemoryFit {
  std::int64_t weight_bytes = 0;        ///< of the files, and of what is made from them at load
  std::int64_t kv_bytes_per_token = 0;  ///< as the engine keeps it there
  std::int64_t max_context_tokens = 0;  ///< of one sequence, at most the model's own; 0: not even the weights fit
  std::int64_t max_sequences = 0;       ///< that have the model's whole context at a time
};

/// What fits into `available_bytes` on the CPU, where cached values are float32 in pages of 64 tokens. `file_bytes` are
/// those of the weights in their files. Sequences that share a prompt need less than is counted here. Pure.
MemoryFit cpu_memory_fit(const ModelConfig& config, std::int64_t file_bytes, std::int64_t available_bytes);

/// What fits into `available_bytes` of a GPU, where weights and cached values are bfloat16 in the widths of the kernels
/// (cuda/device_model.h), whatever the files have, but for weights in FP8 blocks, which may stay so, and what
/// quantised weights save. Pure.
MemoryFit cuda_memory_fit(const ModelConfig& config, std::int64_t available_bytes, Fp8Weights fp8 = Fp8Weights::blocks,
                          std::int64_t saved_bytes = 0);

/// True if the GPU's products take quantised weights of this model and width as blocks: grouped-query attention, and
/// rows of a multiple of 64.
bool keeps_blocks(const ModelConfig& config, std::int64_t n_in);
/// Bytes that weights which stay quantised on a GPU take less than in bfloat16; 0: none stays so. (Rows of fewer than
/// 256 inputs may take more.) Experts' weights and gates and ups of two types don't stay so, nor does o_proj where
/// heads are filled up (cuda/device_model.h).
std::int64_t cuda_saved_bytes(const ModelConfig& config, const Checkpoint& checkpoint);

/// What is loaded where nothing is drafted: on a GPU the MTP module is left out then.
ModelConfig without_mtp(ModelConfig config);

/// The one of the two that the device calls for, without speculation.
MemoryFit memory_fit(const DeviceMemory& device, const ModelConfig& config, const Checkpoint& checkpoint);

}  // namespace assay::runners
