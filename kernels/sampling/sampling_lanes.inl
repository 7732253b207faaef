// What sampling does to every logit, in lanes. Included by kernels/simd/level_*.cpp only; contract in cpu_ops.h.

namespace assay::kernels {
namespace {

float largest(const float* x, int n) {
  const Lanes one = broadcast(1.0f), least = broadcast(-__builtin_inff());
  Lanes most = least, ordered = zero();  // ordered: how many numbers a lane has seen
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Lanes v = load(x + i);
    most = max(most, v);
    ordered = add(ordered, zero_below(one, v, least));
  }
  float lanes[kLanes], result = -__builtin_inff();
  store(lanes, most);
  for (int lane = 0; lane < kLanes; ++lane) result = lanes[lane] > result ? lanes[lane] : result;
  bool number = sum(ordered) == static_cast<float>(i);
  for (; i < n; ++i) {
    number = number && x[i] == x[i];
    result = x[i] > result ? x[i] : result;
  }
  return number ? result : __builtin_nanf("");
}

void weigh_logits(const float* x, int n, float temperature, float largest, float* y) {
  const Lanes t = broadcast(temperature), top = broadcast(largest / temperature);
  for (int i = 0; i < n; i += kLanes) {
    const int count = n - i < kLanes ? n - i : kLanes;
    store_first(y + i, exp(sub(div(load_first(x + i, count), t), top)), count);
  }
}

}  // namespace
}  // namespace assay::kernels
