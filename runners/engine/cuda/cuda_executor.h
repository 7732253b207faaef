#pragma once
// One NVIDIA GPU as an executor. Where this build has no CUDA, no_cuda.cpp stands in and says so.
//   Bits: a row's logits and tokens depend on its own sequence alone, whatever the batch, the cut of the prompt, its
//   pages, and whether a pass was launched kernel by kernel or as a graph.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runners/engine/executor.h"
#include "runners/engine/load_options.h"
#include "runners/engine/model.h"
#include "runners/engine/parallel.h"

namespace assay::runners {

/// A GPU that the driver shows, and whether the engine's kernels run on it.
struct CudaDevice {
  int ordinal = 0;
  std::string name;
  std::string pci_bus_id;      ///< "0000:1b:00.0"
  int compute_capability = 0;  ///< 90 is 9.0
  std::string path;            ///< whose kernels run: "hopper" or "portable"; each has its own bits
  int n_multiprocessors = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t free_memory_bytes = 0;
  int driver_version = 0;  ///< 13000 is CUDA 13.0
  int runtime_version = 0;
};

/// Makes device `ordinal` this thread's own, and `path` (auto, hopper or portable) the process's kernels: auto is what
/// ASSAY_CUDA_PATH names, or else Hopper's where the device is one. Error{environment} if there is no such device, its
/// driver is too old, or the kernels don't run on it: the message says which.
Result<CudaDevice> open_cuda_device(int ordinal, std::string_view path = "auto");

/// The same for several GPUs, the first of which is then this thread's own. Before any other call of CUDA in the
/// process if there are several. Error{environment} also if they are of different kinds.
Result<std::vector<CudaDevice>> open_cuda_devices(std::span<const int> ordinals, std::string_view path = "auto");

/// Error{bad_input} names what of the model the kernels don't run.
Result<> check_cuda_model(const Model& model);

/// Copies the model to the device that this thread has opened, and makes room for passes and cache. The model's files
/// are not read afterwards. Error{environment} if it does not fit, with what would; Error{bad_input} for a model that
/// the kernels don't run.
Result<std::unique_ptr<Executor>> create_cuda_executor(const Model& model, const ExecutorOptions& options,
                                                       const LoadOptions& load);

/// The same for a model spread over several GPUs, a rank on each of `ordinals`: every rank copies its own part, and has
/// a thread that launches its passes. kv_memory_bytes is that of all GPUs together. Several ranks may be on one GPU,
/// for tests. Error{bad_input} for a model that can't be spread so; Error{environment} if GPUs can't reach each other.
Result<std::unique_ptr<Executor>> create_parallel_executor(const Model& model, std::span<const int> ordinals,
                                                           const ParallelOptions& parallel,
                                                           const ExecutorOptions& options, const LoadOptions& load);

/// What a part of a model, in a process of its own, needs of the others. Functions may wait for them.
struct PartLink {
  ParallelOptions parallel;
  int part = 0;
  std::string meeting_place;                               ///< as make_meeting_place() made it, for all of them
  std::function<Result<int>(int own)> least;               ///< of what all parts give; returns once all have come
  std::function<void(std::function<bool()>)> set_release;  ///< PartGroup::set_release()
};
/// Error{environment} if NCCL is not here.
Result<std::string> make_meeting_place();
/// One part of a model on the GPU that this thread has opened; the other processes make theirs at the same time. What
/// all are told, all do in the same order. kv_memory_bytes is that of all GPUs together.
Result<std::unique_ptr<Executor>> create_part_executor(const Model& model, const PartLink& link,
                                                       const ExecutorOptions& options, const LoadOptions& load);

}  // namespace assay::runners
