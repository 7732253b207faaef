// Sums and gathers over ranks: two devices where there are two, or else ranks side by side on one.

#include "kernels/collective/collective.cuh"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "kernels/collective/collective_timer.h"
#include "kernels/device/gpu_test.cuh"
#include "kernels/device/handles.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

const int kSharesDevice = let_ranks_share_a_device();

/// n ranks on as many devices as there are.
PeerGroup group_of(int n_ranks, double timeout_s = 30) {
  int n_devices = 0;
  must(check(cudaGetDeviceCount(&n_devices), "devices"));
  std::vector<int> ordinals;
  for (int rank = 0; rank < n_ranks; ++rank) ordinals.push_back(rank % n_devices);
  return must(PeerGroup::create(ordinals, timeout_s));
}

/// True if every rank has a device, or half a one, to itself: more have no room for all blocks of large sums.
bool has_room_for_all(const PeerGroup& group) {
  int n_devices = 0;
  must(check(cudaGetDeviceCount(&n_devices), "devices"));
  return group.n_ranks() <= 2 * n_devices;
}

/// A buffer of every rank with a tail of NaN that nothing may touch.
struct RankBuffers {
  static constexpr std::size_t kTail = 64;

  RankBuffers(const PeerGroup& group, std::size_t n) : size(n), buffers(must(group.allocate<float>(n + kTail))) {
    for (const auto& buffer : buffers) must(buffer.fill_bytes(0xFF));
  }
  void fill(int rank, const std::vector<float>& values) const {
    must(buffers[static_cast<std::size_t>(rank)].upload(values));
  }
  std::vector<float> values(int rank) const {
    std::vector<float> all = must(buffers[static_cast<std::size_t>(rank)].download());
    for (std::size_t i = size; i < all.size(); ++i) {
      std::uint32_t bits = 0;
      std::memcpy(&bits, &all[i], sizeof bits);
      REQUIRE(bits == 0xFFFFFFFFu);
    }
    all.resize(size);
    return all;
  }
  PerRank<float> writable() const { return addresses_of(buffers); }
  PerRank<const float> readable() const {
    PerRank<const float> all = {};
    for (std::size_t rank = 0; rank < buffers.size(); ++rank) all[rank] = buffers[rank].data();
    return all;
  }

  std::size_t size;
  std::vector<DeviceBuffer<float>> buffers;
};

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && same_bits(a.data(), b.data(), a.size());
}

/// Runs launch(rank, stream) on every rank's thread and waits for the streams.
template <class Launch>
void on_all(const PeerGroup& group, const Launch& launch) {
  RankThreads threads(group);
  must(threads.run([&](int rank) -> Result<> {
    ASSAY_ASSIGN(const Stream stream, create_stream());
    ASSAY_TRY(launch(rank, stream));
    return check(cudaStreamSynchronize(stream.get()), "collective");
  }));
  must(group.check());
}

/// Parts and x of a sum, and what comes out of it.
struct Sum {
  Sum(const PeerGroup& group, std::size_t n, unsigned seed) : parts(group, n), x(group, n) {
    std::mt19937 generator(seed);
    std::vector<std::vector<float>> all;
    for (int rank = 0; rank < group.n_ranks(); ++rank) {
      all.push_back(normal_floats(generator, n, rank % 2 == 0 ? 1000.0f : 1.0f));  // so that the order shows
      parts.fill(rank, all.back());
    }
    expected = normal_floats(generator, n);
    for (int rank = 0; rank < group.n_ranks(); ++rank) x.fill(rank, expected);
    const std::vector<std::span<const float>> spans(all.begin(), all.end());
    add_in_rank_order(spans, expected);
  }
  AllReduceArgs args(const PeerGroup& group, int rank) const {
    AllReduceArgs a;
    a.links = &group.links(rank);
    a.parts = parts.readable();
    a.x = x.writable();
    a.n = static_cast<std::int64_t>(x.size);
    return a;
  }
  RankBuffers parts, x;
  std::vector<float> expected;
};

}  // namespace

TEST_CASE("all_reduce: every rank has the bits of the sum in rank order, in both forms", "[gpu][collective]") {
  const int n_ranks = GENERATE(1, 2, 4, 8);
  const PeerGroup group = group_of(n_ranks);
  unsigned seed = 3;
  for (const std::size_t n : {4u, 60u, 2048u, 2052u, 100'004u, 1'048'580u}) {
    for (const auto form : {AllReduceForm::one_shot, AllReduceForm::two_shot}) {
      for (const int n_blocks : {0, 1, 7}) {
        if (n > 200'000 && (n_blocks != 0 || !has_room_for_all(group))) continue;
        CAPTURE(n_ranks, n, form == AllReduceForm::one_shot, n_blocks);
        const Sum sum(group, n, ++seed);
        on_all(group, [&](int rank, const Stream& stream) {
          AllReduceArgs a = sum.args(group, rank);
          a.form = form;
          a.n_blocks = n_blocks;
          return all_reduce(a, stream.get());
        });
        for (int rank = 0; rank < n_ranks; ++rank) CHECK(same(sum.x.values(rank), sum.expected));
      }
    }
  }
}

TEST_CASE("all_reduce: a graph that takes turns between two buffers gives the same bits however often it runs",
          "[gpu][collective]") {
  const PeerGroup group = group_of(2);
  constexpr std::size_t kN = 8192;
  constexpr int kLayers = 12, kReplays = 5;
  // Rounding makes every step depend on the one before: an error anywhere would stay.
  const RankBuffers x(group, kN), even(group, kN), odd(group, kN);
  std::mt19937 generator(17);
  const std::vector<float> start = normal_floats(generator, kN);
  std::vector<std::vector<float>> own;
  for (int rank = 0; rank < 2; ++rank) own.push_back(normal_floats(generator, kN));
  std::vector<float> expected = start;
  for (int replay = 0; replay < kReplays; ++replay) {
    for (int layer = 0; layer < kLayers; ++layer) {
      add_in_rank_order(std::vector<std::span<const float>>{own[0], own[1]}, expected);
    }
  }
  for (int rank = 0; rank < 2; ++rank) x.fill(rank, start);
  std::vector<DeviceBuffer<float>> sources;
  for (int rank = 0; rank < 2; ++rank) {
    must(group.use_device(rank));
    sources.push_back(on_device(own[static_cast<std::size_t>(rank)]));
  }
  must(group.use_device(0));
  on_all(group, [&](int rank, const Stream& stream) -> Result<> {
    const float* source = sources[static_cast<std::size_t>(rank)].data();
    ASSAY_ASSIGN(const GraphExec graph, capture_graph(stream, [&]() -> Result<> {
                   for (int layer = 0; layer < kLayers; ++layer) {
                     const RankBuffers& parts = layer % 2 == 0 ? even : odd;
                     ASSAY_TRY(check(cudaMemcpyAsync(parts.writable()[static_cast<std::size_t>(rank)], source,
                                                     kN * sizeof(float), cudaMemcpyDeviceToDevice, stream.get()),
                                     "part"));
                     AllReduceArgs a;
                     a.links = &group.links(rank);
                     a.parts = parts.readable();
                     a.x = x.writable();
                     a.n = kN;
                     a.form = layer % 3 == 0 ? AllReduceForm::two_shot : AllReduceForm::one_shot;
                     ASSAY_TRY(all_reduce(a, stream.get()));
                     // What has been read may be overwritten once the next one has been launched.
                     const RankBuffers& before = layer % 2 == 0 ? odd : even;
                     ASSAY_TRY(check(cudaMemsetAsync(before.writable()[static_cast<std::size_t>(rank)], 0xFF,
                                                     kN * sizeof(float), stream.get()),
                                     "part"));
                   }
                   return {};
                 }));
    for (int replay = 0; replay < kReplays; ++replay) {
      ASSAY_TRY(check(cudaGraphLaunch(graph.get(), stream.get()), "graph"));
    }
    return check(cudaStreamSynchronize(stream.get()), "graph");
  });
  for (int rank = 0; rank < 2; ++rank) CHECK(same(x.values(rank), expected));
}

TEST_CASE("all_gather: columns of all ranks side by side", "[gpu][collective]") {
  const int n_ranks = GENERATE(1, 2, 4, 8);
  const PeerGroup group = group_of(n_ranks);
  std::mt19937 generator(23);
  for (const auto& [rows, width] : {std::pair<std::size_t, std::size_t>{1, 4}, {3, 1000}, {64, 1024}, {17, 40'004}}) {
    CAPTURE(n_ranks, rows, width);
    if (rows * width > 200'000 && !has_room_for_all(group)) continue;
    const RankBuffers parts(group, rows * width), out(group, rows * width * static_cast<std::size_t>(n_ranks));
    std::vector<float> expected(out.size);
    for (int rank = 0; rank < n_ranks; ++rank) {
      const std::vector<float> values = normal_floats(generator, parts.size);
      parts.fill(rank, values);
      for (std::size_t i = 0; i < values.size(); ++i) {
        const std::size_t to_row = i / width * width * static_cast<std::size_t>(n_ranks);
        expected[to_row + static_cast<std::size_t>(rank) * width + i % width] = values[i];
      }
    }
    for (int round = 0; round < 2; ++round) {
      on_all(group, [&](int rank, const Stream& stream) {
        AllGatherArgs a;
        a.links = &group.links(rank);
        a.part = parts.readable()[static_cast<std::size_t>(rank)];
        a.out = out.writable();
        a.rows = static_cast<std::int64_t>(rows);
        a.width = static_cast<std::int64_t>(width);
        return all_gather(a, stream.get());
      });
      for (int rank = 0; rank < n_ranks; ++rank) CHECK(same(out.values(rank), expected));
    }
  }
}

TEST_CASE("reduce_scatter: each rank has the bits of its share of the sum in rank order", "[gpu][collective]") {
  const int n_ranks = GENERATE(1, 2, 4, 8);
  const PeerGroup group = group_of(n_ranks);
  std::mt19937 generator(31);
  for (const std::size_t n : {4u, 2052u, 100'004u, 300'000u}) {
    CAPTURE(n_ranks, n);
    const std::size_t n_all = n * static_cast<std::size_t>(n_ranks);
    if (n_all > 200'000 && !has_room_for_all(group)) continue;
    const RankBuffers parts(group, n_all), out(group, n);
    std::vector<std::vector<float>> all;
    for (int rank = 0; rank < n_ranks; ++rank) {
      all.push_back(normal_floats(generator, n_all, rank % 2 == 0 ? 1000.0f : 1.0f));
      parts.fill(rank, all.back());
    }
    on_all(group, [&](int rank, const Stream& stream) {
      ReduceScatterArgs a;
      a.links = &group.links(rank);
      a.parts = parts.readable();
      a.out = out.writable()[static_cast<std::size_t>(rank)];
      a.n = static_cast<std::int64_t>(n);
      return reduce_scatter(a, stream.get());
    });
    for (int rank = 0; rank < n_ranks; ++rank) {
      std::vector<std::span<const float>> shares;
      for (const auto& part : all) shares.push_back(std::span(part).subspan(static_cast<std::size_t>(rank) * n, n));
      std::vector<float> expected(n, 0.0f);
      add_in_rank_order(shares, expected);
      CHECK(same(out.values(rank), expected));
    }
  }
}

TEST_CASE("all_to_all: every rank's share for every other one arrives", "[gpu][collective]") {
  const int n_ranks = GENERATE(1, 2, 4, 8);
  const PeerGroup group = group_of(n_ranks);
  std::mt19937 generator(37);
  for (const std::size_t n : {4u, 1000u, 40'004u, 300'000u}) {
    CAPTURE(n_ranks, n);
    const std::size_t n_all = n * static_cast<std::size_t>(n_ranks);
    if (n_all > 200'000 && !has_room_for_all(group)) continue;
    const RankBuffers from(group, n_all), to(group, n_all);
    std::vector<std::vector<float>> all;
    for (int rank = 0; rank < n_ranks; ++rank) {
      all.push_back(normal_floats(generator, n_all));
      from.fill(rank, all.back());
    }
    on_all(group, [&](int rank, const Stream& stream) {
      AllToAllArgs a;
      a.links = &group.links(rank);
      a.from = from.readable()[static_cast<std::size_t>(rank)];
      a.to = to.writable();
      a.n = static_cast<std::int64_t>(n);
      return all_to_all(a, stream.get());
    });
    for (std::size_t rank = 0; rank < all.size(); ++rank) {
      std::vector<float> expected;
      for (const auto& other : all) {
        const auto share = std::span(other).subspan(rank * n, n);
        expected.insert(expected.end(), share.begin(), share.end());
      }
      CHECK(same(to.values(static_cast<int>(rank)), expected));
    }
  }
}

namespace {

constexpr double kMeteredBytesPerS = 20e9;
constexpr int kMeteredSums = 3;

/// What the meters of two ranks count of three sums of n floats at 20 GB/s.
std::vector<LinkMeter> metered_sums(std::size_t n) {
  const PeerGroup group = group_of(2);
  const auto meters = must(group.allocate<LinkMeter>(1));
  for (const auto& meter : meters) must(meter.fill_bytes(0));
  const Sum sum(group, n, 8);
  on_all(group, [&](int rank, const Stream& stream) -> Result<> {
    AllReduceArgs a = sum.args(group, rank);
    a.pace = {kMeteredBytesPerS, 16, false, meters[static_cast<std::size_t>(rank)].data()};
    for (int i = 0; i < kMeteredSums; ++i) ASSAY_TRY(all_reduce(a, stream.get()));
    return {};
  });
  std::vector<LinkMeter> counted;
  for (const auto& meter : meters) counted.push_back(must(meter.download())[0]);
  return counted;
}

/// The least time of those sums in ns.
double metered_ns(std::size_t n) {
  return 1e9 * kMeteredSums * static_cast<double>(n * sizeof(float)) / kMeteredBytesPerS;
}

/// The meter's class of a message of n floats.
std::size_t metered_class(std::size_t n) { return static_cast<std::size_t>(std::bit_width(n * sizeof(float)) - 1); }

}  // namespace

TEST_CASE("collectives: a meter counts what is held back, in classes by size", "[gpu][collective]") {
  const std::size_t n = GENERATE(std::size_t{4096}, std::size_t{66 * 2048}, std::size_t{1} << 20);
  for (const LinkMeter& counted : metered_sums(n)) {
    const std::size_t c = metered_class(n);
    CHECK(counted.n[c] == kMeteredSums);
    CHECK(counted.bytes[c] == kMeteredSums * n * sizeof(float));
    CHECK(static_cast<double>(counted.ns[c]) >= 0.99 * metered_ns(n));
    std::uint64_t all = 0;
    for (const std::uint64_t count : counted.n) all += count;
    CHECK(all == kMeteredSums);
  }
}

TEST_CASE("collectives: a large message takes what its pace says", "[gpu][collective][timing]") {
  constexpr std::size_t kN = std::size_t{1} << 20;  // a small one also takes the link's latency
  for (const LinkMeter& counted : metered_sums(kN)) {
    CHECK(static_cast<double>(counted.ns[metered_class(kN)]) < 1.05 * metered_ns(kN));
  }
}

TEST_CASE("calibrate_pace: takes a way that keeps the rate, and refuses one that nothing reaches",
          "[gpu][collective][timing]") {
  const PeerGroup group = group_of(2);
  RankThreads threads(group);
  const PaceCalibration calibration = must(calibrate_pace(group, threads, 20e9));
  CHECK(std::abs(calibration.bytes_per_s - 20e9) < kMostPaceError * 20e9);
  CHECK(calibration.pace.bytes_per_s == 20e9);
  CHECK(calibration.readings.size() == 24);
  CHECK(calibration.spread_ratio < kMostPaceError);
  const auto refused = calibrate_pace(group, threads, 1e15);
  REQUIRE(!refused);
  CHECK(refused.error().kind == ErrorKind::environment);
}

TEST_CASE("all_reduce: a rank that does not come is an error and no hang", "[gpu][collective]") {
  const PeerGroup group = group_of(2, 0.2);
  const Sum sum(group, 4096, 5);
  const auto launch = [&](int only) {
    RankThreads threads(group);
    must(threads.run([&](int rank) -> Result<> {
      if (rank != only) return {};
      ASSAY_ASSIGN(const Stream stream, create_stream());
      ASSAY_TRY(all_reduce(sum.args(group, rank), stream.get()));
      return check(cudaStreamSynchronize(stream.get()), "collective");
    }));
  };
  must(group.check());
  launch(0);
  REQUIRE(!group.check());
  CHECK(group.check().error().kind == ErrorKind::environment);
  CHECK_THAT(group.check().error().message, Catch::Matchers::Contains("rank 1 of 2"));
  launch(0);  // once failed, nothing waits the whole time again
  CHECK_THAT(group.check().error().message, Catch::Matchers::Contains("rank 1 of 2"));
}

TEST_CASE("PeerGroup: a rank's error ends the others' waiting", "[gpu][collective]") {
  const PeerGroup group = group_of(2, 600);
  const Sum sum(group, 4096, 6);
  RankThreads threads(group);
  const Result<> done = threads.run([&](int rank) -> Result<> {
    if (rank == 1) return environment_error("out of luck");
    ASSAY_ASSIGN(const Stream stream, create_stream());
    ASSAY_TRY(all_reduce(sum.args(group, rank), stream.get()));
    return check(cudaStreamSynchronize(stream.get()), "collective");
  });
  REQUIRE(!done);
  CHECK_THAT(done.error().message, Catch::Matchers::Contains("out of luck"));
  CHECK_THAT(group.check().error().message, Catch::Matchers::Contains("rank 1 of 2"));
}

TEST_CASE("collectives: a pace is kept and changes no bit", "[gpu][collective]") {
  const PeerGroup group = group_of(2);
  constexpr std::size_t kN = std::size_t{4} << 20;
  constexpr double kBytesPerS = 20e9;
  const auto form = GENERATE(AllReduceForm::one_shot, AllReduceForm::two_shot);
  const Sum sum(group, kN, 7);
  std::array<float, 2> ms = {};
  on_all(group, [&](int rank, const Stream& stream) -> Result<> {
    ASSAY_ASSIGN(const Event before, create_event());
    ASSAY_ASSIGN(const Event after, create_event());
    AllReduceArgs a = sum.args(group, rank);
    a.form = form;
    a.pace = {kBytesPerS, 16};
    ASSAY_TRY(check(cudaEventRecord(before.get(), stream.get()), "event"));
    ASSAY_TRY(all_reduce(a, stream.get()));
    ASSAY_TRY(check(cudaEventRecord(after.get(), stream.get()), "event"));
    ASSAY_ASSIGN(ms[static_cast<std::size_t>(rank)], elapsed_ms(before, after));
    return {};
  });
  // Two ranks move each part once, in either form.
  const double least_ms = 1e3 * kN * sizeof(float) / kBytesPerS;
  for (int rank = 0; rank < 2; ++rank) {
    CHECK(same(sum.x.values(rank), sum.expected));
    CHECK(static_cast<double>(ms[static_cast<std::size_t>(rank)]) >= 0.99 * least_ms);
  }
}

TEST_CASE("peer_copy: bytes arrive on the other rank, paced or not", "[gpu][collective]") {
  const PeerGroup group = group_of(2);
  const double bytes_per_s = GENERATE(0.0, 5e9);
  std::mt19937 generator(29);
  for (const std::size_t n : {4u, 2048u, 300'004u}) {
    const RankBuffers from(group, n), to(group, n);
    const std::vector<float> values = normal_floats(generator, n);
    from.fill(0, values);
    on_all(group, [&](int rank, const Stream& stream) -> Result<> {
      if (rank != 0) return {};
      return peer_copy(
          {from.readable()[0], to.writable()[1], static_cast<std::int64_t>(n * sizeof(float)), 0, {bytes_per_s, 8}},
          stream.get());
    });
    CHECK(same(to.values(1), values));
  }
}

TEST_CASE("collectives: what breaks the contract is named", "[gpu][collective]") {
  const auto refusal = [](const Result<>& result) { return result ? std::string() : result.error().message; };
  CHECK_THAT(refusal(PeerGroup::create({}).error()), Catch::Matchers::Contains("0 GPUs"));
  int n_devices = 0;
  must(check(cudaGetDeviceCount(&n_devices), "devices"));
  CHECK(!PeerGroup::create(std::vector<int>{0, n_devices}));
  static_cast<void>(cudaGetLastError());
  const PeerGroup three = group_of(3);
  const Sum sum(three, 64, 8);
  CHECK_THAT(refusal(all_reduce(sum.args(three, 0), nullptr)), Catch::Matchers::Contains("3 ranks"));
  const PeerGroup group = group_of(2);
  AllReduceArgs odd;
  odd.links = &group.links(0);
  odd.n = 6;
  CHECK_THAT(refusal(all_reduce(odd, nullptr)), Catch::Matchers::Contains("multiple of 4"));
  odd.n = 8;
  odd.n_blocks = kMaxCollectiveBlocks + 1;
  CHECK_THAT(refusal(all_reduce(odd, nullptr)), Catch::Matchers::Contains("129 blocks"));
  AllGatherArgs gather;
  gather.links = &group.links(0);
  gather.rows = 1;
  gather.width = 2;
  CHECK_THAT(refusal(all_gather(gather, nullptr)), Catch::Matchers::Contains("multiple of 4"));
  CHECK_THAT(refusal(peer_copy({nullptr, nullptr, 8}, nullptr)), Catch::Matchers::Contains("multiple of 16"));
}
