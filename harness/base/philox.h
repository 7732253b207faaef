#pragma once
// Philox4x32-10, a counter-based random generator: the same counter and key give the same words on any machine.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11; known answers from Random123.

#include <array>
#include <cstdint>

namespace assay {

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

}  // namespace assay
