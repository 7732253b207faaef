#pragma once
// Sixteen float32 lanes: the unit of every CPU reduction. Included by the level_*.cpp files alone, each compiled
// for one instruction set. Everything is in an unnamed namespace: code built for AVX-512 must never be picked by the
// linker for a machine without it. For the same reason this file uses no standard library template.
//
// The contract that all levels keep, bit for bit: lane operations are IEEE float32, rounded once (fma fused), and the
// sum of 16 lanes is the tree  l += l+8;  l += l+4;  l += l+2;  l += l+1.

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif !defined(ASSAY_NEON)
#include <math.h>
#endif

namespace {

constexpr int kLanes = 16;

/// Brings the line at p nearer. The address may lie behind the end of an array: nothing is read.
inline void prefetch(const float* p) { __builtin_prefetch(p); }

}  // namespace

// NEON is asked for by name: compilers for aarch64 always have it, and the scalar level must do without.
#if defined(ASSAY_NEON)
#include "kernels/simd/neon_lanes.inl"
#endif

namespace {

#if defined(__AVX512F__)

struct Lanes {
  __m512 v;
};

inline Lanes zero() { return {_mm512_setzero_ps()}; }
inline Lanes broadcast(float x) { return {_mm512_set1_ps(x)}; }
inline Lanes load(const float* p) { return {_mm512_loadu_ps(p)}; }
/// The first n floats, the other lanes 0; 0 <= n <= 16.
inline Lanes load_first(const float* p, int n) {
  return {_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1), p)};
}
inline void store(float* p, Lanes a) { _mm512_storeu_ps(p, a.v); }
inline void store_first(float* p, Lanes a, int n) {
  _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1), a.v);
}
inline Lanes add(Lanes a, Lanes b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Lanes sub(Lanes a, Lanes b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Lanes mul(Lanes a, Lanes b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline Lanes div(Lanes a, Lanes b) { return {_mm512_div_ps(a.v, b.v)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline Lanes max(Lanes a, Lanes b) { return {_mm512_max_ps(a.v, b.v)}; }
/// a where a >= bound, else 0.
inline Lanes zero_below(Lanes a, Lanes x, Lanes bound) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, bound.v, _CMP_GE_OQ), a.v)};
}
/// a · 2^n for a in [0.5, 2], where n is the integer in the low bits of biased = n + 1.5·2^23; the result is a normal
/// number.
inline Lanes scale_by_power(Lanes a, Lanes biased) {
  return {_mm512_castsi512_ps(
      _mm512_add_epi32(_mm512_castps_si512(a.v), _mm512_slli_epi32(_mm512_castps_si512(biased.v), 23)))};
}
inline Lanes load_bf16(const uint16_t* p) {
  const __m256i raw = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(raw), 16))};
}
inline Lanes load_f16(const uint16_t* p) {
  return {_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
/// E4M3 divided by 256: the byte's fields moved into a half, whose exponent bias is 8 larger. Exact, subnormals
/// included.
inline Lanes load_e4m3_over_256(const uint8_t* p) {
  const __m256i bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  const __m256i half = _mm256_and_si256(_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 1), _mm256_set1_epi16(-0x4001));
  return {_mm512_cvtph_ps(half)};
}
inline float sum(Lanes a) {
  const __m256 s8 =
      _mm256_add_ps(_mm512_castps512_ps256(a.v), _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a.v), 1)));
  const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}
/// Lane i of the result is sum(a[i]), for 16 inputs at once: the tree is walked level by level on all of them.
inline Lanes sums(const Lanes* a) {
  __m512 t8[8], t4[4], t2[2];
  for (int i = 0; i < 8; ++i) {
    const __m512 x = a[2 * i].v, y = a[2 * i + 1].v;
    t8[i] = _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x44), _mm512_shuffle_f32x4(x, y, 0xEE));
  }
  for (int i = 0; i < 4; ++i) {
    const __m512 x = t8[2 * i], y = t8[2 * i + 1];
    t4[i] = _mm512_add_ps(_mm512_shuffle_f32x4(x, y, 0x88), _mm512_shuffle_f32x4(x, y, 0xDD));
  }
  // A block of t4[i] is one of inputs 4i … 4i+3; pairing t4[i] with t4[i+1] keeps lanes of one input side by side.
  for (int i = 0; i < 2; ++i) {
    const __m512 x = t4[2 * i], y = t4[2 * i + 1];
    t2[i] = _mm512_add_ps(_mm512_shuffle_ps(x, y, 0x44), _mm512_shuffle_ps(x, y, 0xEE));
  }
  const __m512 t = _mm512_add_ps(_mm512_shuffle_ps(t2[0], t2[1], 0x88), _mm512_shuffle_ps(t2[0], t2[1], 0xDD));
  // Block b, element e now holds input 4e + b: transpose the 4x4 of blocks and elements.
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return {_mm512_permutexvar_ps(order, t)};
}

#elif defined(__AVX2__)

struct Lanes {
  __m256 lo, hi;
};

inline __m256i first_mask(int n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline Lanes zero() { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
inline Lanes broadcast(float x) { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
inline Lanes load(const float* p) { return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)}; }
inline Lanes load_first(const float* p, int n) {
  return {_mm256_maskload_ps(p, first_mask(n)),
          n > 8 ? _mm256_maskload_ps(p + 8, first_mask(n - 8)) : _mm256_setzero_ps()};
}
inline void store(float* p, Lanes a) {
  _mm256_storeu_ps(p, a.lo);
  _mm256_storeu_ps(p + 8, a.hi);
}
inline void store_first(float* p, Lanes a, int n) {
  _mm256_maskstore_ps(p, first_mask(n), a.lo);
  if (n > 8) _mm256_maskstore_ps(p + 8, first_mask(n - 8), a.hi);
}
inline Lanes add(Lanes a, Lanes b) { return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)}; }
inline Lanes sub(Lanes a, Lanes b) { return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)}; }
inline Lanes mul(Lanes a, Lanes b) { return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)}; }
inline Lanes div(Lanes a, Lanes b) { return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)}; }
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
}
inline Lanes max(Lanes a, Lanes b) { return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)}; }
inline Lanes zero_below(Lanes a, Lanes x, Lanes bound) {
  return {_mm256_and_ps(a.lo, _mm256_cmp_ps(x.lo, bound.lo, _CMP_GE_OQ)),
          _mm256_and_ps(a.hi, _mm256_cmp_ps(x.hi, bound.hi, _CMP_GE_OQ))};
}
inline __m256 scale_by_power(__m256 a, __m256 biased) {
  return _mm256_castsi256_ps(
      _mm256_add_epi32(_mm256_castps_si256(a), _mm256_slli_epi32(_mm256_castps_si256(biased), 23)));
}
inline Lanes scale_by_power(Lanes a, Lanes biased) {
  return {scale_by_power(a.lo, biased.lo), scale_by_power(a.hi, biased.hi)};
}
inline __m256 load8_bf16(const uint16_t* p) {
  return _mm256_castsi256_ps(
      _mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
}
inline Lanes load_bf16(const uint16_t* p) { return {load8_bf16(p), load8_bf16(p + 8)}; }
inline Lanes load_f16(const uint16_t* p) {
  return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
          _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
}
inline Lanes load_e4m3_over_256(const uint8_t* p) {
  const __m256i bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  const __m256i half = _mm256_and_si256(_mm256_srai_epi16(_mm256_slli_epi16(bytes, 8), 1), _mm256_set1_epi16(-0x4001));
  return {_mm256_cvtph_ps(_mm256_castsi256_si128(half)), _mm256_cvtph_ps(_mm256_extracti128_si256(half, 1))};
}
inline float sum(Lanes a) {
  const __m256 s8 = _mm256_add_ps(a.lo, a.hi);
  const __m128 s4 = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  const __m128 s2 = _mm_add_ps(s4, _mm_movehl_ps(s4, s4));
  return _mm_cvtss_f32(_mm_add_ss(s2, _mm_movehdup_ps(s2)));
}
/// sums of four inputs, in lane order.
inline __m128 sums4(const Lanes* a) {
  __m128 s4[4];
  for (int i = 0; i < 4; ++i) {
    const __m256 s8 = _mm256_add_ps(a[i].lo, a[i].hi);
    s4[i] = _mm_add_ps(_mm256_castps256_ps128(s8), _mm256_extractf128_ps(s8, 1));
  }
  const __m128 x = _mm_add_ps(_mm_shuffle_ps(s4[0], s4[1], 0x44), _mm_shuffle_ps(s4[0], s4[1], 0xEE));
  const __m128 y = _mm_add_ps(_mm_shuffle_ps(s4[2], s4[3], 0x44), _mm_shuffle_ps(s4[2], s4[3], 0xEE));
  return _mm_add_ps(_mm_shuffle_ps(x, y, 0x88), _mm_shuffle_ps(x, y, 0xDD));
}
inline Lanes sums(const Lanes* a) {
  return {_mm256_set_m128(sums4(a + 4), sums4(a)), _mm256_set_m128(sums4(a + 12), sums4(a + 8))};
}

#elif !defined(ASSAY_NEON)

struct Lanes {
  float v[kLanes];
};

inline Lanes broadcast(float x) {
  Lanes r;
  for (float& lane : r.v) lane = x;
  return r;
}
inline Lanes zero() { return broadcast(0); }
inline Lanes load_first(const float* p, int n) {
  Lanes r = zero();
  memcpy(r.v, p, sizeof(float) * static_cast<size_t>(n));
  return r;
}
inline Lanes load(const float* p) { return load_first(p, kLanes); }
inline void store_first(float* p, Lanes a, int n) { memcpy(p, a.v, sizeof(float) * static_cast<size_t>(n)); }
inline void store(float* p, Lanes a) { store_first(p, a, kLanes); }

template <class Operation>
inline Lanes each(Operation operation) {
  Lanes r;
  for (int i = 0; i < kLanes; ++i) r.v[i] = operation(i);
  return r;
}
inline Lanes add(const Lanes& a, const Lanes& b) {
  return each([&](int i) { return a.v[i] + b.v[i]; });
}
inline Lanes sub(const Lanes& a, const Lanes& b) {
  return each([&](int i) { return a.v[i] - b.v[i]; });
}
inline Lanes mul(const Lanes& a, const Lanes& b) {
  return each([&](int i) { return a.v[i] * b.v[i]; });
}
inline Lanes div(const Lanes& a, const Lanes& b) {
  return each([&](int i) { return a.v[i] / b.v[i]; });
}
inline Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
  return each([&](int i) { return fmaf(a.v[i], b.v[i], c.v[i]); });
}
inline Lanes max(const Lanes& a, const Lanes& b) {
  return each([&](int i) { return a.v[i] > b.v[i] ? a.v[i] : b.v[i]; });
}
inline Lanes zero_below(const Lanes& a, const Lanes& x, const Lanes& bound) {
  return each([&](int i) { return x.v[i] >= bound.v[i] ? a.v[i] : 0.0f; });
}
inline float from_bits(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}
inline uint32_t to_bits(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline Lanes scale_by_power(const Lanes& a, const Lanes& biased) {
  return each([&](int i) { return from_bits(to_bits(a.v[i]) + (to_bits(biased.v[i]) << 23)); });
}
inline Lanes load_bf16(const uint16_t* p) {
  return each([&](int i) { return from_bits(static_cast<uint32_t>(p[i]) << 16); });
}
inline float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000) << 16, magnitude = h & 0x7FFF;
  if (magnitude >= 0x7C00) return from_bits(sign | 0x7F800000u | (magnitude << 13));
  // Below 2^-14 a half is a multiple of 2^-24; above it the exponent moves by 112.
  if (magnitude < 0x0400) return from_bits(sign | to_bits(static_cast<float>(magnitude) * 0x1p-24f));
  return from_bits(sign | ((magnitude << 13) + (112u << 23)));
}
inline Lanes load_f16(const uint16_t* p) {
  return each([&](int i) { return half_to_float(p[i]); });
}
inline Lanes load_e4m3_over_256(const uint8_t* p) {
  return each([&](int i) { return half_to_float(static_cast<uint16_t>(((p[i] & 0x80) << 8) | ((p[i] & 0x7F) << 7))); });
}
inline float sum(Lanes a) {
  for (int width = 8; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) a.v[i] += a.v[i + width];
  }
  return a.v[0];
}
inline Lanes sums(const Lanes* a) {
  return each([&](int i) { return sum(a[i]); });
}

#endif

/// e^x in float32, within 1.5 units in the last place; 0 below -87.3, and x is taken as 88 above that.
/// x = n·ln 2 + r with |r| <= ln(2)/2 (ln 2 in two parts, Cody and Waite), then a polynomial of degree 7 for e^r.
inline Lanes exp(Lanes x) {
  const Lanes kMagic = broadcast(0x1.8p23f);  // adding it rounds to an integer in the low mantissa bits
  const Lanes bounded = sub(zero(), max(sub(zero(), x), broadcast(-88.0f)));
  const Lanes biased = fma(bounded, broadcast(0x1.715476p0f), kMagic);
  const Lanes n = sub(biased, kMagic);
  Lanes r = fma(n, broadcast(-0x1.62e400p-1f), bounded);
  r = fma(n, broadcast(-0x1.7f7d1cp-20f), r);
  Lanes p = broadcast(0x1.a01a02p-13f);  // 1/5040, 1/720, …: r is small enough for Taylor's coefficients
  p = fma(p, r, broadcast(0x1.6c16c2p-10f));
  p = fma(p, r, broadcast(0x1.111112p-7f));
  p = fma(p, r, broadcast(0x1.555556p-5f));
  p = fma(p, r, broadcast(0x1.555556p-3f));
  p = fma(p, r, broadcast(0.5f));
  p = fma(p, r, broadcast(1.0f));
  p = fma(p, r, broadcast(1.0f));
  return zero_below(scale_by_power(p, biased), x, broadcast(-87.3f));
}

}  // namespace
