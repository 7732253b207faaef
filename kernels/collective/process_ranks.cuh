#pragma once
// A rank whose like are in other processes, on other hosts: sums and gathered columns as collective.cuh has them, over
// NCCL. NCCL moves data alone; sums are made here, in the order of the ranks, so that they have the bits of a group in
// one process (collective.h). Every rank makes the same calls in the same order. Nothing allocates or waits once the
// rank has joined, so that all can be captured.

#include <cuda_runtime_api.h>

#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <string>

#include "kernels/collective/nccl_library.h"
#include "kernels/device/device_buffer.cuh"

namespace assay::kernels {

class ProcessRanks {
 public:
  /// What the ranks find each other by, as text: one of them makes it, and all are given it. Error{environment} if NCCL
  /// is not here.
  static Result<std::string> make_id();
  /// Rank `rank` on the calling thread's device; returns once all have joined. `most_values` is the size of the largest
  /// sum. Error{environment} if NCCL can't join them.
  static Result<std::unique_ptr<ProcessRanks>> join(const std::string& id, int rank, int n_ranks,
                                                    std::int64_t most_values);
  ~ProcessRanks();
  ProcessRanks(const ProcessRanks&) = delete;
  ProcessRanks& operator=(const ProcessRanks&) = delete;

  /// add_in_rank_order (collective.h): x += Σ part over the ranks. part and x [n] float32, this rank's, 16-byte
  /// aligned; n % 4 == 0, at most most_values. part may be written again behind this on the stream.
  Result<> all_reduce(const float* part, float* x, std::int64_t n, cudaStream_t stream);
  /// out[row, r · width + i] = rank r's part[row, i]; part [rows, width], out [rows, n_ranks · width] float32, 16-byte
  /// aligned, width % 4 == 0.
  Result<> all_gather(const float* part, float* out, std::int64_t rows, std::int64_t width, cudaStream_t stream);

  /// Ends what waits for other ranks, now and later; results are undefined then. Any thread. False if a call is under
  /// way that does not return.
  bool abort();

 private:
  ProcessRanks(nccl::Library library, int rank, int n_ranks)
      : library_(std::move(library)), rank_(rank), n_ranks_(n_ranks) {}
  template <class Call>
  Result<> call(const Call& make);
  Result<> gather(const float* own, float* to, std::int64_t n, cudaStream_t stream);

  nccl::Library library_;
  const int rank_, n_ranks_;
  nccl::Communicator communicator_ = nullptr;
  DeviceBuffer<float> gathered_;  // of all ranks, one behind the other
  std::timed_mutex calling_;
  bool is_aborted_ = false;  // guarded by calling_
  std::future<void> aborted_;
};

/// x[i] += ((g[0][i] + g[1][i]) + g[2][i]) + … with g[r] = gathered + r · n. n % 4 == 0, both 16-byte aligned.
Result<> add_gathered(const float* gathered, int n_ranks, std::int64_t n, float* x, cudaStream_t stream);
/// out[row, r · width + i] = gathered[r][row, i], [rows, width] of each rank; out has the stride n_ranks · width.
Result<> place_columns(const float* gathered, int n_ranks, std::int64_t rows, std::int64_t width, float* out,
                       cudaStream_t stream);

}  // namespace assay::kernels
