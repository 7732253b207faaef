#pragma once
// Where the native engine runs a model: the CPU or a GPU.

#include <memory>
#include <optional>
#include <string>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "kernels/simd/cpu_ops.h"
#include "runners/engine/cpu/compute.h"
#include "runners/engine/cuda/cuda_executor.h"
#include "runners/engine/executor.h"
#include "runners/engine/load_options.h"
#include "runners/engine/model.h"
#include "runners/runner.h"

namespace assay::runners {

class PartGroup;

struct NativeDevice {
  std::optional<CudaDevice> cuda;      ///< empty: the CPU; of several GPUs the first
  bool by_name = false;                ///< asked for by name, so that no other may take its place
  ParallelOptions parallel = {};       ///< a rank on each GPU
  std::vector<CudaDevice> peers = {};  ///< of ranks 1, 2, …
  PartGroup* parts = nullptr;          ///< the processes that the model is spread over, a rank each; null: this one
  std::vector<Json> part_facts = {};   ///< of parts 1, 2, …, once settle_parts() has them
};

/// The device that `word` (auto, cpu, cuda, cuda:i) names; auto is the first GPU if the kernels run on it, or else the
/// CPU. A GPU is then this thread's own. `cuda_path` (auto, hopper, portable) chooses its kernels; but for auto it
/// names a GPU, too. So does `parallel`, which takes as many GPUs as it has ranks: the first ones, or those that
/// cuda:i,j lists; with `parts` this process takes one, or its processors. Error{environment} for a GPU that is named
/// and can't be had; Error{bad_input} for other words.
Result<NativeDevice> open_native_device(const std::string& word, const std::string& cuda_path = "auto",
                                        const ParallelOptions& parallel = {}, PartGroup* parts = nullptr);

/// Leaves a GPU that was not asked for by name for the CPU, with a note, if its kernels don't run this model.
/// Error{bad_input} for GPUs that were asked for and can't run it.
Result<> settle_device(const Model& model, NativeDevice& device);

/// What of `asked` holds there: the portable kernels multiply no weights in blocks, so they are widened.
LoadOptions load_options_on(const NativeDevice& device, LoadOptions asked);

/// What an executor on this device is given where the user says nothing.
ExecutorOptions default_limits(const NativeDevice& device);

/// What is stored of the device with every run: the GPUs, or the processor with its threads.
DeviceFacts device_facts_of(const NativeDevice& device, int n_threads, kernels::SimdLevel level, int max_batch);

/// Puts a loaded model on the device. The model, and what `compute` names, must outlive the executor.
Result<std::unique_ptr<Executor>> create_executor(const Model& model, const NativeDevice& device,
                                                  const ExecutorOptions& options, const LoadOptions& load,
                                                  const Compute& compute);

}  // namespace assay::runners
