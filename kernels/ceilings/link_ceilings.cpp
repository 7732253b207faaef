#include <numeric>

#include "kernels/ceilings/ceilings.h"
#include "kernels/collective/collective_timer.h"

namespace assay::kernels {

namespace {

class GroupCeilings final : public LinkCeilings {
 public:
  explicit GroupCeilings(PeerGroup group) : group_(std::move(group)), threads_(group_) {}

  Result<> start() {
    ASSAY_ASSIGN(CollectiveTimer timer, CollectiveTimer::create(group_, threads_, kMostLinkBytes));
    timer_ = std::move(timer);
    const Result<> found = timer_->find_nccl();
    if (!found) nccl_reason_ = found.error().message;
    return {};
  }
  std::string nccl_version() const override { return timer_->nccl_version(); }
  std::string nccl_reason() const override { return nccl_reason_; }
  Result<std::vector<double>> times_us(CollectiveOperation operation, bool by_nccl, std::int64_t n_bytes,
                                       const LinkPace& pace, int n_rounds) override {
    CollectiveCall call;
    call.operation = operation;
    call.by_nccl = by_nccl;
    call.n_bytes = n_bytes;
    call.pace = pace;
    return timer_->times_us(call, n_rounds);
  }
  Result<LinkPace> pace_for(double bytes_per_s) override {
    ASSAY_ASSIGN(const PaceCalibration calibration, calibrate_pace(group_, threads_, bytes_per_s));
    return calibration.pace;
  }

 private:
  PeerGroup group_;
  RankThreads threads_;
  std::optional<CollectiveTimer> timer_;
  std::string nccl_reason_;
};

}  // namespace

Result<std::unique_ptr<LinkCeilings>> open_link_ceilings(int n_ranks) {
  std::vector<int> ordinals(static_cast<std::size_t>(n_ranks));
  std::iota(ordinals.begin(), ordinals.end(), 0);
  ASSAY_ASSIGN(PeerGroup group, PeerGroup::create(ordinals));
  auto links = std::make_unique<GroupCeilings>(std::move(group));
  ASSAY_TRY(links->start());
  return std::unique_ptr<LinkCeilings>(std::move(links));
}

}  // namespace assay::kernels
