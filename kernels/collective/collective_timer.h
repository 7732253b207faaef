#pragma once
// What collectives over a group take, ours and NCCL's; and how well a pace holds the group's links back.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "kernels/collective/collective.cuh"
#include "kernels/collective/nccl.h"
#include "kernels/collective/rank_threads.h"
#include "kernels/device/handles.cuh"

namespace assay::kernels {

/// One operation at one size, as it is timed.
struct CollectiveCall {
  CollectiveOperation operation = CollectiveOperation::all_reduce;
  std::int64_t n_bytes = 0;                ///< as CollectiveOperation says; a multiple of 16 times the ranks
  bool by_nccl = false;                    ///< of peer copies and exchanges NCCL has none
  std::optional<AllReduceForm> form = {};  ///< of an all-reduce of ours; empty: the faster one
  int n_blocks = 0;                        ///< 0: chosen
  LinkPace pace = {};                      ///< its meter is not used
};

/// Buffers and streams on every rank, and what times calls on them. One thread uses it.
class CollectiveTimer {
 public:
  /// For calls of up to most_bytes. The group and its threads must outlive it.
  static Result<CollectiveTimer> create(const PeerGroup& group, RankThreads& threads, std::int64_t most_bytes);

  /// Finds NCCL for calls by it. Error{environment} where it isn't there.
  Result<> find_nccl();
  /// Empty before find_nccl().
  std::string nccl_version() const { return nccl_ ? nccl_->version() : std::string(); }

  /// Microseconds of a call, one value for each of n_rounds: of as many calls as last long enough to be timed, in a
  /// graph on every rank's stream, replayed by its own thread. Times are rank 0's. Two rounds before are not told.
  Result<std::vector<double>> times_us(const CollectiveCall& call, int n_rounds) const;
  /// The median of seven rounds.
  Result<double> time_us(const CollectiveCall& call) const;

 private:
  CollectiveTimer(const PeerGroup& group, RankThreads& threads) : group_(&group), threads_(&threads) {}
  Result<> launch(const CollectiveCall& call, int rank, int turn, cudaStream_t stream) const;
  Result<> launch_nccl(const CollectiveCall& call, int rank, int turn, cudaStream_t stream) const;
  PerRank<const float> parts(int turn) const;

  const PeerGroup* group_;
  RankThreads* threads_;
  std::optional<Nccl> nccl_;
  std::vector<DeviceBuffer<float>> first_, second_, x_;  // of each rank; parts take turns between the first two
  std::vector<Stream> streams_;
};

/// What a way to hold a link back reached.
struct PaceReading {
  CollectiveOperation operation = CollectiveOperation::peer_exchange;
  std::optional<AllReduceForm> form;
  std::int64_t n_bytes = 0;
  int n_blocks = 0;
  bool short_pieces = false;
  double bytes_per_s = 0;  ///< that a rank's link carried one way
};

/// A pace that misses its rate by more than this, as a share of it, is none.
inline constexpr double kMostPaceError = 0.03;

/// A pace that has been tried on this group's links.
struct PaceCalibration {
  LinkPace pace;           ///< the one to take: of all that were tried, the one whose worst reading is nearest
  double bytes_per_s = 0;  ///< what it reaches: the median of its readings
  /// Half of the distance between the slowest and the fastest of all readings within kMostPaceError, over bytes_per_s:
  /// what a way of holding back adds of its own.
  double spread_ratio = 0;
  std::vector<PaceReading> readings;
};

/// Tries paces of this rate: copies both ways, sums in both forms and gathered parts, by 16, 32 and 64 blocks, in short
/// pieces and in long ones; takes some tenths of a second. Error{environment} if the nearest misses the rate by more
/// than kMostPaceError: the link is not that fast.
Result<PaceCalibration> calibrate_pace(const PeerGroup& group, RankThreads& threads, double bytes_per_s);

}  // namespace assay::kernels
