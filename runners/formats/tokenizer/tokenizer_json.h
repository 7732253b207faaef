#pragma once
// tokenizer.json and tokenizer_config.json, read into TokenizerData. Format: huggingface/tokenizers, tokenizers/src.

#include <string_view>

#include "harness/base/result.h"
#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

/// The text of a tokenizer.json. Known types: model BPE; normalizer NFC, Sequence; pre_tokenizer Split (Isolated),
/// Digits, ByteLevel (last), Sequence; post_processor ByteLevel, TemplateProcessing, Sequence; decoder ByteLevel,
/// Sequence. Any other is Error{bad_input} with its name. truncation and padding are left out.
Result<TokenizerData> parse_tokenizer_json(std::string_view text, std::string_view where);

/// Adds what a tokenizer_config.json says: bos_token, eos_token, add_bos_token, chat_template (of several, "default").
Result<> apply_tokenizer_config(std::string_view text, std::string_view where, TokenizerData& data);

}  // namespace assay::runners
