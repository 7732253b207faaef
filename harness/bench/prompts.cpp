#include "harness/bench/prompts.h"

#include <array>

#include "harness/base/philox.h"

namespace assay::bench {

namespace {

// Short common words: about a token each in most vocabularies.
constexpr std::array<const char*, 64> kWords = {
    "river",  "stone", "green", "seven", "house",  "light", "under",  "paper",  "glass", "north",  "table",
    "round",  "water", "small", "night", "bread",  "cloud", "field",  "heart",  "iron",  "king",   "lemon",
    "mouse",  "ocean", "plant", "queen", "road",   "sand",  "tree",   "voice",  "wind",  "year",   "apple",
    "brown",  "chair", "dance", "earth", "flame",  "grass", "horse",  "island", "juice", "knife",  "leaf",
    "moon",   "nose",  "olive", "piano", "quiet",  "rain",  "ship",   "train",  "uncle", "valley", "wall",
    "yellow", "blue",  "clock", "door",  "engine", "fruit", "garden", "hill",   "ink"};

/// Words of a stream, 16 a block of the generator.
void append_words(std::string& text, std::uint64_t seed, std::uint64_t stream, std::int64_t n) {
  constexpr std::uint32_t kStream = 0x70726f6d;  // apart from other draws of the same seed
  PhiloxWords words{};
  for (std::int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::uint32_t>(i);
    if (at % 16 == 0) {
      words = philox({at / 16, static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32), kStream},
                     {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
    }
    const std::uint32_t word = words[at / 4 % 4] >> (8 * (at % 4)) & 63;
    if (!text.empty()) text += ' ';
    text += kWords[word];
  }
}

}  // namespace

std::string make_prompt(const PromptPlan& plan, std::int64_t index) {
  std::string text;
  constexpr std::uint64_t kSharedSeed = 0x5348415245444bull;
  append_words(text, kSharedSeed, 0, plan.n_shared_words);
  append_words(text, plan.seed, static_cast<std::uint64_t>(index) + 1, plan.n_words);
  return text;
}

}  // namespace assay::bench
