#pragma once
// Collectives over the ranks of a PeerGroup: sums of decode steps and prompts (tensor parallelism), and gathered
// columns (logits).
//   Every rank launches the same calls in the same order with the same sizes, each on its own stream; the kernels meet
//   on the devices. A rank that has failed, or does not come in the group's time, leaves results undefined and
//   PeerGroup::check() says so; the kernels end all the same. Nothing allocates or synchronises: all can be captured.
//   Blocks of all ranks must run at a time: a kernel takes at most kMaxCollectiveBlocks of 512 threads, which two ranks
//   on one device have room for beside each other.
//   Source of the two forms: any text on collectives (one-shot reads all; two-shot is reduce-scatter, all-gather).

#include <cuda_runtime_api.h>

#include <cstdint>
#include <optional>

#include "kernels/collective/peer_group.cuh"

namespace assay::kernels {

/// add_in_rank_order (collective.h): x += Σ parts, the same bits on every rank.
///   parts and x of every rank [n] float32, 16-byte aligned, n % 4 == 0, n < 2^31.
///   parts may be written again once a later collective of the group has been launched (one_shot), so that callers take
///   turns between two buffers. x is this rank's alone, but for two_shot, where every rank writes its share of all x.
struct AllReduceArgs {
  const PeerLinks* links = nullptr;  ///< host memory
  PerRank<const float> parts = {};
  PerRank<float> x = {};
  std::int64_t n = 0;
  std::optional<AllReduceForm> form = {};  ///< empty: the faster one
  int n_blocks = 0;                        ///< 0: chosen; no bit depends on it
  LinkPace pace = {};
};
Result<> all_reduce(const AllReduceArgs& args, cudaStream_t stream);
/// What an empty `form` means.
AllReduceForm choose_all_reduce(int n_ranks, std::int64_t n);

/// Waits until every rank has come here: what each has launched before is done, and all may see it.
Result<> meet_ranks(const PeerLinks& links, cudaStream_t stream);

/// Columns of all ranks side by side, on every rank: out[r'][row, rank · width + i] = part[row, i] for all r'.
///   part [rows, width] and out [rows, n_ranks · width] float32, 16-byte aligned, width % 4 == 0.
///   What was launched before on any rank may still read its out.
struct AllGatherArgs {
  const PeerLinks* links = nullptr;  ///< host memory
  const float* part = nullptr;       ///< this rank's
  PerRank<float> out = {};
  std::int64_t rows = 0;
  std::int64_t width = 0;
  int n_blocks = 0;  ///< 0: chosen
  LinkPace pace = {};
};
Result<> all_gather(const AllGatherArgs& args, cudaStream_t stream);

/// Each rank's share of a sum: out[i] = (((parts[0][j] + parts[1][j]) + parts[2][j]) + …) with j = rank · n + i.
///   parts of every rank [n_ranks · n], out [n] float32, 16-byte aligned, n % 4 == 0, n < 2^31. parts may be written
///   again as all_reduce's one-shot form says.
struct ReduceScatterArgs {
  const PeerLinks* links = nullptr;  ///< host memory
  PerRank<const float> parts = {};
  float* out = nullptr;  ///< this rank's
  std::int64_t n = 0;
  int n_blocks = 0;  ///< 0: chosen; no bit depends on it
  LinkPace pace = {};
};
Result<> reduce_scatter(const ReduceScatterArgs& args, cudaStream_t stream);

/// Every rank's r'-th share to rank r': to[r'][rank · n + i] = from[r' · n + i] for all r'.
///   from (this rank's) and to (every rank's) [n_ranks · n] float32, 16-byte aligned, n % 4 == 0. What was launched
///   before on any rank may still read its to.
struct AllToAllArgs {
  const PeerLinks* links = nullptr;  ///< host memory
  const float* from = nullptr;
  PerRank<float> to = {};
  std::int64_t n = 0;
  int n_blocks = 0;  ///< 0: chosen
  LinkPace pace = {};
};
Result<> all_to_all(const AllToAllArgs& args, cudaStream_t stream);

/// Copies n_bytes (a multiple of 16) to another rank's memory by ordinary stores: the link alone, for calibration.
struct PeerCopyArgs {
  const void* from = nullptr;
  void* to = nullptr;
  std::int64_t n_bytes = 0;
  int n_blocks = 0;  ///< 0: chosen
  LinkPace pace = {};
};
Result<> peer_copy(const PeerCopyArgs& args, cudaStream_t stream);

}  // namespace assay::kernels
