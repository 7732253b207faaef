#pragma once
// The counter-based generator that resampling draws from.

#include <array>
#include <cstdint>

namespace assay::results {

/// Four random words for a counter and a key: Philox4x32 with 10 rounds. The same in any order and on any thread.
/// Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".
std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

}  // namespace assay::results
