#include "runners/formats/tokenizer/gguf_patterns.h"

#include <algorithm>
#include <array>
#include <span>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

// Patterns are those of the models' tokenizer.json.

SplitStep llama3_split() {
  return {
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
}

SplitStep qwen2_split() {
  return {
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"};
}

struct Range {
  char32_t first;
  char32_t last;
};

/// A class of characters. Only ranges of letters and ideographs: none of their bounds has a meaning in a pattern.
std::string class_of(std::span<const Range> ranges) {
  std::string text = "[";
  for (const Range& range : ranges) {
    append_utf8(text, range.first);
    text += '-';
    append_utf8(text, range.last);
  }
  return text + "]";
}

std::vector<SplitStep> deepseek_v3_splits() {
  static constexpr std::array<Range, 3> kChineseAndKana = {{{0x4E00, 0x9FA5}, {0x3040, 0x309F}, {0x30A0, 0x30FF}}};
  return {
      {R"(\p{N}{1,3})"},
      {class_of(kChineseAndKana) + "+"},
      {R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*)"
       R"(|\s*[\r\n]+|\s+(?!\S)|\s+)"},
  };
}

/// What the older DeepSeek tokenizers take for East Asian writing: it spans most scripts from U+0800 on.
std::string deepseek_asian() {
  static constexpr std::array<Range, 3> kRanges = {{{0x4E00, 0x9FA5}, {0x0800, 0x4E00}, {0xAC00, 0xD7FF}}};
  return class_of(kRanges) + "+";
}

std::vector<SplitStep> deepseek_llm_splits() {
  // Letters with a case, but for some newer ones.
  static constexpr std::array<Range, 84> kLetters = {
      {{0x41, 0x5A},       {0x61, 0x7A},       {0xB5, 0xB5},       {0xC0, 0xD6},       {0xD8, 0xF6},
       {0xF8, 0x1BA},      {0x1BC, 0x1BF},     {0x1C4, 0x293},     {0x295, 0x2AF},     {0x370, 0x373},
       {0x376, 0x377},     {0x37B, 0x37D},     {0x37F, 0x37F},     {0x386, 0x386},     {0x388, 0x38A},
       {0x38C, 0x38C},     {0x38E, 0x3A1},     {0x3A3, 0x3F5},     {0x3F7, 0x481},     {0x48A, 0x52F},
       {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},   {0x13F8, 0x13FD},   {0x1C90, 0x1CBA},
       {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},   {0x1D6B, 0x1D77},   {0x1D79, 0x1D9A},   {0x1E00, 0x1F15},
       {0x1F18, 0x1F1D},   {0x1F20, 0x1F45},   {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},   {0x1F59, 0x1F59},
       {0x1F5B, 0x1F5B},   {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},   {0x1FB6, 0x1FBC},
       {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},   {0x1FD0, 0x1FD3},   {0x1FD6, 0x1FDB},
       {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},   {0x1FF6, 0x1FFC},   {0x2102, 0x2102},   {0x2107, 0x2107},
       {0x210A, 0x2113},   {0x2115, 0x2115},   {0x2119, 0x211D},   {0x2124, 0x2124},   {0x2126, 0x2126},
       {0x2128, 0x2128},   {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},   {0x213C, 0x213F},
       {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2184},   {0x2C00, 0x2C7B},   {0x2C7E, 0x2CE4},
       {0x2CEB, 0x2CEE},   {0x2CF2, 0x2CF3},   {0xA640, 0xA66D},   {0xA680, 0xA69B},   {0xA722, 0xA76F},
       {0xA771, 0xA787},   {0xA78B, 0xA78E},   {0xAB70, 0xABBF},   {0xFB00, 0xFB06},   {0xFB13, 0xFB17},
       {0xFF21, 0xFF3A},   {0xFF41, 0xFF5A},   {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB},
       {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943}}};
  return {
      {R"([\r\n])"},
      {R"(\s?)" + class_of(kLetters) + "+"},
      // ASCII punctuation, its full-width forms, quotation marks, ideographic space and stops.
      {R"(\s?[!-/:-~)"
       "\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+"},
      {R"(\s+$)"},
      {deepseek_asian()},
      {R"(\p{N})"},
  };
}

std::vector<SplitStep> deepseek_coder_splits() {
  return {{R"([\r\n])"}, {R"(\s?\p{L}+)"}, {R"(\s?\p{P}+)"}, {deepseek_asian()}, {R"(\p{N})"}};
}

struct NamedPreTokenizer {
  std::string_view name;
  PreTokenizer (*make)();
};

PreTokenizer make_gpt2() { return {.gpt2_split = true}; }
PreTokenizer make_llama3() { return {.splits = {llama3_split()}, .ignore_merges = true, .add_bos = true}; }
PreTokenizer make_qwen2() { return {.normalizer = Normalizer::nfc, .splits = {qwen2_split()}}; }
PreTokenizer make_deepseek_v3() { return {.splits = deepseek_v3_splits()}; }
PreTokenizer make_deepseek_llm() { return {.splits = deepseek_llm_splits()}; }
PreTokenizer make_deepseek_coder() { return {.splits = deepseek_coder_splits()}; }
PreTokenizer make_smollm() { return {.splits = {{R"(\p{N})"}}, .gpt2_split = true}; }

constexpr std::array<NamedPreTokenizer, 10> kKnown = {{
    {"gpt-2", make_gpt2},
    {"llama-bpe", make_llama3},
    {"llama3", make_llama3},
    {"llama-v3", make_llama3},
    {"qwen2", make_qwen2},
    {"deepseek-r1-qwen", make_qwen2},
    {"deepseek-v3", make_deepseek_v3},
    {"deepseek-llm", make_deepseek_llm},
    {"deepseek-coder", make_deepseek_coder},
    {"smollm", make_smollm},
}};

}  // namespace

std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name) {
  const auto found =
      std::find_if(kKnown.begin(), kKnown.end(), [&](const NamedPreTokenizer& known) { return known.name == name; });
  if (found == kKnown.end()) return std::nullopt;
  return found->make();
}

std::vector<std::string> pre_tokenizer_names() {
  std::vector<std::string> names;
  for (const NamedPreTokenizer& known : kKnown) names.emplace_back(known.name);
  return names;
}

}  // namespace assay::runners
