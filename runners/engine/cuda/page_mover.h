#pragma once
// Pieces of device memory to the host and back, through two pinned buffers that take turns: one is copied by the GPU
// while threads of the host empty or fill the other.

#include <cuda_runtime.h>

#include <array>
#include <cstddef>
#include <memory>
#include <span>

#include "harness/base/result.h"
#include "kernels/device/handles.cuh"
#include "kernels/threads/thread_pool.h"
#include "runners/engine/cuda/upload.h"
#include "runners/engine/executor.h"

namespace assay::runners {

class PageMover {
 public:
  /// For pieces of piece_bytes each. Allocates nothing before the first move.
  explicit PageMover(std::size_t piece_bytes) : piece_bytes_(piece_bytes) {}

  /// All pieces, one behind the other, after what is in the stream; waits for it.
  Result<SavedPages> save(std::span<std::byte* const> pieces, cudaStream_t stream);
  /// What save() gave to as many pieces, in the stream's order. `saved` is not needed any more when it returns.
  Result<> load(std::span<const std::byte> saved, std::span<std::byte* const> pieces, cudaStream_t stream);

 private:
  struct Buffer {
    PinnedMemory memory;
    kernels::Event copied;  ///< the last copy to or from it has ended
  };

  Result<> make_buffers();
  void copy(std::byte* to, const std::byte* from, std::size_t n_bytes);  ///< within the host
  std::size_t pieces_per_turn() const;

  std::size_t piece_bytes_;
  std::array<Buffer, 2> buffers_;
  std::unique_ptr<kernels::ThreadPool> pool_;
};

}  // namespace assay::runners
