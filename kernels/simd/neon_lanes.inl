// Sixteen float32 lanes in NEON's four registers. Part of lanes.h, which has the contract; included by it alone.

#include <arm_neon.h>

namespace {

struct Lanes {
  float32x4_t v[4];
};

/// The four registers of a result, one by one.
template <class Operation>
inline __attribute__((always_inline)) Lanes quarters(Operation operation) {
  return {{operation(0), operation(1), operation(2), operation(3)}};
}

inline Lanes broadcast(float x) {
  return quarters([=](int) { return vdupq_n_f32(x); });
}
inline Lanes zero() { return broadcast(0); }
inline Lanes load(const float* p) {
  return quarters([=](int i) { return vld1q_f32(p + 4 * i); });
}
/// The first n floats, the other lanes 0; 0 <= n <= 16.
inline Lanes load_first(const float* p, int n) {
  float all[kLanes] = {};
  memcpy(all, p, sizeof(float) * static_cast<size_t>(n));
  return load(all);
}
inline void store(float* p, Lanes a) {
  for (int i = 0; i < 4; ++i) vst1q_f32(p + 4 * i, a.v[i]);
}
inline void store_first(float* p, Lanes a, int n) {
  float all[kLanes];
  store(all, a);
  memcpy(p, all, sizeof(float) * static_cast<size_t>(n));
}
inline Lanes add(Lanes a, Lanes b) {
  return quarters([&](int i) { return vaddq_f32(a.v[i], b.v[i]); });
}
inline Lanes sub(Lanes a, Lanes b) {
  return quarters([&](int i) { return vsubq_f32(a.v[i], b.v[i]); });
}
inline Lanes mul(Lanes a, Lanes b) {
  return quarters([&](int i) { return vmulq_f32(a.v[i], b.v[i]); });
}
inline Lanes div(Lanes a, Lanes b) {
  return quarters([&](int i) { return vdivq_f32(a.v[i], b.v[i]); });
}
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
  return quarters([&](int i) { return vfmaq_f32(c.v[i], a.v[i], b.v[i]); });
}
/// a where a > b, else b: vmaxq would treat NaN and zeros otherwise than the other levels.
inline Lanes max(Lanes a, Lanes b) {
  return quarters([&](int i) { return vbslq_f32(vcgtq_f32(a.v[i], b.v[i]), a.v[i], b.v[i]); });
}
inline Lanes zero_below(Lanes a, Lanes x, Lanes bound) {
  return quarters([&](int i) {
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a.v[i]), vcgeq_f32(x.v[i], bound.v[i])));
  });
}
inline Lanes scale_by_power(Lanes a, Lanes biased) {
  return quarters([&](int i) {
    return vreinterpretq_f32_u32(
        vaddq_u32(vreinterpretq_u32_f32(a.v[i]), vshlq_n_u32(vreinterpretq_u32_f32(biased.v[i]), 23)));
  });
}
inline Lanes load_bf16(const uint16_t* p) {
  return quarters([=](int i) { return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(vld1_u16(p + 4 * i)), 16)); });
}
inline Lanes load_f16(const uint16_t* p) {
  return quarters([=](int i) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p + 4 * i))); });
}
/// Two registers of e4m3 as halves divided by 256; see lanes.h.
inline Lanes load_e4m3_over_256(const uint8_t* p) {
  const uint8x16_t bytes = vld1q_u8(p);
  const auto halves = [](uint8x8_t eight) {
    const int16x8_t moved = vshrq_n_s16(vreinterpretq_s16_u16(vshll_n_u8(eight, 8)), 1);
    return vreinterpretq_f16_s16(vandq_s16(moved, vdupq_n_s16(-0x4001)));
  };
  const float16x8_t first = halves(vget_low_u8(bytes)), last = halves(vget_high_u8(bytes));
  return {{vcvt_f32_f16(vget_low_f16(first)), vcvt_f32_f16(vget_high_f16(first)), vcvt_f32_f16(vget_low_f16(last)),
           vcvt_f32_f16(vget_high_f16(last))}};
}
/// The tree's first two levels: lanes l, l+4, l+8 and l+12 in lane l.
inline float32x4_t sum_of_quarters(Lanes a) { return vaddq_f32(vaddq_f32(a.v[0], a.v[2]), vaddq_f32(a.v[1], a.v[3])); }
inline float sum(Lanes a) {
  const float32x4_t s4 = sum_of_quarters(a);
  const float32x2_t s2 = vadd_f32(vget_low_f32(s4), vget_high_f32(s4));
  return vget_lane_f32(s2, 0) + vget_lane_f32(s2, 1);
}
/// Lane i of the result is sum(a[i]), for 16 inputs.
inline Lanes sums(const Lanes* a) {
  const auto halves = [](float32x4_t x, float32x4_t y) {
    return vaddq_f32(vcombine_f32(vget_low_f32(x), vget_low_f32(y)), vcombine_f32(vget_high_f32(x), vget_high_f32(y)));
  };
  return quarters([=](int i) {
    const Lanes* four = a + 4 * i;
    return vpaddq_f32(halves(sum_of_quarters(four[0]), sum_of_quarters(four[1])),
                      halves(sum_of_quarters(four[2]), sum_of_quarters(four[3])));
  });
}

}  // namespace
