#pragma once
// A host thread for each rank of a group, with the rank's device current, for as long as the object lives.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "kernels/collective/peer_group.cuh"

namespace assay::kernels {

class RankThreads {
 public:
  /// The group must outlive it.
  explicit RankThreads(const PeerGroup& group);
  ~RankThreads();
  RankThreads(const RankThreads&) = delete;
  RankThreads& operator=(const RankThreads&) = delete;

  /// Calls work(rank) on every rank's thread and waits for all of them; the error of the lowest rank that has one. A
  /// rank's error fails the group, so that the others' kernels don't wait for it. One thread calls it.
  Result<> run(const std::function<Result<>(int rank)>& work);

 private:
  void serve(int rank);

  const PeerGroup& group_;
  const std::function<Result<>(int rank)>* work_ = nullptr;  // null: end
  std::atomic<unsigned> n_started_ = 0;                      // calls of run(), and the end
  std::atomic<int> n_busy_ = 0;                              // ranks that have not finished the last one
  std::vector<std::optional<Error>> errors_;                 // by rank
  std::vector<std::jthread> threads_;
};

}  // namespace assay::kernels
