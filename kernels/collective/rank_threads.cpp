#include "kernels/collective/rank_threads.h"

namespace assay::kernels {

RankThreads::RankThreads(const PeerGroup& group) : group_(group), errors_(static_cast<std::size_t>(group.n_ranks())) {
  for (int rank = 0; rank < group.n_ranks(); ++rank) threads_.emplace_back([this, rank] { serve(rank); });
}

RankThreads::~RankThreads() {
  work_ = nullptr;
  ++n_started_;
  n_started_.notify_all();
}

Result<> RankThreads::run(const std::function<Result<>(int rank)>& work) {
  work_ = &work;
  n_busy_ = group_.n_ranks();
  ++n_started_;
  n_started_.notify_all();
  for (int busy = n_busy_; busy != 0; busy = n_busy_) n_busy_.wait(busy);
  for (const std::optional<Error>& error : errors_) {
    if (error) return *error;
  }
  return {};
}

void RankThreads::serve(int rank) {
  std::optional<Error>& error = errors_[static_cast<std::size_t>(rank)];
  const Result<> device = group_.use_device(rank);
  for (unsigned n_done = 0;; ++n_done) {
    n_started_.wait(n_done);
    if (work_ == nullptr) return;
    const Result<> done = device ? (*work_)(rank) : device;
    error.reset();
    if (!done) {
      error = done.error();
      group_.fail(rank);
    }
    if (--n_busy_ == 0) n_busy_.notify_one();
  }
}

}  // namespace assay::kernels
