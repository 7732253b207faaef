#include "runners/formats/tokenizer/gguf_tokenizer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "runners/formats/tokenizer/gguf_patterns.h"

namespace assay::runners {

namespace {

constexpr std::size_t kMaxTokens = std::size_t{1} << 21;

enum class TokenType : std::int64_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

template <class T, class Read>
Result<std::optional<T>> if_present(const GgufMetadata& metadata, std::string_view key, Read read) {
  if (!metadata.has(key)) return std::optional<T>();
  ASSAY_ASSIGN(T value, (metadata.*read)(key));
  return std::optional<T>(std::move(value));
}

bool is_padding(std::string_view text, std::size_t id) { return text == "[PAD" + std::to_string(id) + "]"; }

/// The byte of "<0x0A>"; nothing for any other text.
std::optional<int> named_byte(std::string_view text) {
  if (text.size() != 6 || !text.starts_with("<0x") || text.back() != '>') return std::nullopt;
  int byte = 0;
  for (const char c : text.substr(3, 2)) {
    const std::size_t digit = std::string_view("0123456789ABCDEF").find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    byte = byte * 16 + static_cast<int>(digit);
  }
  return byte;
}

Result<> check_lists(const GgufTokenizer& fields, std::string_view where) {
  const auto check_length = [&](std::string_view key, std::size_t n) -> Result<> {
    if (n == fields.tokens.size()) return {};
    if (n == 0) return bad_input(where, ": key \"tokenizer.ggml.", key, "\" is missing");
    return bad_input(where, ": key \"tokenizer.ggml.", key, "\" has ", n, " values for ", fields.tokens.size(),
                     " tokens");
  };
  if (fields.tokens.empty()) return bad_input(where, ": key \"tokenizer.ggml.tokens\" is an empty list");
  if (fields.tokens.size() > kMaxTokens) {
    return bad_input(where, ": ", fields.tokens.size(), " tokens, at most ", kMaxTokens, " are supported");
  }
  // Without types control tokens could not be told from text that anybody may write.
  ASSAY_TRY(check_length("token_type", fields.token_type.size()));
  if (fields.model == "llama") ASSAY_TRY(check_length("scores", fields.scores.size()));
  for (std::size_t id = 0; id < fields.tokens.size(); ++id) {
    const std::string_view text = fields.tokens[id];
    if (!is_valid_utf8(text)) return bad_input(where, ": token ", id, " is no UTF-8: ", quoted_excerpt(text));
    const std::int64_t type = fields.token_type[id];
    if (type < 1 || type > 6) {
      return bad_input(where, ": token ", id, " (", quoted_excerpt(text), ") has type ", type, ", must be 1 to 6");
    }
  }
  return {};
}

/// Hands out the tokens by their types.
Result<> place_tokens(const GgufTokenizer& fields, std::string_view where, TokenizerData& data) {
  for (std::size_t index = 0; index < fields.tokens.size(); ++index) {
    const auto id = static_cast<std::int32_t>(index);
    const std::string_view text = fields.tokens[index];
    const auto type = static_cast<TokenType>(fields.token_type[index]);
    if (type == TokenType::unused || is_padding(text, index)) continue;
    if (type == TokenType::control || type == TokenType::user_defined) {
      data.added_tokens.push_back({.content = std::string(text), .id = id, .special = type == TokenType::control});
      continue;
    }
    if (data.sentencepiece && type == TokenType::unknown) {
      data.sentencepiece->unknown_id = id;
      continue;
    }
    if (data.sentencepiece && type == TokenType::byte) {
      const auto byte = named_byte(text);
      if (!byte) return bad_input(where, ": byte token ", id, " is ", quoted_excerpt(text), ", must be as \"<0x0A>\"");
      std::int32_t& slot = data.sentencepiece->byte_ids[*byte];
      if (slot >= 0) return bad_input(where, ": byte token ", quoted_excerpt(text), " stands twice");
      slot = id;
      continue;
    }
    data.vocab.push_back({std::string(text), id, data.sentencepiece ? fields.scores[index] : 0.0F});
  }
  return {};
}

Result<> place_merges(const GgufTokenizer& fields, std::string_view where, TokenizerData& data) {
  data.merges.reserve(fields.merges.size());
  for (std::size_t rank = 0; rank < fields.merges.size(); ++rank) {
    const std::string_view text = fields.merges[rank];
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos) {
      return bad_input(where, ": merge ", rank, " is ", quoted_excerpt(text),
                       ", must be two texts with a space between");
    }
    data.merges.push_back({std::string(text.substr(0, space)), std::string(text.substr(space + 1))});
  }
  return {};
}

Result<std::optional<std::string>> content_of(std::optional<std::int64_t> id, std::string_view key,
                                              const GgufTokenizer& fields, std::string_view where) {
  if (!id) return std::optional<std::string>();
  if (*id < 0 || *id >= static_cast<std::int64_t>(fields.tokens.size())) {
    return bad_input(where, ": key \"tokenizer.ggml.", key, "\" is ", *id, ", must be 0 to ", fields.tokens.size() - 1);
  }
  return std::optional<std::string>(fields.tokens[static_cast<std::size_t>(*id)]);
}

Result<PreTokenizer> pre_tokenizer_of(const GgufTokenizer& fields, std::string_view where) {
  const auto refuse = [&](std::string_view state) {
    return bad_input(where, ": key \"tokenizer.ggml.pre\" ", state,
                     ", so it is not known how the model splits text; known are: ", join(pre_tokenizer_names(), ", "),
                     ". Convert the model anew with a converter that writes one of these");
  };
  if (!fields.pre) return refuse("is missing");
  auto found = find_pre_tokenizer(*fields.pre);
  if (!found) return refuse("is " + quoted_excerpt(*fields.pre));
  return *std::move(found);
}

}  // namespace

Result<GgufTokenizer> read_gguf_tokenizer(const GgufMetadata& metadata) {
  using Text = std::string_view;
  GgufTokenizer fields;
  ASSAY_ASSIGN(fields.model, metadata.string("tokenizer.ggml.model"));
  ASSAY_ASSIGN(fields.pre, if_present<Text>(metadata, "tokenizer.ggml.pre", &GgufMetadata::string));
  ASSAY_ASSIGN(fields.tokens, metadata.strings("tokenizer.ggml.tokens"));
  if (metadata.has("tokenizer.ggml.token_type")) {
    ASSAY_ASSIGN(fields.token_type, metadata.integers("tokenizer.ggml.token_type"));
  }
  if (metadata.has("tokenizer.ggml.scores")) {
    ASSAY_ASSIGN(fields.scores, metadata.floats("tokenizer.ggml.scores"));
  }
  if (metadata.has("tokenizer.ggml.merges")) {
    ASSAY_ASSIGN(fields.merges, metadata.strings("tokenizer.ggml.merges"));
  }
  for (const auto& [key, id] : {std::pair{"bos", &fields.bos_token_id}, std::pair{"eos", &fields.eos_token_id},
                                std::pair{"eot", &fields.eot_token_id}, std::pair{"eom", &fields.eom_token_id}}) {
    ASSAY_ASSIGN(*id, if_present<std::int64_t>(metadata, "tokenizer.ggml." + std::string(key) + "_token_id",
                                               &GgufMetadata::integer));
  }
  ASSAY_ASSIGN(fields.add_bos_token,
               if_present<bool>(metadata, "tokenizer.ggml.add_bos_token", &GgufMetadata::boolean));
  ASSAY_ASSIGN(fields.add_space_prefix,
               if_present<bool>(metadata, "tokenizer.ggml.add_space_prefix", &GgufMetadata::boolean));
  ASSAY_ASSIGN(fields.chat_template, if_present<Text>(metadata, "tokenizer.chat_template", &GgufMetadata::string));
  return fields;
}

Result<TokenizerData> to_tokenizer_data(const GgufTokenizer& fields, std::string_view where) {
  if (fields.model != "gpt2" && fields.model != "llama") {
    return bad_input(where, ": key \"tokenizer.ggml.model\" is ", quoted_excerpt(fields.model),
                     "; known are: gpt2 (byte-level BPE), llama (SentencePiece-style)");
  }
  ASSAY_TRY(check_lists(fields, where));
  TokenizerData data;
  bool add_bos = false;
  if (fields.model == "llama") {
    data.sentencepiece = SentencePieceModel{.add_space_prefix = fields.add_space_prefix.value_or(true)};
    add_bos = true;
  } else {
    ASSAY_ASSIGN(PreTokenizer pre, pre_tokenizer_of(fields, where));
    data.normalizer = pre.normalizer;
    data.splits = std::move(pre.splits);
    data.gpt2_split = pre.gpt2_split;
    data.ignore_merges = pre.ignore_merges;
    add_bos = pre.add_bos;
    ASSAY_TRY(place_merges(fields, where, data));
  }
  ASSAY_TRY(place_tokens(fields, where, data));
  ASSAY_ASSIGN(data.bos_token, content_of(fields.bos_token_id, "bos_token_id", fields, where));
  ASSAY_ASSIGN(data.eos_token, content_of(fields.eos_token_id, "eos_token_id", fields, where));
  data.add_bos = fields.add_bos_token.value_or(add_bos && data.bos_token);
  if (fields.chat_template) {
    if (!is_valid_utf8(*fields.chat_template)) return bad_input(where, ": key \"tokenizer.chat_template\" is no UTF-8");
    data.chat_template = *fields.chat_template;
  }
  return data;
}

std::string gguf_tokenizer_sha256(const GgufMetadata& metadata) {
  Sha256 hash;
  for (const auto& [key, value] : metadata.values()) {
    if (!key.starts_with("tokenizer.")) continue;
    hash.update(key);
    hash.update(value.bytes);
  }
  return to_hex(hash.finish());
}

std::vector<std::int32_t> stop_token_ids(const GgufTokenizer& fields) {
  std::vector<std::int32_t> ids;
  for (const auto id : {fields.eos_token_id, fields.eot_token_id, fields.eom_token_id}) {
    if (id && *id >= 0 && *id < static_cast<std::int64_t>(fields.tokens.size())) {
      ids.push_back(static_cast<std::int32_t>(*id));
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

}  // namespace assay::runners
