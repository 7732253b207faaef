#pragma once
// Byte-pair encoding of one piece: the adjacent pair of lowest rank is merged, the leftmost among equals, until none is
// left.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "harness/base/result.h"

namespace assay::runners {

/// Two token ids that become one.
struct RankedMerge {
  std::int32_t left;
  std::int32_t right;
  std::int32_t merged;
};

/// Immutable; any number of threads may encode at a time.
class BytePairEncoder {
 public:
  /// `byte_ids[b]` is the token of the single byte b, -1 for none; `merges` are in order of rank (a pair given twice
  /// has its last rank, as in huggingface/tokenizers).
  BytePairEncoder(const std::array<std::int32_t, 256>& byte_ids, const std::vector<RankedMerge>& merges);

  /// Appends the ids of `piece`. Bytes without a token contribute nothing. O(n log n).
  void encode(std::string_view piece, std::vector<std::int32_t>& ids) const;

 private:
  struct Target {
    std::uint32_t rank;
    std::int32_t merged;
  };
  static std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
    return std::uint64_t{static_cast<std::uint32_t>(left)} << 32 | static_cast<std::uint32_t>(right);
  }
  /// Pairs of token ids, so that neighbouring ids spread over the buckets.
  struct PairHash {
    std::size_t operator()(std::uint64_t key) const {
      key *= 0x9E3779B97F4A7C15;
      return key ^ (key >> 32);
    }
  };

  std::array<std::int32_t, 256> byte_ids_;
  std::unordered_map<std::uint64_t, Target, PairHash> merges_;
};

}  // namespace assay::runners
