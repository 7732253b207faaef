#pragma once
// SentencePiece-style encoding: from single characters, the adjacent pair that makes the token of highest score is
// merged, the leftmost among equals, until none is left.  Source: google/sentencepiece, src/bpe_model.cc.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

/// Immutable; any number of threads may encode at a time.
class SentencePieceEncoder {
 public:
  /// `vocab` holds what merging may make: neither control nor byte tokens. Scores must be numbers.
  SentencePieceEncoder(const std::vector<VocabEntry>& vocab, const SentencePieceModel& model);

  /// Appends the ids of `text` (well-formed UTF-8) as it stands, spaces as spaces. A character without a token becomes
  /// its bytes' tokens, or the unknown id if one of them is missing, or nothing if that is missing too.
  /// O(n log n) for tokens of bounded length.
  void encode(std::string_view text, std::vector<std::int32_t>& ids) const;

 private:
  struct Target {
    float score;
    std::int32_t id;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  void put_bytes(std::string_view character, std::vector<std::int32_t>& ids) const;

  std::unordered_map<std::string, Target, Hash, std::equal_to<>> targets_;  // by text, spaces as U+2581
  std::size_t longest_ = 0;                                                 // of the texts, in bytes
  std::array<std::int32_t, 256> byte_ids_;
  std::int32_t unknown_id_;
};

/// U+2581, which stands for a space in the vocabulary's texts.
inline constexpr std::string_view kSpaceMark = "\u2581";

}  // namespace assay::runners
