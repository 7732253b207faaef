#pragma once
// What the benchmarks of all families share: random inputs made on the device, timing by graph replay, table rows.

#include <cuda_bf16.h>
#include <cuda_runtime_api.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/device/device_buffer.cuh"
#include "kernels/device/fill_random.cuh"
#include "kernels/device/handles.cuh"

namespace assay::kernels {

/// Puts the i-th launch on the stream.
using Launcher = std::function<Result<>(int)>;

/// Microseconds of one launch: the median over replays of a graph of n_launches, of which `launch_one(i)` puts the i-th
/// on the stream. The caller rotates its inputs with i, so that they don't stay in the L2 cache.
Result<double> time_us(const Stream& stream, int n_launches, const Launcher& launch_one);
/// The same of several, whose graphs are replayed in turns: so all find the card at the same heat and clock.
Result<std::vector<double>> time_in_turns_us(const Stream& stream, int n_launches, std::span<const Launcher> launchers);

/// A benchmark's environment.
struct BenchContext {
  DeviceFacts device;
  double read_bytes_per_s = 0;  ///< measured
  Stream stream;
  bool sweep = false;  ///< show every tile, not only the chosen one
};

/// One printed row: `bytes` and `flop` are what the operation must move and do at the least.
struct BenchRow {
  std::string name;
  double us = 0;
  double bytes = 0;
  double flop = 0;
  double peer_us = 0;  ///< cuBLAS on the same inputs, in turns; 0: none
};
void print_row(const BenchContext& context, const BenchRow& row);

// The families' benchmarks, in the order of the table.
Result<> bench_matmul(const BenchContext& context);
Result<> bench_rows(const BenchContext& context);
Result<> bench_attention(const BenchContext& context);
Result<> bench_mla(const BenchContext& context);
Result<> bench_sampling(const BenchContext& context);
Result<> bench_moe(const BenchContext& context);
Result<> bench_fp8(const BenchContext& context);
Result<> bench_quantized(const BenchContext& context);
Result<> bench_collective(const BenchContext& context);  ///< nothing on one GPU

}  // namespace assay::kernels
