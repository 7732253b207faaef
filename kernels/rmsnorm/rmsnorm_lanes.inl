// RMSNorm in lanes. Included by kernels/simd/level_*.cpp only; contract in rmsnorm.h.

namespace assay::kernels {
namespace {

void rmsnorm_row(const float* x, const float* weight, float eps, int n, float* y) {
  Lanes squares = zero();
  for (int i = 0; i < n; i += kLanes) {
    const Lanes v = load_first(x + i, n - i < kLanes ? n - i : kLanes);
    squares = fma(v, v, squares);
  }
  const float mean = sum(squares) / static_cast<float>(n);
  const Lanes scale = broadcast(1.0f / __builtin_sqrtf(mean + eps));
  for (int i = 0; i < n; i += kLanes) {
    const int count = n - i < kLanes ? n - i : kLanes;
    store_first(y + i, mul(mul(load_first(x + i, count), scale), load_first(weight + i, count)), count);
  }
}

}  // namespace
}  // namespace assay::kernels
