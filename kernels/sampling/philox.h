#pragma once
// Philox4x32-10, a counter-based random generator: the same counter and key give the same words on any machine.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11; known answers from Random123.

#include <array>
#include <cstdint>

namespace assay::kernels {

using PhiloxWords = std::array<std::uint32_t, 4>;

constexpr PhiloxWords philox(PhiloxWords counter, std::array<std::uint32_t, 2> key, int n_rounds = 10) {
  for (int round = 0; round < n_rounds; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53u} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57u} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return counter;
}

/// What a token's noise is keyed by.
struct NoiseKey {
  std::uint64_t seed = 0;
  std::uint32_t sample_word = 0;  ///< c3: identifies suite, item and sample
};

/// The words of tokens id & ~3 to id | 3 at `position`: philox({position, id >> 2, 0, sample_word}, seed).
PhiloxWords gumbel_words(const NoiseKey& key, std::uint32_t position, std::uint32_t id);

/// The uniform number of a word, ((word >> 9) + 0.5)·2^-23: above 0 and below 1, and exact.
constexpr double gumbel_uniform(std::uint32_t word) { return ((word >> 9) + 0.5) * 0x1p-23; }

/// Standard Gumbel noise -ln(-ln u) of token `id` at `position`, u from word (id & 3) of its words: -2.8 to 16.7.
/// Float64 arithmetic without library functions, rounded to float32 once, so every machine computes the same bits.
float gumbel_noise(const NoiseKey& key, std::uint32_t position, std::uint32_t id);

}  // namespace assay::kernels
