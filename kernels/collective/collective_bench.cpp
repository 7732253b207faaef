// Collectives over all GPUs of the host, beside NCCL's where it is found; and how well a pace holds a link back.

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "kernels/collective/collective_timer.h"
#include "kernels/device/bench_support.cuh"

namespace assay::kernels {

namespace {

constexpr std::int64_t kKiB = 1024, kMiB = 1024 * kKiB;
constexpr std::int64_t kMostBytes = 1024 * kMiB;
constexpr double kH800BytesPerS = 165e9;

/// Everything that the measurements share.
struct Bench {
  const PeerGroup* group = nullptr;
  const CollectiveTimer* timer = nullptr;
  bool has_nccl = false;

  int n_ranks() const { return group->n_ranks(); }
};

Result<double> time_own_us(const Bench& b, std::int64_t n_bytes, AllReduceForm form, int n_blocks, LinkPace pace = {}) {
  return b.timer->time_us({CollectiveOperation::all_reduce, n_bytes, false, form, n_blocks, pace});
}
/// 0 where NCCL isn't.
Result<double> time_nccl_us(const Bench& b, CollectiveOperation operation, std::int64_t n_bytes) {
  if (!b.has_nccl) return 0.0;
  return b.timer->time_us({operation, n_bytes, true});
}

std::string size_text(std::int64_t n_bytes) {
  return n_bytes >= kMiB ? std::to_string(n_bytes / kMiB) + " MiB" : std::to_string(n_bytes / kKiB) + " KiB";
}

/// Bytes that a rank sends at the least for each byte of an all-reduced buffer: NCCL's bus bandwidth counts these.
double bus_share(int n_ranks) { return link_bytes(CollectiveOperation::all_reduce, n_ranks, 1); }

Result<> bench_all_reduce(const Bench& b, bool sweep) {
  std::printf("all-reduce of float32 over %d ranks, in graphs: us, and GB/s of the bus\n", b.n_ranks());
  std::printf("%10s %10s %10s %10s %7s %10s %10s %10s\n", "bytes", "one-shot", "two-shot", "NCCL", "times", "one GB/s",
              "two GB/s", "NCCL GB/s");
  for (std::int64_t n_bytes = 8 * kKiB; n_bytes <= kMostBytes; n_bytes *= n_bytes < 4 * kMiB ? 2 : 4) {
    ASSAY_ASSIGN(const double one_us, time_own_us(b, n_bytes, AllReduceForm::one_shot, 0));
    ASSAY_ASSIGN(const double two_us, time_own_us(b, n_bytes, AllReduceForm::two_shot, 0));
    ASSAY_ASSIGN(const double nccl_us, time_nccl_us(b, CollectiveOperation::all_reduce, n_bytes));
    const auto bus = [&](double us) {
      return us > 0 ? bus_share(b.n_ranks()) * static_cast<double>(n_bytes) / us * 1e-3 : 0.0;
    };
    std::printf("%10s %10.2f %10.2f %10.2f %7.2f %10.1f %10.1f %10.1f\n", size_text(n_bytes).c_str(), one_us, two_us,
                nccl_us, nccl_us / std::min(one_us, two_us), bus(one_us), bus(two_us), bus(nccl_us));
    std::fflush(stdout);
  }
  if (!sweep) return {};
  std::printf("by number of blocks, us (one-shot / two-shot)\n%10s", "bytes");
  constexpr std::array kBlocks{1, 2, 4, 8, 16, 32, 64, 128};
  for (const int n_blocks : kBlocks) std::printf(" %15d", n_blocks);
  std::printf("\n");
  for (const std::int64_t n_bytes : {8 * kKiB, 64 * kKiB, 512 * kKiB, 4 * kMiB, 64 * kMiB, 256 * kMiB}) {
    std::printf("%10s", size_text(n_bytes).c_str());
    for (const int n_blocks : kBlocks) {
      ASSAY_ASSIGN(const double one_us, time_own_us(b, n_bytes, AllReduceForm::one_shot, n_blocks));
      ASSAY_ASSIGN(const double two_us, time_own_us(b, n_bytes, AllReduceForm::two_shot, n_blocks));
      std::printf(" %7.1f/%7.1f", one_us, two_us);
    }
    std::printf("\n");
  }
  return {};
}

/// Gathers, scatters and exchanges; bytes as CollectiveOperation says.
Result<> bench_others(const Bench& b) {
  using enum CollectiveOperation;
  std::printf("%16s %10s %10s %10s %7s %10s\n", "operation", "bytes", "us", "NCCL", "times", "bus GB/s");
  for (const CollectiveOperation operation : {all_gather, reduce_scatter, all_to_all}) {
    for (const std::int64_t n_bytes : {16 * kKiB, 256 * kKiB, 4 * kMiB, 64 * kMiB}) {
      ASSAY_ASSIGN(const double us, b.timer->time_us({operation, n_bytes}));
      ASSAY_ASSIGN(const double nccl_us, time_nccl_us(b, operation, n_bytes));
      std::printf("%16s %10s %10.2f %10.2f %7.2f %10.1f\n", std::string(to_string(operation)).c_str(),
                  size_text(n_bytes).c_str(), us, nccl_us, nccl_us / us,
                  link_bytes(operation, b.n_ranks(), static_cast<double>(n_bytes)) / us * 1e-3);
    }
  }
  return {};
}

/// GB/s one way into each GPU: bytes that come over its link in an all-reduce, and in a copy both ways at a time.
Result<> bench_pace(const Bench& b) {
  const std::int64_t n_bytes = 256 * kMiB;
  const double moved = static_cast<double>(b.n_ranks() - 1) * static_cast<double>(n_bytes);
  const auto copy_us = [&](LinkPace pace, int n_blocks) {
    return b.timer->time_us({CollectiveOperation::peer_exchange, n_bytes, false, {}, n_blocks, pace});
  };
  std::printf("one way into a GPU, both ways at a time, %s, GB/s by number of blocks, not held back\n%10s %10s %10s\n",
              size_text(n_bytes).c_str(), "blocks", "one-shot", "copy");
  for (const int n_blocks : {1, 2, 4, 8, 16, 32, 64, 128}) {
    ASSAY_ASSIGN(const double us, time_own_us(b, n_bytes, AllReduceForm::one_shot, n_blocks));
    ASSAY_ASSIGN(const double copied_us, copy_us({}, n_blocks));
    std::printf("%10d %10.1f %10.1f\n", n_blocks, moved / us * 1e-3, static_cast<double>(n_bytes) / copied_us * 1e-3);
  }
  std::printf("held back: reached GB/s (one-shot / two-shot / copy)\n%10s", "asked");
  constexpr std::array kBlocks{16, 32, 64};
  for (const int n_blocks : kBlocks) std::printf("          %3d blocks        ", n_blocks);
  std::printf("\n");
  for (const double asked : {25e9, 50e9, 100e9, kH800BytesPerS, 200e9, 300e9}) {
    std::printf("%10.0f", asked * 1e-9);
    for (const int n_blocks : kBlocks) {
      const LinkPace pace{asked, n_blocks};
      ASSAY_ASSIGN(const double one_us, time_own_us(b, n_bytes, AllReduceForm::one_shot, 0, pace));
      ASSAY_ASSIGN(const double two_us, time_own_us(b, n_bytes, AllReduceForm::two_shot, 0, pace));
      ASSAY_ASSIGN(const double copied_us, copy_us(pace, 0));
      const double two_moved = bus_share(b.n_ranks()) * static_cast<double>(n_bytes);
      std::printf(" %8.2f/%7.2f/%7.2f", moved / one_us * 1e-3, two_moved / two_us * 1e-3,
                  static_cast<double>(n_bytes) / copied_us * 1e-3);
    }
    std::printf("\n");
    std::fflush(stdout);
  }
  std::printf("at 165 GB/s with 32 blocks, by size: us, and GB/s reached (one-shot)\n");
  for (const std::int64_t size : {16 * kKiB, 256 * kKiB, 1 * kMiB, 4 * kMiB, 16 * kMiB, 64 * kMiB}) {
    ASSAY_ASSIGN(const double us, time_own_us(b, size, AllReduceForm::one_shot, 0, {kH800BytesPerS, 32}));
    std::printf("%10s %10.2f %10.2f\n", size_text(size).c_str(), us,
                static_cast<double>(b.n_ranks() - 1) * static_cast<double>(size) / us * 1e-3);
  }
  return {};
}

}  // namespace

Result<> bench_collective(const BenchContext& context) {
  int n_devices = 0;
  ASSAY_TRY(check(cudaGetDeviceCount(&n_devices), "CUDA devices"));
  const int n_ranks = n_devices >= 8 ? 8 : n_devices >= 4 ? 4 : n_devices;
  if (n_ranks < 2) {
    std::printf("collectives need two GPUs, here is %d\n", n_devices);
    return {};
  }
  std::vector<int> ordinals;
  for (int rank = 0; rank < n_ranks; ++rank) ordinals.push_back(rank);
  ASSAY_ASSIGN(const PeerGroup group, PeerGroup::create(ordinals));
  RankThreads threads(group);
  ASSAY_ASSIGN(CollectiveTimer timer, CollectiveTimer::create(group, threads, kMostBytes));
  const Result<> nccl = timer.find_nccl();
  if (nccl) {
    std::printf("NCCL %s, without NVLink multicast\n", timer.nccl_version().c_str());
  } else {
    std::printf("%s\n", nccl.error().message.c_str());
  }
  const Bench b{&group, &timer, nccl.has_value()};
  ASSAY_TRY(bench_all_reduce(b, context.sweep));
  ASSAY_TRY(bench_others(b));
  return bench_pace(b);
}

}  // namespace assay::kernels
