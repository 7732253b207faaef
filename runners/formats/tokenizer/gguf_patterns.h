#pragma once
// How a text is split before merging: GGUF files only name it ("tokenizer.ggml.pre"), tokenizer.json spells it out.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

/// Members as in TokenizerData.
struct PreTokenizer {
  Normalizer normalizer = Normalizer::none;
  std::vector<SplitStep> splits = {};
  bool gpt2_split = false;
  bool ignore_merges = false;
  bool add_bos = false;  ///< where the file does not say
};

/// Nothing for a name that is not known.
std::optional<PreTokenizer> find_pre_tokenizer(std::string_view name);

/// The known names, in the order in which they are listed to people.
std::vector<std::string> pre_tokenizer_names();

}  // namespace assay::runners
