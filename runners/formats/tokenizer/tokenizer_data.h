#pragma once
// What a tokenizer is made of, as plain data. A reader of some file format fills it; Tokenizer::create() checks and
// uses it.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace assay::runners {

/// A vocabulary entry. `text` is written in the byte alphabet (byte_alphabet.h), as the files have it.
struct VocabEntry {
  std::string text;
  std::int32_t id = 0;
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

/// A byte-level BPE tokenizer. Steps run in the order of the members from `added_tokens` to `gpt2_split`, then BPE.
struct TokenizerData {
  std::vector<VocabEntry> vocab;
  std::vector<Merge> merges;
  std::vector<AddedToken> added_tokens;
  Normalizer normalizer = Normalizer::none;
  std::vector<SplitStep> splits;
  bool add_prefix_space = false;         ///< one space before each piece so far that does not start with one
  bool gpt2_split = false;               ///< then split each by GPT-2's pattern
  bool ignore_merges = false;            ///< a piece that is a vocabulary entry is that entry, whatever the merges say
  std::optional<std::string> bos_token;  ///< content, not id
  std::optional<std::string> eos_token;
  bool add_bos = false;                      ///< a raw prompt starts with bos_token
  std::optional<std::string> chat_template;  ///< Jinja text
};

}  // namespace assay::runners
