#pragma once
// What a tokenizer is made of, as plain data. A reader of some file format fills it; Tokenizer::create() checks and
// uses it.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::runners {

/// A vocabulary entry. `text` is as the files have it: written in the byte alphabet (byte_alphabet.h), or, in a
/// SentencePiece-style vocabulary, plain with U+2581 for a space.
struct VocabEntry {
  std::string text;
  std::int32_t id = 0;
  float score = 0;  ///< SentencePiece-style only: the pair of highest score is merged first
};

/// Two vocabulary texts that become one; its rank is its place in the list.
struct Merge {
  std::string left;
  std::string right;
};

/// A token that is found in the text before anything else happens to it. `content` is plain text, not byte-mapped.
struct AddedToken {
  std::string content;
  std::int32_t id = 0;
  bool single_word = false;  ///< only where no word character stands beside it
  bool lstrip = false;       ///< swallows the white space on its left
  bool rstrip = false;       ///< … and on its right
  bool normalized = false;   ///< is looked for in the normalised text
  bool special = false;      ///< a control token: recognised in trusted text alone
};

enum class Normalizer { none, nfc };

/// One splitting step: matches of the pattern and the gaps between them each become pieces.
struct SplitStep {
  std::string pattern;
  bool literal = false;  ///< the pattern is a text, not a regular expression
};

/// What a SentencePiece-style vocabulary has besides its entries.
struct SentencePieceModel {
  std::array<std::int32_t, 256> byte_ids = no_bytes();    ///< the token of each byte ("<0x0A>"), -1 for none
  std::optional<std::int32_t> unknown_id = std::nullopt;  ///< for characters whose bytes have no tokens
  bool add_space_prefix = true;  ///< one space before each text between added tokens; decoding drops the first

  static constexpr std::array<std::int32_t, 256> no_bytes() {
    std::array<std::int32_t, 256> ids{};
    ids.fill(-1);
    return ids;
  }
};

/// A tokenizer. Steps run in the order of the members from `added_tokens` to `gpt2_split`, then byte-level BPE.
struct TokenizerData {
  std::vector<VocabEntry> vocab;
  std::vector<Merge> merges;
  std::vector<AddedToken> added_tokens;
  Normalizer normalizer = Normalizer::none;
  std::vector<SplitStep> splits;
  bool add_prefix_space = false;  ///< one space before each piece so far that does not start with one
  bool gpt2_split = false;        ///< then split each by GPT-2's pattern
  bool ignore_merges = false;     ///< a piece that is a vocabulary entry is that entry, whatever the merges say
  /// If set, texts are merged by the entries' scores instead: `merges` and all from `splits` on do not apply.
  std::optional<SentencePieceModel> sentencepiece;
  std::optional<std::string> bos_token;  ///< content, not id
  std::optional<std::string> eos_token;
  bool add_bos = false;                      ///< a raw prompt starts with bos_token
  std::optional<std::string> chat_template;  ///< Jinja text
};

}  // namespace assay::runners
