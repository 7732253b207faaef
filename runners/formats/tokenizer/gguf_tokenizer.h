#pragma once
// The tokenizer that a GGUF file carries in its metadata, under keys "tokenizer.*".
// Sources: ggml-org/ggml, docs/gguf.md; ggml-org/llama.cpp, gguf-py/gguf/constants.py (codes), src/llama-vocab.cpp.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/gguf/gguf_metadata.h"
#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

/// What the metadata says, members named as its keys; nothing where a key is absent. Texts are views into the file.
struct GgufTokenizer {
  std::string_view model = {};               ///< "gpt2": byte-level BPE; "llama": SentencePiece-style
  std::optional<std::string_view> pre = {};  ///< names the splitting patterns (gguf_patterns.h)
  std::vector<std::string_view> tokens = {};
  /// Of each token: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte.
  std::vector<std::int64_t> token_type = {};
  std::vector<float> scores = {};             ///< of each token; "llama" only
  std::vector<std::string_view> merges = {};  ///< "a b"; "gpt2" only
  std::optional<std::int64_t> bos_token_id = {};
  std::optional<std::int64_t> eos_token_id = {};
  std::optional<std::int64_t> eot_token_id = {};  ///< ends a turn
  std::optional<std::int64_t> eom_token_id = {};  ///< ends a message, to hand over to a tool
  std::optional<bool> add_bos_token = {};
  std::optional<bool> add_space_prefix = {};
  std::optional<std::string_view> chat_template = {};  ///< Jinja text
};

/// Reads the keys. Error{bad_input} names file and key: a key that is needed is missing (model, tokens), or a value is
/// of another type.
Result<GgufTokenizer> read_gguf_tokenizer(const GgufMetadata& metadata);

/// Control tokens become special added tokens, user-defined ones added tokens that are not special; unused ones, and
/// the converters' padding ("[PAD17]" with id 17), no tokens at all. Error{bad_input}, "WHERE: …": a model other than
/// gpt2 and llama, a pre-tokeniser that is missing, "default" or not known (the message lists those that are), lists of
/// unequal length, unknown token types, ids outside the vocabulary, texts that are no UTF-8, broken merges and byte
/// tokens.
Result<TokenizerData> to_tokenizer_data(const GgufTokenizer& fields, std::string_view where);

/// Hex SHA-256 over all pairs with keys "tokenizer.…", ascending: each key, then its value's bytes as in the file.
std::string gguf_tokenizer_sha256(const GgufMetadata& metadata);

/// The ids that end a reply: eos, end of turn, end of message; each once, ascending. Those outside the vocabulary are
/// left out.
std::vector<std::int32_t> stop_token_ids(const GgufTokenizer& fields);

}  // namespace assay::runners
