// SwiGLU and e^x in lanes. Included by kernels/simd/level_*.cpp only; contract in swiglu.h.

namespace assay::kernels {
namespace {

void swiglu_row(const float* gate, const float* up, int n, float* y) {
  const Lanes one = broadcast(1.0f);
  for (int i = 0; i < n; i += kLanes) {
    const int count = n - i < kLanes ? n - i : kLanes;
    const Lanes g = load_first(gate + i, count);
    const Lanes silu = div(g, add(one, exp(sub(zero(), g))));
    store_first(y + i, mul(silu, load_first(up + i, count)), count);
  }
}

void exp_row(const float* x, int n, float* y) {
  for (int i = 0; i < n; i += kLanes) {
    const int count = n - i < kLanes ? n - i : kLanes;
    store_first(y + i, exp(load_first(x + i, count)), count);
  }
}

}  // namespace
}  // namespace assay::kernels
