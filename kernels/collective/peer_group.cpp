#include "kernels/collective/peer_group.cuh"

#include <cuda_runtime.h>

#include <algorithm>

namespace assay::kernels {

namespace {

constexpr std::size_t kMeetingWords = std::size_t{kMaxRanks} * kMaxCollectiveBlocks;

/// Lets device `own`, the current one, reach the memory of `peer`.
Result<> reach(int own, int peer) {
  int can = 0;
  ASSAY_TRY(check(cudaDeviceCanAccessPeer(&can, own, peer), "peer access"));
  if (can == 0) {
    return environment_error("GPUs ", own, " and ", peer,
                             " can't reach each other's memory; give GPUs that NVLink or one PCIe switch joins");
  }
  const cudaError_t enabled = cudaDeviceEnablePeerAccess(peer, 0);
  if (enabled == cudaErrorPeerAccessAlreadyEnabled) {
    static_cast<void>(cudaGetLastError());
    return {};
  }
  return check(enabled, "peer access");
}

}  // namespace

Result<PeerGroup> PeerGroup::create(std::span<const int> ordinals, double timeout_s) {
  if (ordinals.empty() || ordinals.size() > kMaxRanks) {
    return bad_input("a group of ", ordinals.size(), " GPUs; it may have 1 to ", kMaxRanks);
  }
  PeerGroup group;
  group.ordinals_.assign(ordinals.begin(), ordinals.end());
  const DeviceKept kept;
  void* word = nullptr;
  ASSAY_TRY(kernels::check(cudaHostAlloc(&word, sizeof(std::uint32_t), cudaHostAllocPortable | cudaHostAllocMapped),
                           "pinned host memory"));
  group.failure_.reset(static_cast<volatile std::uint32_t*>(word));
  *group.failure_ = 0;
  PeerLinks links;
  links.n_ranks = group.n_ranks();
  links.failure = group.failure_.get();
  links.timeout_ns = static_cast<std::uint64_t>(timeout_s * 1e9);
  ASSAY_ASSIGN(group.words_, group.allocate<std::uint32_t>(kMeetingWords + kMaxCollectiveBlocks));
  links.meetings = addresses_of(group.words_);
  for (int rank = 0; rank < group.n_ranks(); ++rank) {
    const DeviceBuffer<std::uint32_t>& words = group.words_[static_cast<std::size_t>(rank)];
    ASSAY_TRY(group.use_device(rank));
    for (const int peer : group.ordinals_) {
      if (peer != group.ordinal(rank)) ASSAY_TRY(reach(group.ordinal(rank), peer));
    }
    ASSAY_TRY(words.fill_bytes(0));
    ASSAY_TRY(kernels::check(cudaDeviceSynchronize(), "group"));
    links.rank = rank;
    links.epochs = words.data() + kMeetingWords;
    group.links_.push_back(links);
  }
  return group;
}

Result<> PeerGroup::use_device(int rank) const { return kernels::check(cudaSetDevice(ordinal(rank)), "CUDA device"); }

void PeerGroup::fail(int rank) const { *failure_ = static_cast<std::uint32_t>(rank) + 1; }

Result<> PeerGroup::check() const {
  const std::uint32_t failure = *failure_;
  if (failure == 0) return {};
  const int rank = static_cast<int>(failure) - 1;
  return environment_error("GPU cuda:", ordinal(rank), " (rank ", rank, " of ", n_ranks(),
                           ") no longer takes part in the model's work");
}

}  // namespace assay::kernels
