#include "kernels/collective/collective_timer.h"

#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/device/fill_random.cuh"

namespace assay::kernels {

namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20;
constexpr std::int64_t kFloatBytes = sizeof(float);

double median_of(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

Result<CollectiveTimer> CollectiveTimer::create(const PeerGroup& group, RankThreads& threads, std::int64_t most_bytes) {
  CollectiveTimer timer(group, threads);
  const auto n = static_cast<std::size_t>(most_bytes / kFloatBytes);
  ASSAY_ASSIGN(timer.first_, group.allocate<float>(n));
  ASSAY_ASSIGN(timer.second_, group.allocate<float>(n));
  ASSAY_ASSIGN(timer.x_, group.allocate<float>(n));
  timer.streams_.resize(static_cast<std::size_t>(group.n_ranks()));
  const auto fill = [&](int rank) -> Result<> {
    const auto r = static_cast<std::size_t>(rank);
    ASSAY_ASSIGN(timer.streams_[r], create_stream());
    for (const auto* buffers : {&timer.first_, &timer.second_, &timer.x_}) {
      // As bfloat16 pairs: floats that are no zeros and of all signs.
      auto* pairs = reinterpret_cast<__nv_bfloat16*>((*buffers)[r].data());
      ASSAY_TRY(fill_random({pairs, 2 * n}, 1, 7u + static_cast<unsigned>(rank), timer.streams_[r].get()));
    }
    return check(cudaStreamSynchronize(timer.streams_[r].get()), "inputs");
  };
  ASSAY_TRY(threads.run(fill));
  return {std::move(timer)};
}

Result<> CollectiveTimer::find_nccl() {
  std::vector<int> ordinals;
  for (int rank = 0; rank < group_->n_ranks(); ++rank) ordinals.push_back(group_->ordinal(rank));
  Result<Nccl> found = Nccl::open(ordinals);
  if (!found) return found.error();
  nccl_ = std::move(*found);
  return {};
}

PerRank<const float> CollectiveTimer::parts(int turn) const {
  PerRank<const float> all = {};
  const auto& buffers = turn % 2 == 0 ? first_ : second_;
  for (std::size_t rank = 0; rank < buffers.size(); ++rank) all[rank] = buffers[rank].data();
  return all;
}

Result<> CollectiveTimer::launch_nccl(const CollectiveCall& call, int rank, int turn, cudaStream_t stream) const {
  const auto r = static_cast<std::size_t>(rank);
  const float* from = parts(turn)[r];
  float* to = x_[r].data();
  const std::int64_t n = call.n_bytes / kFloatBytes;
  const auto whole = static_cast<std::size_t>(n), share = static_cast<std::size_t>(n / group_->n_ranks());
  switch (call.operation) {
    case CollectiveOperation::all_reduce:
      return nccl_->all_reduce(rank, from, to, whole, stream);
    case CollectiveOperation::all_gather:
      return nccl_->all_gather(rank, from, to, whole, stream);
    case CollectiveOperation::reduce_scatter:
      return nccl_->reduce_scatter(rank, from, to, share, stream);
    case CollectiveOperation::all_to_all:
      return nccl_->all_to_all(rank, from, to, share, stream);
    case CollectiveOperation::peer_copy:
    case CollectiveOperation::peer_exchange:
      break;
  }
  return bad_input("NCCL has no copy from GPU to GPU");
}

Result<> CollectiveTimer::launch(const CollectiveCall& call, int rank, int turn, cudaStream_t stream) const {
  if (call.by_nccl) return launch_nccl(call, rank, turn, stream);
  const auto r = static_cast<std::size_t>(rank);
  const PeerLinks& links = group_->links(rank);
  const std::int64_t n = call.n_bytes / kFloatBytes, share = n / group_->n_ranks();
  LinkPace pace = call.pace;
  pace.meter = nullptr;
  switch (call.operation) {
    case CollectiveOperation::peer_copy:
      if (rank != 0) return {};
      [[fallthrough]];
    case CollectiveOperation::peer_exchange:
      return peer_copy({parts(turn)[r], x_[(r + 1) % x_.size()].data(), call.n_bytes, call.n_blocks, pace}, stream);
    case CollectiveOperation::all_reduce:
      return all_reduce({&links, parts(turn), addresses_of(x_), n, call.form, call.n_blocks, pace}, stream);
    case CollectiveOperation::all_gather:
      return all_gather({&links, parts(turn)[r], addresses_of(x_), 1, n, call.n_blocks, pace}, stream);
    case CollectiveOperation::reduce_scatter:
      return reduce_scatter({&links, parts(turn), x_[r].data(), share, call.n_blocks, pace}, stream);
    case CollectiveOperation::all_to_all:
      break;
  }
  return all_to_all({&links, parts(turn)[r], addresses_of(x_), share, call.n_blocks, pace}, stream);
}

Result<std::vector<double>> CollectiveTimer::times_us(const CollectiveCall& call, int n_rounds) const {
  constexpr int kWarmRounds = 2;
  const bool is_gather = call.operation == CollectiveOperation::all_gather;
  const std::int64_t n_most = call.n_bytes * (is_gather ? group_->n_ranks() : 1) / kFloatBytes;
  if (n_most > static_cast<std::int64_t>(x_.front().size())) {
    return bad_input(to_string(call.operation), " of ", call.n_bytes, " bytes: the buffers are smaller");
  }
  const int n_launches = call.n_bytes <= 8 * kMiB ? 64 : call.n_bytes <= 64 * kMiB ? 16 : 4;
  const auto n_ranks = static_cast<std::size_t>(group_->n_ranks());
  std::vector<GraphExec> graphs(n_ranks);
  std::vector<Event> before(n_ranks), after(n_ranks);
  const auto prepare = [&](int rank) -> Result<> {
    const auto r = static_cast<std::size_t>(rank);
    ASSAY_ASSIGN(before[r], create_event());
    ASSAY_ASSIGN(after[r], create_event());
    for (int turn = 0; turn < 2; ++turn) ASSAY_TRY(launch(call, rank, turn, streams_[r].get()));  // loads it
    ASSAY_TRY(check(cudaStreamSynchronize(streams_[r].get()), "collective"));
    ASSAY_ASSIGN(graphs[r], capture_graph(streams_[r], [&]() -> Result<> {
                   for (int i = 0; i < n_launches; ++i) ASSAY_TRY(launch(call, rank, i, streams_[r].get()));
                   return {};
                 }));
    return {};
  };
  ASSAY_TRY(threads_->run(prepare));
  const auto replay = [&](int rank) -> Result<> {
    const auto r = static_cast<std::size_t>(rank);
    cudaStream_t stream = streams_[r].get();
    ASSAY_TRY(check(cudaEventRecord(before[r].get(), stream), "event"));
    ASSAY_TRY(check(cudaGraphLaunch(graphs[r].get(), stream), "graph"));
    ASSAY_TRY(check(cudaEventRecord(after[r].get(), stream), "event"));
    return check(cudaStreamSynchronize(stream), "collective");
  };
  std::vector<double> us;
  for (int round = 0; round < kWarmRounds + n_rounds; ++round) {
    ASSAY_TRY(threads_->run(replay));
    ASSAY_TRY(group_->check());
    ASSAY_ASSIGN(const float ms, elapsed_ms(before[0], after[0]));
    if (round >= kWarmRounds) us.push_back(static_cast<double>(ms) * 1e3 / n_launches);
  }
  return {std::move(us)};
}

Result<double> CollectiveTimer::time_us(const CollectiveCall& call) const {
  constexpr int kRounds = 7;
  ASSAY_ASSIGN(std::vector<double> us, times_us(call, kRounds));
  return median_of(std::move(us));
}

Result<PaceCalibration> calibrate_pace(const PeerGroup& group, RankThreads& threads, double bytes_per_s) {
  constexpr std::int64_t kBytes = 64 * kMiB;
  ASSAY_ASSIGN(const CollectiveTimer timer, CollectiveTimer::create(group, threads, kBytes));
  struct Tried {
    CollectiveOperation operation;
    std::optional<AllReduceForm> form;
  };
  const Tried all_tried[] = {{CollectiveOperation::peer_exchange, {}},
                             {CollectiveOperation::all_reduce, AllReduceForm::one_shot},
                             {CollectiveOperation::all_reduce, AllReduceForm::two_shot},
                             {CollectiveOperation::all_gather, {}}};
  PaceCalibration calibration;
  const auto miss = [&](double reached) { return std::abs(reached - bytes_per_s); };
  double least_miss = std::numeric_limits<double>::infinity();
  for (const int n_blocks : {32, 16, 64}) {
    for (const bool short_pieces : {false, true}) {
      const LinkPace pace{bytes_per_s, n_blocks, short_pieces, nullptr};
      std::vector<double> reached;
      for (const auto& [operation, form] : all_tried) {
        CollectiveCall call;
        call.operation = operation;
        call.form = form;
        call.n_bytes = operation == CollectiveOperation::all_gather ? kBytes / group.n_ranks() : kBytes;
        call.pace = pace;
        ASSAY_ASSIGN(const double us, timer.time_us(call));
        // One-shot reads every other rank's whole part, whatever the least would be.
        const double moved = form == AllReduceForm::one_shot
                                 ? static_cast<double>(group.n_ranks() - 1) * static_cast<double>(kBytes)
                                 : link_bytes(operation, group.n_ranks(), static_cast<double>(call.n_bytes));
        reached.push_back(moved / us * 1e6);
        calibration.readings.push_back({operation, form, call.n_bytes, n_blocks, short_pieces, reached.back()});
      }
      const double worst =
          *std::max_element(reached.begin(), reached.end(), [&](double a, double b) { return miss(a) < miss(b); });
      if (miss(worst) < least_miss) {
        least_miss = miss(worst);
        calibration.pace = pace;
        calibration.bytes_per_s = median_of(reached);
      }
    }
  }
  if (std::abs(calibration.bytes_per_s - bytes_per_s) > kMostPaceError * bytes_per_s) {
    return environment_error("the GPUs' links reach ", calibration.bytes_per_s * 1e-9, " GB/s when they are held to ",
                             bytes_per_s * 1e-9, "; give a rate that is below what they carry");
  }
  double slowest = calibration.bytes_per_s, fastest = slowest;
  for (const PaceReading& reading : calibration.readings) {
    if (std::abs(reading.bytes_per_s - bytes_per_s) > kMostPaceError * bytes_per_s) continue;
    slowest = std::min(slowest, reading.bytes_per_s);
    fastest = std::max(fastest, reading.bytes_per_s);
  }
  calibration.spread_ratio = (fastest - slowest) / 2 / calibration.bytes_per_s;
  return {std::move(calibration)};
}

}  // namespace assay::kernels
