// The kernels that walk over rows: norm, rotation with the cache's append, embedding.

#include <string>

#include "kernels/device/bench_support.cuh"
#include "kernels/rmsnorm/rmsnorm_bf16.cuh"
#include "kernels/rope/rope_append.cuh"

namespace assay::kernels {

Result<> bench_rows(const BenchContext& context) {
  using Bf16 = __nv_bfloat16;
  constexpr int kHidden = 4096, kHeads = 32, kKvHeads = 8, kDim = 128, kMaxTokens = 8192;
  constexpr int kWidth = (kHeads + 2 * kKvHeads) * kDim;
  ASSAY_ASSIGN(const auto x, DeviceBuffer<float>::create(std::size_t{kMaxTokens} * kWidth));
  ASSAY_ASSIGN(const auto y, DeviceBuffer<Bf16>::create(std::size_t{kMaxTokens} * kHidden));
  ASSAY_ASSIGN(const auto cache, DeviceBuffer<Bf16>::create(std::size_t{2} * kMaxTokens * kKvHeads * kDim));
  ASSAY_ASSIGN(const auto rope, DeviceBuffer<float>::create(std::size_t{kMaxTokens} * kDim));
  ASSAY_TRY(x.fill_bytes(0x3C));
  ASSAY_TRY(rope.fill_bytes(0x3C));
  std::vector<std::int32_t> slots;
  for (int i = 0; i < kMaxTokens; ++i) slots.push_back(i);
  ASSAY_ASSIGN(const auto device_slots, DeviceBuffer<std::int32_t>::from(slots));
  for (const int tokens : {1, 256, 8192}) {
    const int n_launches = tokens > 256 ? 20 : 100;
    ASSAY_ASSIGN(
        const double norm_us, time_us(context.stream, n_launches, [&](int) {
          return rmsnorm_bf16({x.data(), nullptr, rope.data(), 1e-5f, tokens, kHidden, y.data()}, context.stream.get());
        }));
    print_row(context, {"rmsnorm " + std::to_string(tokens) + " x 4096", norm_us, 6.0 * tokens * kHidden,
                        4.0 * tokens * kHidden});
    ASSAY_ASSIGN(const double rope_us, time_us(context.stream, n_launches, [&](int) {
                   return rope_append({x.data(), tokens, kHeads, kKvHeads, kDim, nullptr, nullptr, 0, rope.data(),
                                       device_slots.data(), device_slots.data(), y.data(), cache.data()},
                                      context.stream.get());
                 }));
    print_row(context, {"rope and append " + std::to_string(tokens) + " x 6144", rope_us, 6.0 * tokens * kWidth,
                        3.0 * tokens * kWidth});
  }
  return {};
}

}  // namespace assay::kernels
