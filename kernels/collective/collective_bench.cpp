// Collectives over all GPUs of the host, beside NCCL's where it is found; and how well a pace holds a link back.

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>

#include "kernels/collective/collective.cuh"
#include "kernels/collective/nccl.h"
#include "kernels/collective/rank_threads.h"
#include "kernels/device/bench_support.cuh"

namespace assay::kernels {

namespace {

constexpr std::int64_t kKiB = 1024, kMiB = 1024 * kKiB;
constexpr std::int64_t kMostBytes = 1024 * kMiB;
constexpr double kH800BytesPerS = 165e9;

/// Everything that the measurements share.
struct Bench {
  const PeerGroup* group = nullptr;
  RankThreads* threads = nullptr;
  std::optional<Nccl> nccl;
  std::vector<DeviceBuffer<float>> first, second, x;
  std::vector<Stream> streams;

  int n_ranks() const { return group->n_ranks(); }
  PerRank<const float> parts(int turn) const {
    PerRank<const float> all = {};
    const auto& buffers = turn % 2 == 0 ? first : second;
    for (std::size_t rank = 0; rank < buffers.size(); ++rank) all[rank] = buffers[rank].data();
    return all;
  }
  AllReduceArgs reduce_args(int rank, int turn, std::int64_t n_bytes) const {
    AllReduceArgs a;
    a.links = &group->links(rank);
    a.parts = parts(turn);
    a.x = addresses_of(x);
    a.n = n_bytes / static_cast<std::int64_t>(sizeof(float));
    return a;
  }
};

using LaunchOne = std::function<Result<>(int rank, int turn, cudaStream_t stream)>;

/// Microseconds of a launch: as time_us has it, with a graph on every rank's stream, replayed by its own thread. Of
/// several rounds the median; times are rank 0's.
Result<double> time_ranks_us(const Bench& b, std::int64_t n_bytes, const LaunchOne& launch_one) {
  constexpr int kRounds = 9;
  const int n_launches = n_bytes <= 8 * kMiB ? 64 : n_bytes <= 64 * kMiB ? 16 : 4;
  const auto n_ranks = static_cast<std::size_t>(b.n_ranks());
  std::vector<GraphExec> graphs(n_ranks);
  std::vector<Event> before(n_ranks), after(n_ranks);
  const auto prepare = [&](int rank) -> Result<> {
    const auto r = static_cast<std::size_t>(rank);
    ASSAY_ASSIGN(before[r], create_event());
    ASSAY_ASSIGN(after[r], create_event());
    for (int turn = 0; turn < 2; ++turn) ASSAY_TRY(launch_one(rank, turn, b.streams[r].get()));  // loads it
    ASSAY_TRY(check(cudaStreamSynchronize(b.streams[r].get()), "collective"));
    ASSAY_ASSIGN(graphs[r], capture_graph(b.streams[r], [&]() -> Result<> {
                   for (int i = 0; i < n_launches; ++i) ASSAY_TRY(launch_one(rank, i, b.streams[r].get()));
                   return {};
                 }));
    return {};
  };
  ASSAY_TRY(b.threads->run(prepare));
  std::vector<double> us;
  const auto replay = [&](int rank) -> Result<> {
    const auto r = static_cast<std::size_t>(rank);
    cudaStream_t stream = b.streams[r].get();
    ASSAY_TRY(check(cudaEventRecord(before[r].get(), stream), "event"));
    ASSAY_TRY(check(cudaGraphLaunch(graphs[r].get(), stream), "graph"));
    ASSAY_TRY(check(cudaEventRecord(after[r].get(), stream), "event"));
    return check(cudaStreamSynchronize(stream), "collective");
  };
  for (int round = 0; round < kRounds; ++round) {
    ASSAY_TRY(b.threads->run(replay));
    ASSAY_TRY(b.group->check());
    ASSAY_ASSIGN(const float ms, elapsed_ms(before[0], after[0]));
    if (round >= 2) us.push_back(static_cast<double>(ms) * 1e3 / n_launches);
  }
  std::nth_element(us.begin(), us.begin() + static_cast<std::ptrdiff_t>(us.size() / 2), us.end());
  return us[us.size() / 2];
}

Result<double> time_own_us(const Bench& b, std::int64_t n_bytes, AllReduceForm form, int n_blocks, LinkPace pace = {}) {
  return time_ranks_us(b, n_bytes, [&](int rank, int turn, cudaStream_t stream) {
    AllReduceArgs a = b.reduce_args(rank, turn, n_bytes);
    a.form = form;
    a.n_blocks = n_blocks;
    a.pace = pace;
    return all_reduce(a, stream);
  });
}

std::string size_text(std::int64_t n_bytes) {
  return n_bytes >= kMiB ? std::to_string(n_bytes / kMiB) + " MiB" : std::to_string(n_bytes / kKiB) + " KiB";
}

/// Bytes that a rank sends at the least for each byte of an all-reduced buffer: NCCL's bus bandwidth counts these.
double bus_share(int n_ranks) { return 2.0 * (n_ranks - 1) / n_ranks; }

Result<> bench_all_reduce(const Bench& b, bool sweep) {
  std::printf("all-reduce of float32 over %d ranks, in graphs: us, and GB/s of the bus\n", b.n_ranks());
  std::printf("%10s %10s %10s %10s %7s %10s %10s %10s\n", "bytes", "one-shot", "two-shot", "NCCL", "times", "one GB/s",
              "two GB/s", "NCCL GB/s");
  for (std::int64_t n_bytes = 8 * kKiB; n_bytes <= kMostBytes; n_bytes *= n_bytes < 4 * kMiB ? 2 : 4) {
    ASSAY_ASSIGN(const double one_us, time_own_us(b, n_bytes, AllReduceForm::one_shot, 0));
    ASSAY_ASSIGN(const double two_us, time_own_us(b, n_bytes, AllReduceForm::two_shot, 0));
    double nccl_us = 0;
    if (b.nccl) {
      ASSAY_ASSIGN(nccl_us, time_ranks_us(b, n_bytes, [&](int rank, int turn, cudaStream_t stream) {
                     return b.nccl->all_reduce(rank, b.parts(turn)[static_cast<std::size_t>(rank)],
                                               b.x[static_cast<std::size_t>(rank)].data(),
                                               static_cast<std::size_t>(n_bytes) / sizeof(float), stream);
                   }));
    }
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

Result<> bench_all_gather(const Bench& b) {
  std::printf("all-gather of float32, in graphs: bytes of a rank's part\n%10s %10s %10s %7s %10s\n", "bytes", "us",
              "NCCL", "times", "GB/s");
  for (const std::int64_t n_bytes : {16 * kKiB, 256 * kKiB, 4 * kMiB, 64 * kMiB}) {
    const std::int64_t n = n_bytes / static_cast<std::int64_t>(sizeof(float));
    ASSAY_ASSIGN(const double us, time_ranks_us(b, n_bytes, [&](int rank, int turn, cudaStream_t stream) {
                   AllGatherArgs a;
                   a.links = &b.group->links(rank);
                   a.part = b.parts(turn)[static_cast<std::size_t>(rank)];
                   a.out = addresses_of(b.x);
                   a.rows = 1;
                   a.width = n;
                   return all_gather(a, stream);
                 }));
    double nccl_us = 0;
    if (b.nccl) {
      ASSAY_ASSIGN(nccl_us, time_ranks_us(b, n_bytes, [&](int rank, int turn, cudaStream_t stream) {
                     return b.nccl->all_gather(rank, b.parts(turn)[static_cast<std::size_t>(rank)],
                                               b.x[static_cast<std::size_t>(rank)].data(), static_cast<std::size_t>(n),
                                               stream);
                   }));
    }
    std::printf("%10s %10.2f %10.2f %7.2f %10.1f\n", size_text(n_bytes).c_str(), us, nccl_us, nccl_us / us,
                static_cast<double>(b.n_ranks() - 1) * static_cast<double>(n_bytes) / us * 1e-3);
  }
  return {};
}

/// GB/s one way into each GPU: bytes that come over its link in an all-reduce, and in a copy both ways at a time.
Result<> bench_pace(const Bench& b) {
  const std::int64_t n_bytes = 256 * kMiB;
  const double moved = static_cast<double>(b.n_ranks() - 1) * static_cast<double>(n_bytes);
  const auto copy_us = [&](LinkPace pace, int n_blocks) {
    return time_ranks_us(b, n_bytes, [&](int rank, int turn, cudaStream_t stream) {
      const auto r = static_cast<std::size_t>(rank);
      return peer_copy({b.parts(turn)[r], b.x[(r + 1) % b.x.size()].data(), n_bytes, n_blocks, pace}, stream);
    });
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
  Bench b;
  b.group = &group;
  b.threads = &threads;
  constexpr std::size_t kMost = static_cast<std::size_t>(kMostBytes) / sizeof(float);
  ASSAY_ASSIGN(b.first, group.allocate<float>(kMost));
  ASSAY_ASSIGN(b.second, group.allocate<float>(kMost));
  ASSAY_ASSIGN(b.x, group.allocate<float>(kMost));
  b.streams.resize(ordinals.size());
  const auto fill = [&](int rank) -> Result<> {
    const auto r = static_cast<std::size_t>(rank);
    ASSAY_ASSIGN(b.streams[r], create_stream());
    for (const auto* buffers : {&b.first, &b.second, &b.x}) {
      // As bfloat16 pairs: floats that are no zeros and of all signs.
      ASSAY_TRY(fill_random({reinterpret_cast<__nv_bfloat16*>((*buffers)[r].data()), 2 * kMost}, 1, 7u + r,
                            b.streams[r].get()));
    }
    return check(cudaStreamSynchronize(b.streams[r].get()), "inputs");
  };
  ASSAY_TRY(threads.run(fill));
  Result<Nccl> nccl = Nccl::open(ordinals);
  if (nccl) {
    std::printf("NCCL %s, without NVLink multicast\n", nccl->version().c_str());
    b.nccl = std::move(*nccl);
  } else {
    std::printf("%s\n", nccl.error().message.c_str());
  }
  ASSAY_TRY(bench_all_reduce(b, context.sweep));
  ASSAY_TRY(bench_all_gather(b));
  return bench_pace(b);
}

}  // namespace assay::kernels
