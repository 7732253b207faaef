#pragma once
// Sixteen int32 lanes and sixteen groups of four bytes: the unit of every integer product. Included by level_*.cpp
// files alone, under the rules of lanes.h. Integer sums are exact, so that all levels agree whatever their order.

#include "kernels/simd/lanes.h"

namespace {

inline void prefetch(const uint8_t* p) { __builtin_prefetch(p); }

/// Whether an int16 can add up products of integers of so many bits with int8, `bytes_a_lane` of each group.
constexpr bool fits_int16(int bits, int groups, int bytes_a_lane) {
  return ((1 << bits) - 1) * 127 * groups * bytes_a_lane <= 32767;
}

}  // namespace

#if defined(ASSAY_NEON)
#include "kernels/simd/neon_bytes.inl"
#endif

namespace {

#if defined(__AVX512VNNI__)

constexpr int kUnrolledRows = 16;  ///< rows of a tile whose sums stay in registers

struct Bytes {
  __m512i v;
};
struct Ints {
  __m512i v;
};

inline Bytes load_bytes(const uint8_t* p) { return {_mm512_loadu_si512(p)}; }
inline Bytes masked(Bytes a, uint8_t mask) {
  return {_mm512_and_si512(a.v, _mm512_set1_epi8(static_cast<char>(mask)))};
}
/// a, with the bits of b under the mask added where a has none.
inline Bytes with_bits(Bytes a, Bytes b, uint8_t mask) {
  return {_mm512_ternarylogic_epi32(a.v, b.v, _mm512_set1_epi8(static_cast<char>(mask)), 0xF8)};
}
/// Every byte moved by n bits up (n > 0) or down; bits of a neighbour may come in: mask them.
template <int n>
inline Bytes moved(Bytes a) {
  return {n > 0 ? _mm512_slli_epi16(a.v, n > 0 ? n : 0) : _mm512_srli_epi16(a.v, n < 0 ? -n : 0)};
}
/// Lane l: Σ over groups g and i = 0…3 of (w[g].byte[4·l + i] - kOffset) · x[4·g + i], where w < 2^kBits; `start` is
/// -kOffset · Σ x.
template <int kBits, int kOffset, int kCount>
inline Ints dot(const Bytes* w, const int8_t* x, int32_t start) {
  __m512i sum = kOffset == 0 ? _mm512_setzero_si512() : _mm512_set1_epi32(start);
#pragma GCC unroll 8
  for (int g = 0; g < kCount; ++g) {
    int32_t four;
    memcpy(&four, x + 4 * g, sizeof four);
    sum = _mm512_dpbusd_epi32(sum, w[g].v, _mm512_set1_epi32(four));
  }
  return {sum};
}
inline Lanes to_float(Ints a) { return {_mm512_cvtepi32_ps(a.v)}; }
inline Lanes load_u8(const uint8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
inline Lanes load_i8(const uint8_t* p) {
  return {_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))))};
}
inline Ints magnitude_bits(Lanes a) {
  return {_mm512_and_si512(_mm512_castps_si512(a.v), _mm512_set1_epi32(0x7FFFFFFF))};
}
inline Ints max(Ints a, Ints b) { return {_mm512_max_epi32(a.v, b.v)}; }
inline int32_t greatest(Ints a) { return _mm512_reduce_max_epi32(a.v); }
/// Writes the integers in [-127, 127] that lie in the low bits of biased = n + 1.5·2^23, and returns their sum.
inline int32_t store_int8(int8_t* p, Lanes biased) {
  const __m512i n = _mm512_sub_epi32(_mm512_castps_si512(biased.v), _mm512_set1_epi32(0x4B400000));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(n));
  return _mm512_reduce_add_epi32(n);
}

#elif defined(__AVX2__)

constexpr int kUnrolledRows = 1;

struct Bytes {
  __m256i lo, hi;
};
struct Ints {
  __m256i lo, hi;
};

inline Bytes load_bytes(const uint8_t* p) {
  return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
          _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
}
inline Bytes masked(Bytes a, uint8_t mask) {
  const __m256i m = _mm256_set1_epi8(static_cast<char>(mask));
  return {_mm256_and_si256(a.lo, m), _mm256_and_si256(a.hi, m)};
}
inline Bytes with_bits(Bytes a, Bytes b, uint8_t mask) {
  const Bytes added = masked(b, mask);
  return {_mm256_or_si256(a.lo, added.lo), _mm256_or_si256(a.hi, added.hi)};
}
template <int n>
inline Bytes moved(Bytes a) {
  constexpr int up = n > 0 ? n : 0, down = n < 0 ? -n : 0;
  return {_mm256_srli_epi16(_mm256_slli_epi16(a.lo, up), down), _mm256_srli_epi16(_mm256_slli_epi16(a.hi, up), down)};
}
/// One half of the lanes. maddubs adds pairs in int16: fewer bits let more of them add up before they are widened, and
/// eight bits go as |w - 128| times x with the sign of w - 128, since 255 · 127 · 2 would not fit.
template <int kBits, int kOffset, int kCount, class Half>
inline __m256i dot_half(const int8_t* x, int32_t start, Half half) {
  constexpr int kRun = fits_int16(kBits, kCount, 2) ? kCount
                       : fits_int16(kBits, 4, 2)    ? 4
                       : fits_int16(kBits, 2, 2)    ? 2
                                                    : 1;
  constexpr bool kSigned = !fits_int16(kBits, 1, 2);
  static_assert(!kSigned || kOffset == 128);
  __m256i sum = kSigned || kOffset == 0 ? _mm256_setzero_si256() : _mm256_set1_epi32(start);
#pragma GCC unroll 8
  for (int g = 0; g < kCount; g += kRun) {
    __m256i pairs = _mm256_setzero_si256();
#pragma GCC unroll 8
    for (int i = 0; i < kRun; ++i) {
      int32_t four;
      memcpy(&four, x + 4 * (g + i), sizeof four);
      const __m256i inputs = _mm256_set1_epi32(four);
      __m256i product;
      if constexpr (kSigned) {
        const __m256i w = _mm256_xor_si256(half(g + i), _mm256_set1_epi8(-128));
        product = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(inputs, w));
      } else {
        product = _mm256_maddubs_epi16(half(g + i), inputs);
      }
      pairs = i == 0 ? product : _mm256_add_epi16(pairs, product);
    }
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
  }
  return sum;
}
template <int kBits, int kOffset, int kCount>
inline Ints dot(const Bytes* w, const int8_t* x, int32_t start) {
  return {dot_half<kBits, kOffset, kCount>(
              x, start, [=](int g) __attribute__((always_inline)) { return w[g].lo; }),
          dot_half<kBits, kOffset, kCount>(
              x, start, [=](int g) __attribute__((always_inline)) { return w[g].hi; })};
}
inline Lanes to_float(Ints a) { return {_mm256_cvtepi32_ps(a.lo), _mm256_cvtepi32_ps(a.hi)}; }
inline Lanes load_u8(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return to_float(Ints{_mm256_cvtepu8_epi32(bytes), _mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8))});
}
inline Lanes load_i8(const uint8_t* p) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return to_float(Ints{_mm256_cvtepi8_epi32(bytes), _mm256_cvtepi8_epi32(_mm_srli_si128(bytes, 8))});
}
inline Ints magnitude_bits(Lanes a) {
  const __m256i mask = _mm256_set1_epi32(0x7FFFFFFF);
  return {_mm256_and_si256(_mm256_castps_si256(a.lo), mask), _mm256_and_si256(_mm256_castps_si256(a.hi), mask)};
}
inline Ints max(Ints a, Ints b) { return {_mm256_max_epi32(a.lo, b.lo), _mm256_max_epi32(a.hi, b.hi)}; }
inline int32_t greatest(Ints a) {
  const __m256i m8 = _mm256_max_epi32(a.lo, a.hi);
  __m128i m = _mm_max_epi32(_mm256_castsi256_si128(m8), _mm256_extracti128_si256(m8, 1));
  m = _mm_max_epi32(m, _mm_shuffle_epi32(m, 0x4E));
  return _mm_cvtsi128_si32(_mm_max_epi32(m, _mm_shuffle_epi32(m, 0xB1)));
}
inline int32_t store_int8(int8_t* p, Lanes biased) {
  const __m256i magic = _mm256_set1_epi32(0x4B400000);
  const __m256i lo = _mm256_sub_epi32(_mm256_castps_si256(biased.lo), magic),
                hi = _mm256_sub_epi32(_mm256_castps_si256(biased.hi), magic);
  const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(lo, hi), 0xD8);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p),
                   _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
  const __m256i s8 = _mm256_add_epi32(lo, hi);
  __m128i s = _mm_add_epi32(_mm256_castsi256_si128(s8), _mm256_extracti128_si256(s8, 1));
  s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
  return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1)));
}

#elif !defined(__AVX512F__) && !defined(ASSAY_NEON)

constexpr int kUnrolledRows = 1;

struct Bytes {
  uint8_t v[4 * kLanes];
};
struct Ints {
  int32_t v[kLanes];
};

inline Bytes load_bytes(const uint8_t* p) {
  Bytes r;
  memcpy(r.v, p, sizeof r.v);
  return r;
}
inline Bytes masked(const Bytes& a, uint8_t mask) {
  Bytes r;
  for (int i = 0; i < 4 * kLanes; ++i) r.v[i] = static_cast<uint8_t>(a.v[i] & mask);
  return r;
}
inline Bytes with_bits(const Bytes& a, const Bytes& b, uint8_t mask) {
  Bytes r;
  for (int i = 0; i < 4 * kLanes; ++i) r.v[i] = static_cast<uint8_t>(a.v[i] | (b.v[i] & mask));
  return r;
}
template <int n>
inline Bytes moved(const Bytes& a) {
  Bytes r;
  for (int i = 0; i < 4 * kLanes; ++i)
    r.v[i] = static_cast<uint8_t>(n > 0 ? a.v[i] << (n > 0 ? n : 0) : a.v[i] >> (n < 0 ? -n : 0));
  return r;
}
/// to[2·l] = a and to[2·l + 1] = b.
inline void repeat(int8_t a, int8_t b, int16_t* to) {
  const int16_t both[2] = {a, b};
  int32_t pair, pairs[kLanes];
  memcpy(&pair, both, sizeof pair);
  for (int32_t& lane : pairs) lane = pair;
  memcpy(to, pairs, sizeof pairs);
}
/// Loops over int16 and int32 that a compiler turns into vectors of any width. A lane's bytes are two of the 16-bit
/// words that w is seen as (little-endian): the low bytes of the words meet x[0] and x[2], the high bytes x[1] and
/// x[3]. Sums of pairs are kept in int16 and widened as for AVX2.
template <int kBits, int kOffset, int kCount>
inline Ints dot(const Bytes* w, const int8_t* x, int32_t start) {
  constexpr int kRun = fits_int16(kBits, kCount, 2) ? kCount
                       : fits_int16(kBits, 4, 2)    ? 4
                       : fits_int16(kBits, 2, 2)    ? 2
                                                    : 1;
  constexpr bool kSigned = !fits_int16(kBits, 1, 2);
  static_assert(!kSigned || kOffset == 128);
  constexpr int kWords = 2 * kLanes;
  constexpr int16_t kTaken = kSigned ? 128 : 0;
  Ints sum;
  for (int32_t& lane : sum.v) lane = kSigned || kOffset == 0 ? 0 : start;
  for (int g = 0; g < kCount; g += kRun) {
    int16_t pairs[kWords] = {};
    for (int i = g; i < g + kRun; ++i) {
      uint16_t words[kWords];
      memcpy(words, w[i].v, sizeof words);
      const int8_t* four = x + 4 * i;
      int16_t low[kWords], high[kWords];
      repeat(four[0], four[2], low);
      repeat(four[1], four[3], high);
      for (int j = 0; j < kWords; ++j) {
        const auto first = static_cast<int16_t>((words[j] & 0xFF) - kTaken),
                   second = static_cast<int16_t>((words[j] >> 8) - kTaken);
        pairs[j] = static_cast<int16_t>(pairs[j] + first * low[j] + second * high[j]);
      }
    }
    int32_t both[kLanes];
    memcpy(both, pairs, sizeof both);
    for (int l = 0; l < kLanes; ++l) sum.v[l] += static_cast<int16_t>(both[l]) + (both[l] >> 16);
  }
  return sum;
}
inline Lanes to_float(const Ints& a) {
  return each([&](int i) { return static_cast<float>(a.v[i]); });
}
inline Lanes load_u8(const uint8_t* p) {
  return each([&](int i) { return static_cast<float>(p[i]); });
}
inline Lanes load_i8(const uint8_t* p) {
  return each([&](int i) { return static_cast<float>(static_cast<int8_t>(p[i])); });
}
inline Ints magnitude_bits(const Lanes& a) {
  Ints r;
  for (int i = 0; i < kLanes; ++i) r.v[i] = static_cast<int32_t>(to_bits(a.v[i]) & 0x7FFFFFFF);
  return r;
}
inline Ints max(const Ints& a, const Ints& b) {
  Ints r;
  for (int i = 0; i < kLanes; ++i) r.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
  return r;
}
inline int32_t greatest(const Ints& a) {
  int32_t r = a.v[0];
  for (const int32_t lane : a.v) r = lane > r ? lane : r;
  return r;
}
inline int32_t store_int8(int8_t* p, const Lanes& biased) {
  int32_t sum = 0;
  for (int i = 0; i < kLanes; ++i) {
    const int32_t n = static_cast<int32_t>(to_bits(biased.v[i])) - 0x4B400000;
    p[i] = static_cast<int8_t>(n);
    sum += n;
  }
  return sum;
}

#endif

}  // namespace
