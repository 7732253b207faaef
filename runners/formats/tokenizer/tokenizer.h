#pragma once
// Text to token ids and back: byte-level BPE as tokenizer.json and GGUF files describe it, and SentencePiece-style
// vocabularies of GGUF files.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

class GgufMetadata;

/// Whether special tokens written out in a text (added tokens with special=true, such as "<|im_end|>") become their one
/// id. Added tokens with special=false do so in either case.
enum class SpecialTokens { ignore, recognise };

/// What decoding does with special tokens.
enum class DecodeSpecial { keep, skip };

/// A part of a prompt. Trusted text comes from the template; what users, suites and models wrote is untrusted.
struct Segment {
  std::string text;
  bool trusted = false;
};

/// Immutable. Moves, never copies; all const members may be called by any number of threads at a time.
class Tokenizer {
 public:
  /// Reads tokenizer.json (and tokenizer_config.json). Error{bad_input} names the file and place: broken JSON, missing
  /// or mistyped fields, unknown types (by name), ids or texts given twice, merges of unknown tokens, unsupported
  /// patterns.
  static Result<Tokenizer> load(const std::filesystem::path& tokenizer_json,
                                const std::optional<std::filesystem::path>& tokenizer_config = std::nullopt);
  /// The tokenizer of a model: of a folder, tokenizer.json with tokenizer_config.json and chat_template.jinja where
  /// they exist; or what a GGUF file carries (errors of GgufFile::open, and those of gguf_tokenizer.h).
  static Result<Tokenizer> load_of_model(const std::filesystem::path& model);
  /// The same from the metadata of a file that is already open; nothing of it is needed afterwards.
  static Result<Tokenizer> from_gguf(const GgufMetadata& metadata);
  /// From data that some other reader made. `where` names its source in errors.
  static Result<Tokenizer> create(TokenizerData data, std::string_view where);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// The ids of `text`; nothing is added. Ill-formed UTF-8 is read as U+FFFD. Each id is in [0, vocab_size()).
  /// Error{bad_input} if a split pattern exceeds its matching limits, which no known tokenizer's does.
  Result<std::vector<std::int32_t>> encode(std::string_view text, SpecialTokens special) const;

  /// The ids of the segments' texts in a row, as encode() gives them for the whole, but for recognition: added tokens
  /// must lie within a run of segments of equal trust; in untrusted text neither special tokens nor `control_tokens`
  /// (contents; what the template itself writes) are recognised.
  Result<std::vector<std::int32_t>> encode_segments(std::span<const Segment> segments,
                                                    std::span<const std::string> control_tokens = {}) const;

  /// The text of `ids`, well-formed: what is no UTF-8 becomes U+FFFD. Begins as first_token_bytes() says.
  /// Error{bad_input} for an id that no token has.
  Result<std::string> decode(std::span<const std::int32_t> ids, DecodeSpecial special = DecodeSpecial::keep) const;

  /// The bytes that a token stands for (perhaps not whole characters); empty if no token has the id.
  std::string_view token_bytes(std::int32_t id) const;
  /// The same for the first token of a text that is not special: without the space that a SentencePiece-style tokenizer
  /// puts before a text.
  std::string_view first_token_bytes(std::int32_t id) const;
  bool is_token(std::int32_t id) const;
  bool is_special(std::int32_t id) const;
  /// The id of the added token with this content; nothing if there is none.
  std::optional<std::int32_t> added_token_id(std::string_view content) const;

  std::int64_t n_tokens() const;    ///< ids that have a token
  std::int64_t vocab_size() const;  ///< highest id plus one; a model's own vocab_size may be padded beyond it

  std::optional<std::int32_t> bos_id() const;
  std::optional<std::int32_t> eos_id() const;
  const std::optional<std::string>& bos_token() const;
  const std::optional<std::string>& eos_token() const;
  /// A raw prompt starts with bos (a rendered chat template contains its own).
  bool add_bos() const;

  /// The Jinja text of the model's own chat template, if the files have one.
  const std::optional<std::string>& chat_template() const;
  /// Hex SHA-256 of the files; empty for one that was not read. For a GGUF file the first is gguf_tokenizer_sha256().
  const std::string& tokenizer_sha256() const;
  const std::string& config_sha256() const;
  /// What a run should record: bytes that the vocabulary cannot express, for instance. One line each.
  const std::vector<std::string>& warnings() const;

 private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::runners
