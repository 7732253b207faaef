// Sixteen int32 lanes and sixteen groups of four bytes in NEON's registers. Part of byte_lanes.h, which has the
// contract; included by it alone. With the dot product of Armv8.2 where the file is compiled for it.

namespace {

constexpr int kUnrolledRows = 1;

struct Bytes {
  uint8x16_t v[4];
};
struct Ints {
  int32x4_t v[4];
};

template <class Operation>
inline __attribute__((always_inline)) Bytes byte_quarters(Operation operation) {
  return {{operation(0), operation(1), operation(2), operation(3)}};
}
template <class Operation>
inline __attribute__((always_inline)) Ints int_quarters(Operation operation) {
  return {{operation(0), operation(1), operation(2), operation(3)}};
}

inline Bytes load_bytes(const uint8_t* p) {
  return byte_quarters([=](int i) { return vld1q_u8(p + 16 * i); });
}
inline Bytes masked(Bytes a, uint8_t mask) {
  return byte_quarters([&](int i) { return vandq_u8(a.v[i], vdupq_n_u8(mask)); });
}
inline Bytes with_bits(Bytes a, Bytes b, uint8_t mask) {
  return byte_quarters([&](int i) { return vorrq_u8(a.v[i], vandq_u8(b.v[i], vdupq_n_u8(mask))); });
}
template <int n>
inline Bytes moved(Bytes a) {
  return byte_quarters([&](int i) { return vshlq_u8(a.v[i], vdupq_n_s8(n)); });  // a negative n moves down
}

/// The integers of group w, as they are or, eight bits wide, with 128 taken from them.
template <bool kSigned>
inline int8x16_t as_signed(uint8x16_t w) {
  return vreinterpretq_s8_u8(kSigned ? veorq_u8(w, vdupq_n_u8(0x80)) : w);
}
/// Four inputs, four times.
inline int8x16_t repeated(const int8_t* x) {
  int32_t four;
  memcpy(&four, x, sizeof four);
  return vreinterpretq_s8_s32(vdupq_n_s32(four));
}

#if defined(__ARM_FEATURE_DOTPROD)

template <int kBits, int kOffset, int kCount>
inline Ints dot(const Bytes* w, const int8_t* x, int32_t start) {
  constexpr bool kSigned = kBits == 8;
  static_assert(!kSigned || kOffset == 128);
  const int32x4_t begin = vdupq_n_s32(kSigned || kOffset == 0 ? 0 : start);
  return int_quarters([&](int i) {
    int32x4_t sum = begin;
#pragma GCC unroll 8
    for (int g = 0; g < kCount; ++g) sum = vdotq_s32(sum, as_signed<kSigned>(w[g].v[i]), repeated(x + 4 * g));
    return sum;
  });
}

#else

/// Products are added up in int16 over as many groups as fit, and then in pairs in int32: a lane's two pairs meet last.
template <int kBits, int kOffset, int kCount>
inline Ints dot(const Bytes* w, const int8_t* x, int32_t start) {
  constexpr bool kSigned = kBits == 8;
  static_assert(!kSigned || kOffset == 128);
  static_assert(128 * 127 * 2 <= 32767, "two products of signed bytes fit");
  constexpr int kRun = fits_int16(kBits, kCount, 1) ? kCount : fits_int16(kBits, 4, 1) ? 4 : 2;
  const int32x4_t begin = vdupq_n_s32(kSigned || kOffset == 0 ? 0 : start);
  return int_quarters([&](int i) {
    int32x4_t low = vdupq_n_s32(0), high = vdupq_n_s32(0);
#pragma GCC unroll 8
    for (int g = 0; g < kCount; g += kRun) {
      int16x8_t low_run = vdupq_n_s16(0), high_run = vdupq_n_s16(0);
#pragma GCC unroll 8
      for (int j = g; j < g + kRun; ++j) {
        const int8x16_t integers = as_signed<kSigned>(w[j].v[i]), inputs = repeated(x + 4 * j);
        low_run = vmlal_s8(low_run, vget_low_s8(integers), vget_low_s8(inputs));
        high_run = vmlal_s8(high_run, vget_high_s8(integers), vget_high_s8(inputs));
      }
      low = vpadalq_s16(low, low_run);
      high = vpadalq_s16(high, high_run);
    }
    return vaddq_s32(begin, vpaddq_s32(low, high));
  });
}

#endif

inline Lanes to_float(Ints a) {
  return quarters([&](int i) { return vcvtq_f32_s32(a.v[i]); });
}
inline Ints widened(int16x8_t first, int16x8_t last) {
  return {{vmovl_s16(vget_low_s16(first)), vmovl_s16(vget_high_s16(first)), vmovl_s16(vget_low_s16(last)),
           vmovl_s16(vget_high_s16(last))}};
}
inline Lanes load_u8(const uint8_t* p) {
  const uint8x16_t bytes = vld1q_u8(p);
  return to_float(widened(vreinterpretq_s16_u16(vmovl_u8(vget_low_u8(bytes))),
                          vreinterpretq_s16_u16(vmovl_u8(vget_high_u8(bytes)))));
}
inline Lanes load_i8(const uint8_t* p) {
  const int8x16_t bytes = vreinterpretq_s8_u8(vld1q_u8(p));
  return to_float(widened(vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes))));
}
inline Ints magnitude_bits(Lanes a) {
  return int_quarters([&](int i) { return vandq_s32(vreinterpretq_s32_f32(a.v[i]), vdupq_n_s32(0x7FFFFFFF)); });
}
inline Ints max(Ints a, Ints b) {
  return int_quarters([&](int i) { return vmaxq_s32(a.v[i], b.v[i]); });
}
inline int32_t greatest(Ints a) { return vmaxvq_s32(vmaxq_s32(vmaxq_s32(a.v[0], a.v[1]), vmaxq_s32(a.v[2], a.v[3]))); }
inline int32_t store_int8(int8_t* p, Lanes biased) {
  const Ints n =
      int_quarters([&](int i) { return vsubq_s32(vreinterpretq_s32_f32(biased.v[i]), vdupq_n_s32(0x4B400000)); });
  const int16x8_t first = vcombine_s16(vmovn_s32(n.v[0]), vmovn_s32(n.v[1])),
                  last = vcombine_s16(vmovn_s32(n.v[2]), vmovn_s32(n.v[3]));
  vst1q_s8(p, vcombine_s8(vmovn_s16(first), vmovn_s16(last)));
  return vaddvq_s32(vaddq_s32(vaddq_s32(n.v[0], n.v[1]), vaddq_s32(n.v[2], n.v[3])));
}

}  // namespace
