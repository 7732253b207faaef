// The ceilings of one GPU. Matrix rates last long enough for clocks to come down to what power allows; memory's are
// taken over four gigabytes, far more than the L2 cache holds.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <functional>
#include <random>

#include "kernels/ceilings/ceilings.h"
#include "kernels/ceilings/cublas_products.h"
#include "kernels/ceilings/gpu_kernels.cuh"
#include "kernels/device/device_buffer.cuh"
#include "kernels/device/fill_random.cuh"
#include "kernels/device/handles.cuh"

namespace assay::kernels {

namespace {

constexpr std::int64_t kMemoryBytes = std::int64_t{4} << 30, kPinnedBytes = std::int64_t{256} << 20;
constexpr int kProduct = 8192;       // of a library's product, all three sides
constexpr int kFp32Product = 4096;   // the same in float32, which takes twelve times as long
constexpr int kLaunches = 400;       // of nothing, timed together; fewer than a stream holds
constexpr int kGridBarriers = 2000;  // timed together

/// How long something is done before it is timed, and timed.
struct Span {
  double warm_s = 0, timed_s = 0;
};
constexpr Span kShort{0.05, 0.25}, kSustained{1.2, 0.8};

struct PinnedFree {
  void operator()(void* memory) const noexcept { cudaFreeHost(memory); }
};

double host_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

CeilingReading reading_of(const std::vector<double>& values, double mean) {
  CeilingReading reading;
  reading.value = mean;
  reading.n = static_cast<std::int64_t>(values.size());
  if (values.size() < 2) return reading;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  reading.stddev = std::sqrt(squares / static_cast<double>(values.size() - 1));
  return reading;
}

/// Random e4m3 values of either sign below 2, none of them NaN: a mebibyte of them again and again.
Result<> fill_e4m3(std::uint8_t* to, std::size_t n_bytes) {
  constexpr std::size_t kPiece = std::size_t{1} << 20;
  std::mt19937 generator(13);
  std::vector<std::uint8_t> values(kPiece);
  for (std::uint8_t& value : values) value = static_cast<std::uint8_t>(generator() & 0xBFu);
  for (std::size_t at = 0; at < n_bytes; at += kPiece) {
    ASSAY_TRY(
        check(cudaMemcpy(to + at, values.data(), std::min(kPiece, n_bytes - at), cudaMemcpyHostToDevice), "fill"));
  }
  return {};
}

class GpuCeilings final : public CeilingDevice {
 public:
  static Result<std::unique_ptr<CeilingDevice>> open(int ordinal);

  std::string name() const override { return facts_.name; }
  std::vector<CeilingMethod> methods() const override;
  std::vector<std::string> missing() const override { return missing_; }
  Result<CeilingReading> measure(const CeilingMethod& method) override;

 private:
  using Launch = std::function<Result<>(cudaStream_t)>;
  /// `amount` of the metric's unit times seconds is what a launch does.
  Result<CeilingReading> rate(double amount, Span span, const Launch& launch) const;
  /// Launches that take about `seconds`, found by a short one of n_rounds.
  Result<int> rounds_for(double seconds, const std::function<Result<>(int n_rounds)>& launch) const;
  Result<CeilingReading> measure_memory(std::string_view ceiling);
  Result<CeilingReading> measure_instructions(std::string_view ceiling) const;
  Result<CeilingReading> measure_library(std::string_view ceiling) const;
  Result<CeilingReading> measure_pinned(bool to_device) const;
  Result<CeilingReading> measure_host_launch(bool is_graph) const;
  Result<CeilingReading> measure_gap(bool is_graph, bool may_overlap) const;
  Result<CeilingReading> measure_barrier() const;

  DeviceFacts facts_;
  Stream stream_;
  std::optional<CublasProducts> cublas_;
  std::vector<std::string> missing_;
  DeviceBuffer<std::uint8_t> memory_;
  DeviceBuffer<float> sink_;
};

Result<std::unique_ptr<CeilingDevice>> GpuCeilings::open(int ordinal) {
  auto gpu = std::make_unique<GpuCeilings>();
  ASSAY_ASSIGN(gpu->facts_, open_device(ordinal));
  ASSAY_ASSIGN(gpu->stream_, create_stream());
  ASSAY_ASSIGN(gpu->memory_, DeviceBuffer<std::uint8_t>::create(kMemoryBytes));
  ASSAY_ASSIGN(gpu->sink_, DeviceBuffer<float>::create(1));
  ASSAY_TRY(gpu->memory_.fill_bytes(0x3A));
  Result<CublasProducts> cublas = CublasProducts::open();
  if (cublas) {
    gpu->cublas_ = std::move(*cublas);
  } else {
    gpu->missing_.push_back(cublas.error().message);
  }
  if (gpu->facts_.path != CudaPath::hopper) {
    gpu->missing_.emplace_back("FP8 products: measured on Hopper's kernels alone");
  }
  return std::unique_ptr<CeilingDevice>(std::move(gpu));
}

std::vector<CeilingMethod> GpuCeilings::methods() const {
  std::vector<CeilingMethod> methods = {{"read", "own", "gb_per_s", kMemoryBytes},
                                        {"write", "own", "gb_per_s", kMemoryBytes},
                                        {"copy", "own", "gb_per_s", kMemoryBytes},
                                        {"bf16", "own", "tflops"},
                                        {"fp32", "own", "tflops"},
                                        {"kernel_launch", "cuda", "time_us"},
                                        {"graph_launch", "cuda", "time_us"},
                                        {"kernel_gap", "cuda", "time_us"},
                                        {"graph_gap", "cuda", "time_us"},
                                        {"grid_barrier", "own", "time_us"},
                                        {"host_to_device", "cuda", "gb_per_s", kPinnedBytes},
                                        {"device_to_host", "cuda", "gb_per_s", kPinnedBytes}};
  const bool is_hopper = facts_.path == CudaPath::hopper;
  if (is_hopper) {
    methods.push_back({"fp8", "own", "tflops"});
    methods.push_back({"graph_gap", "overlapped", "time_us"});
  }
  if (cublas_) {
    methods.push_back({"bf16", "cublas", "tflops", 0, kProduct, kProduct, kProduct});
    methods.push_back({"fp32", "cublas", "tflops", 0, kFp32Product, kFp32Product, kFp32Product});
    if (is_hopper) methods.push_back({"fp8", "cublas", "tflops", 0, kProduct, kProduct, kProduct});
  }
  return methods;
}

Result<CeilingReading> GpuCeilings::measure(const CeilingMethod& method) {
  ASSAY_TRY(check(cudaSetDevice(facts_.ordinal), "CUDA device"));
  const std::string_view ceiling = method.ceiling;
  if (ceiling == "read" || ceiling == "write" || ceiling == "copy") return measure_memory(ceiling);
  if (method.by == "cublas") return measure_library(ceiling);
  if (method.metric == "tflops") return measure_instructions(ceiling);
  if (ceiling == "host_to_device" || ceiling == "device_to_host") return measure_pinned(ceiling == "host_to_device");
  if (ceiling == "kernel_launch" || ceiling == "graph_launch") return measure_host_launch(ceiling == "graph_launch");
  if (ceiling == "grid_barrier") return measure_barrier();
  return measure_gap(ceiling == "graph_gap", method.by == "overlapped");
}

Result<CeilingReading> GpuCeilings::rate(double amount, Span span, const Launch& launch) const {
  constexpr int kBatch = 8;  // between two looks at the host's clock, so that the device is never idle for long
  std::array<Event, kBatch + 1> events;
  for (Event& event : events) {
    ASSAY_ASSIGN(event, create_event());
  }
  std::vector<double> values;
  double device_s = 0;
  const auto run_batch = [&](bool is_timed) -> Result<> {
    ASSAY_TRY(check(cudaEventRecord(events[0].get(), stream_.get()), "event"));
    for (int i = 1; i <= kBatch; ++i) {
      ASSAY_TRY(launch(stream_.get()));
      ASSAY_TRY(check(cudaEventRecord(events[static_cast<std::size_t>(i)].get(), stream_.get()), "event"));
    }
    ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "ceiling"));
    for (std::size_t i = 0; is_timed && i < kBatch; ++i) {
      ASSAY_ASSIGN(const float ms, elapsed_ms(events[i], events[i + 1]));
      values.push_back(amount / (1e-3 * static_cast<double>(ms)));
      device_s += 1e-3 * static_cast<double>(ms);
    }
    return {};
  };
  const double begin = host_seconds();
  do ASSAY_TRY(run_batch(false));
  while (host_seconds() - begin < span.warm_s);
  const double warm_s = host_seconds() - begin;
  do ASSAY_TRY(run_batch(true));
  while (device_s < span.timed_s);
  CeilingReading reading = reading_of(values, amount * static_cast<double>(values.size()) / device_s);
  reading.warm_s = warm_s;
  reading.timed_s = device_s;
  return reading;
}

Result<int> GpuCeilings::rounds_for(double seconds, const std::function<Result<>(int n_rounds)>& launch) const {
  constexpr int kFew = 2000, kMost = 100'000'000;
  ASSAY_ASSIGN(const Event before, create_event());
  ASSAY_ASSIGN(const Event after, create_event());
  ASSAY_TRY(launch(kFew));  // loads it
  ASSAY_TRY(check(cudaEventRecord(before.get(), stream_.get()), "event"));
  ASSAY_TRY(launch(kFew));
  ASSAY_TRY(check(cudaEventRecord(after.get(), stream_.get()), "event"));
  ASSAY_ASSIGN(const float ms, elapsed_ms(before, after));
  return static_cast<int>(std::clamp(kFew * seconds * 1e3 / std::max(1e-3, static_cast<double>(ms)), 1.0, 1.0 * kMost));
}

Result<CeilingReading> GpuCeilings::measure_memory(std::string_view ceiling) {
  constexpr double kGigabytes = 1e-9 * static_cast<double>(kMemoryBytes);
  constexpr std::size_t kHalf = kMemoryBytes / 2;
  return rate(kGigabytes, kShort, [&](cudaStream_t stream) -> Result<> {
    if (ceiling == "read") {
      return read_all(memory_.data(), kMemoryBytes, reinterpret_cast<unsigned*>(sink_.data()), stream);
    }
    if (ceiling == "write") return write_all(memory_.data(), kMemoryBytes, stream);
    return copy_all(memory_.data(), memory_.data() + kHalf, kHalf, stream);
  });
}

Result<CeilingReading> GpuCeilings::measure_instructions(std::string_view ceiling) const {
  const int n = facts_.n_multiprocessors;
  const bool is_wgmma = ceiling == "fp8" || (ceiling == "bf16" && facts_.path == CudaPath::hopper);
  const ProductType type = ceiling == "fp8" ? ProductType::fp8 : ProductType::bf16;
  const auto launch = [&](int n_rounds) -> Result<> {
    if (is_wgmma) return run_wgmma(type, n, n_rounds, sink_.data(), stream_.get());
    if (ceiling == "bf16") return run_mma(n, n_rounds, sink_.data(), stream_.get());
    return run_fma(n, n_rounds, sink_.data(), stream_.get());
  };
  constexpr double kLaunchS = 0.01;
  ASSAY_ASSIGN(const int n_rounds, rounds_for(kLaunchS, launch));
  const double flop = is_wgmma            ? wgmma_flop(type, n, n_rounds)
                      : ceiling == "bf16" ? mma_flop(n, n_rounds)
                                          : fma_flop(n, n_rounds);
  return rate(1e-12 * flop, kSustained, [&](cudaStream_t) { return launch(n_rounds); });
}

Result<CeilingReading> GpuCeilings::measure_library(std::string_view ceiling) const {
  const int n = ceiling == "fp32" ? kFp32Product : kProduct;
  const std::size_t side = static_cast<std::size_t>(n) * static_cast<std::size_t>(n) * sizeof(float);
  std::uint8_t* const x = memory_.data();
  std::uint8_t *const w = x + side, *const y = w + side, *const workspace = y + side;
  for (std::uint8_t* const operand : {x, w}) {
    ASSAY_TRY(ceiling == "fp8"
                  ? fill_e4m3(operand, side)
                  // Of bfloat16 pairs read as float32 the upper half is what counts.
                  : fill_random({reinterpret_cast<__nv_bfloat16*>(operand), side / 2}, 1, 11, stream_.get()));
  }
  const double flop = 2.0 * n * n * n;
  return rate(1e-12 * flop, kSustained, [&](cudaStream_t stream) -> Result<> {
    if (ceiling == "bf16") return cublas_->bf16(x, w, y, n, n, n, stream);
    if (ceiling == "fp32") return cublas_->fp32(x, w, y, n, n, n, stream);
    return cublas_->fp8(x, w, y, n, n, n, workspace, stream);
  });
}

Result<CeilingReading> GpuCeilings::measure_pinned(bool to_device) const {
  void* memory = nullptr;
  ASSAY_TRY(check(cudaHostAlloc(&memory, kPinnedBytes, cudaHostAllocDefault), "pinned host memory"));
  const std::unique_ptr<void, PinnedFree> pinned(memory);
  return rate(1e-9 * static_cast<double>(kPinnedBytes), kShort, [&](cudaStream_t stream) {
    return to_device
               ? check(cudaMemcpyAsync(memory_.data(), memory, kPinnedBytes, cudaMemcpyHostToDevice, stream), "copy")
               : check(cudaMemcpyAsync(memory, memory_.data(), kPinnedBytes, cudaMemcpyDeviceToHost, stream), "copy");
  });
}

/// The host's time for a launch: the mean over launches that find room in the stream's queue.
Result<CeilingReading> GpuCeilings::measure_host_launch(bool is_graph) const {
  ASSAY_ASSIGN(const GraphExec graph, capture_graph(stream_, [&] { return run_nothing(false, stream_.get()); }));
  const auto launch = [&]() -> Result<> {
    if (is_graph) return check(cudaGraphLaunch(graph.get(), stream_.get()), "graph");
    return run_nothing(false, stream_.get());
  };
  constexpr int kRounds = 21;
  std::vector<double> values;
  double begin = host_seconds(), mean = 0;
  const double warm_from = begin;
  for (int round = -2; round < kRounds; ++round) {
    begin = host_seconds();
    for (int i = 0; i < kLaunches; ++i) ASSAY_TRY(launch());
    const double us = 1e6 * (host_seconds() - begin) / kLaunches;
    ASSAY_TRY(check(cudaStreamSynchronize(stream_.get()), "launches"));
    if (round < 0) continue;
    values.push_back(us);
    mean += us / kRounds;
  }
  CeilingReading reading = reading_of(values, mean);
  reading.timed_s = host_seconds() - warm_from;
  return reading;
}

/// The device's time from one empty kernel to the next, all of them launched before the first one starts.
Result<CeilingReading> GpuCeilings::measure_gap(bool is_graph, bool may_overlap) const {
  void* memory = nullptr;
  ASSAY_TRY(check(cudaHostAlloc(&memory, sizeof(std::uint32_t), cudaHostAllocMapped), "pinned host memory"));
  const std::unique_ptr<void, PinnedFree> pinned(memory);
  auto* const go = static_cast<volatile std::uint32_t*>(memory);
  const auto launch_all = [&]() -> Result<> {
    for (int i = 0; i < kLaunches; ++i) ASSAY_TRY(run_nothing(may_overlap, stream_.get()));
    return {};
  };
  ASSAY_ASSIGN(const GraphExec graph, capture_graph(stream_, launch_all));
  ASSAY_ASSIGN(const Event before, create_event());
  ASSAY_ASSIGN(const Event after, create_event());
  constexpr int kRounds = 21;
  std::vector<double> values;
  double mean = 0;
  const double begin = host_seconds();
  for (int round = -2; round < kRounds; ++round) {
    *go = 0;
    ASSAY_TRY(wait_for_host(go, stream_.get()));
    ASSAY_TRY(check(cudaEventRecord(before.get(), stream_.get()), "event"));
    ASSAY_TRY(is_graph ? check(cudaGraphLaunch(graph.get(), stream_.get()), "graph") : launch_all());
    ASSAY_TRY(check(cudaEventRecord(after.get(), stream_.get()), "event"));
    *go = 1;
    ASSAY_ASSIGN(const float ms, elapsed_ms(before, after));
    if (round < 0) continue;
    values.push_back(1e3 * static_cast<double>(ms) / kLaunches);
    mean += values.back() / kRounds;
  }
  CeilingReading reading = reading_of(values, mean);
  reading.timed_s = host_seconds() - begin;
  return reading;
}

Result<CeilingReading> GpuCeilings::measure_barrier() const {
  auto* const arrived = reinterpret_cast<std::uint32_t*>(sink_.data());
  ASSAY_ASSIGN(const Event before, create_event());
  ASSAY_ASSIGN(const Event after, create_event());
  constexpr int kRounds = 21;
  std::vector<double> values;
  double mean = 0;
  const double begin = host_seconds();
  for (int round = -2; round < kRounds; ++round) {
    ASSAY_TRY(check(cudaMemsetAsync(arrived, 0, sizeof *arrived, stream_.get()), "fill"));
    ASSAY_TRY(check(cudaEventRecord(before.get(), stream_.get()), "event"));
    ASSAY_TRY(run_grid_barriers(facts_.n_multiprocessors, kGridBarriers, arrived, stream_.get()));
    ASSAY_TRY(check(cudaEventRecord(after.get(), stream_.get()), "event"));
    ASSAY_ASSIGN(const float ms, elapsed_ms(before, after));
    if (round < 0) continue;
    values.push_back(1e3 * static_cast<double>(ms) / kGridBarriers);
    mean += values.back() / kRounds;
  }
  CeilingReading reading = reading_of(values, mean);
  reading.timed_s = host_seconds() - begin;
  return reading;
}

}  // namespace

Result<int> count_gpus() {
  int n = 0;
  ASSAY_TRY(check(cudaGetDeviceCount(&n), "CUDA devices"));
  return n;
}

Result<std::unique_ptr<CeilingDevice>> open_gpu_ceilings(int ordinal) { return GpuCeilings::open(ordinal); }

}  // namespace assay::kernels
