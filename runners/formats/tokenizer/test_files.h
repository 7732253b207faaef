#pragma once
// What this folder's tests read: files of testdata/, compressed ones too.

#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "harness/base/json.h"
#include "harness/base/text.h"
#include "runners/formats/gguf/gguf_file.h"
#include "runners/formats/tokenizer/tokenizer.h"
#include "runners/formats/tokenizer/tokenizer_json.h"
#include "tests/support/catch.h"

namespace assay::runners::testing {

using Ids = std::vector<std::int32_t>;

inline std::filesystem::path testdata(std::string_view name) {
  return std::filesystem::path(ASSAY_SOURCE_DIR) / "runners/formats/tokenizer/testdata" / name;
}

/// The file's text, decompressed if it is compressed.
inline std::string read_testdata(std::string_view name) {
  auto text = read_packed_file(testdata(name));
  if (!text) FAIL(text.error().message);
  REQUIRE_FALSE(text->empty());
  return std::move(*text);
}

/// One of testdata/NAME.tokenizer.json and NAME.tokenizer.json.xz.
inline Tokenizer load_testdata(const std::string& name) {
  const std::string file = name + ".tokenizer.json";
  const bool plain = std::filesystem::exists(testdata(file));
  auto data = parse_tokenizer_json(read_testdata(plain ? file : file + ".xz"), name);
  if (!data) FAIL(data.error().message);
  auto tokenizer = Tokenizer::create(std::move(*data), name);
  if (!tokenizer) FAIL(tokenizer.error().message);
  return std::move(*tokenizer);
}

/// testdata/NAME.gguf.xz.
inline Tokenizer load_gguf_testdata(const std::string& name) {
  const std::string bytes = read_testdata(name + ".gguf.xz");
  const auto header = parse_gguf(std::as_bytes(std::span(bytes)), name);
  if (!header) FAIL(header.error().message);
  auto tokenizer = Tokenizer::from_gguf(header->metadata);
  if (!tokenizer) FAIL(tokenizer.error().message);
  return std::move(*tokenizer);
}

/// The records of a JSON Lines file.
inline std::vector<Json> read_records(std::string_view name) {
  std::vector<Json> records;
  const auto done = for_each_line(read_testdata(name), [&](std::string_view line, int number) -> Result<> {
    ASSAY_ASSIGN(Json record, parse_json(line, std::to_string(number)));
    records.push_back(std::move(record));
    return {};
  });
  REQUIRE(done.has_value());
  REQUIRE_FALSE(records.empty());
  return records;
}

inline std::vector<std::int32_t> must_encode(const Tokenizer& tokenizer, std::string_view text,
                                             SpecialTokens special = SpecialTokens::ignore) {
  auto ids = tokenizer.encode(text, special);
  if (!ids) FAIL(ids.error().message);
  return *ids;
}

/// The texts of a file of llama.cpp's vectors.
inline std::vector<std::string> split_texts(const std::string& file) {
  constexpr std::string_view kSeparator = "\n__ggml_vocab_test__\n";
  std::vector<std::string> texts;
  std::size_t begin = 0;
  for (std::size_t end; (end = file.find(kSeparator, begin)) != std::string::npos; begin = end + kSeparator.size()) {
    texts.push_back(file.substr(begin, end - begin));
  }
  return texts;
}

/// A line of expected ids.
inline Ids read_ids(std::string_view line) {
  Ids ids;
  for (const std::string& word : split(line, ' ')) {
    if (!word.empty()) ids.push_back(static_cast<std::int32_t>(parse_integer(word).value()));
  }
  return ids;
}

}  // namespace assay::runners::testing
