#pragma once
// Finds added tokens in a text: leftmost first, the longest among those that start there.

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/tokenizer/pattern.h"
#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

/// A part of a text: an added token, or what stands between two of them.
struct TextPart {
  std::string_view text;
  std::int32_t token_id = -1;  ///< -1: plain text
};

/// A trie over the contents. Any number of threads may search at a time.
class AddedTokenFinder {
 public:
  /// True for the tokens that may be recognised in the text at hand.
  using Allowed = std::function<bool(std::int32_t id)>;

  /// `tokens` with distinct, non-empty contents.
  static Result<AddedTokenFinder> create(std::vector<AddedToken> tokens);

  /// Cuts `text` (well-formed UTF-8) into parts, none empty. Flags of AddedToken are obeyed; a token that is not
  /// allowed, or stands inside a word though it is single_word, stays plain text. White space that a token swallows
  /// vanishes.
  std::vector<TextPart> cut(std::string_view text, const Allowed& allowed) const;

  bool empty() const { return tokens_.empty(); }

 private:
  struct Node {
    unsigned char byte = 0;
    std::int32_t token = -1;  // index into tokens_ of the content that ends here
    std::int32_t first_child = -1;
    std::int32_t next_sibling = -1;
  };

  AddedTokenFinder() = default;
  std::int32_t child(std::int32_t node, unsigned char byte) const;
  void insert(std::int32_t token);
  /// The longest allowed token that starts at `at`, as an index into tokens_; -1 if none does.
  std::int32_t longest_at(std::string_view text, std::size_t at, const Allowed& allowed) const;
  bool stands_alone(std::string_view text, std::size_t begin, std::size_t end) const;

  std::vector<AddedToken> tokens_;
  std::vector<Node> nodes_ = {Node{}};  // nodes_[0] is the root
  std::array<std::int32_t, 256> roots_ =
      {};  // the root's children by byte, 0 for none: nearly every text byte ends here
};

}  // namespace assay::runners
