#pragma once
// NVIDIA's collective library between GPUs of one process: what our own collectives are compared with. Its sums are not
// in the order of the ranks, so no model's work uses them; between processes it moves data (process_ranks.cuh).

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay::kernels {

/// The library with a communicator for each rank. Calls of different ranks come from different threads, each with its
/// rank's device current; all ranks make the same calls.
class Nccl {
 public:
  /// Error{environment} if libnccl.so.2 is not found (it is looked for where the dynamic linker looks) or fails.
  static Result<Nccl> open(std::span<const int> ordinals);
  Nccl(Nccl&&) noexcept;
  Nccl& operator=(Nccl&&) noexcept;
  ~Nccl();

  std::string version() const;  ///< "2.28.9"
  /// to[i] = Σ over ranks of from[i]; from and to [n] may be the same.
  Result<> all_reduce(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const;
  /// to[r · n + i] = rank r's from[i].
  Result<> all_gather(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const;
  /// to[i] = Σ over ranks of from[rank · n + i].
  Result<> reduce_scatter(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const;
  /// to[r · n + i] = rank r's from[rank · n + i].
  Result<> all_to_all(int rank, const float* from, float* to, std::size_t n, cudaStream_t stream) const;

 private:
  struct Library;
  Nccl();
  std::unique_ptr<Library> library_;
};

}  // namespace assay::kernels
