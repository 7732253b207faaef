#pragma once
// For tests alone: tokenizers with no merges but the control tokens of each template family.

#include <string>
#include <vector>

#include "runners/formats/tokenizer/tokenizer.h"
#include "tests/support/catch.h"

namespace assay::runners::testing {

/// A tokenizer with no merges but the control tokens of every family, `think` special or not as the model has it.
inline Tokenizer tokenizer_with(const std::string& bos, const std::vector<std::string>& specials) {
  TokenizerData data;
  for (int byte = 0x21; byte <= 0x7E; ++byte) data.vocab.push_back({std::string(1, static_cast<char>(byte)), byte});
  data.vocab.push_back({"Ġ", 0});
  data.vocab.push_back({"Ċ", 1});
  std::int32_t id = 200;
  for (const std::string& content : specials)
    data.added_tokens.push_back({.content = content, .id = id++, .special = true});
  data.added_tokens.push_back({.content = "<think>", .id = 300});
  data.added_tokens.push_back({.content = "</think>", .id = 301});
  if (!bos.empty()) data.bos_token = bos;
  auto tokenizer = Tokenizer::create(std::move(data), "test");
  if (!tokenizer) FAIL(tokenizer.error().message);
  return std::move(*tokenizer);
}

inline const Tokenizer& deepseek() {
  static const Tokenizer tokenizer = tokenizer_with(
      "<｜begin▁of▁sentence｜>", {"<｜begin▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>", "<｜end▁of▁sentence｜>"});
  return tokenizer;
}
inline const Tokenizer& chatml() {
  static const Tokenizer tokenizer = tokenizer_with("", {"<|im_start|>", "<|im_end|>"});
  return tokenizer;
}
inline const Tokenizer& llama() {
  static const Tokenizer tokenizer = tokenizer_with(
      "<|begin_of_text|>", {"<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"});
  return tokenizer;
}
inline const Tokenizer& tokenizer_of(const std::string& name) {
  if (name.starts_with("llama")) return llama();
  return name.starts_with("qwen") || name == "smollm2" || name == "chatml" ? chatml() : deepseek();
}

}  // namespace assay::runners::testing
