#pragma once
// Which option a reply chooses.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::suites {

struct ChoiceExtraction {
  std::optional<std::size_t> option;  ///< 0-based place among the options
  bool is_ambiguous = false;          ///< the last answer clause names two different options; `option` is none
  std::string rule;  ///< "answer_line", "option_text", "boxed" or "whole_reply"; "two_options" if ambiguous
};

/// Extracts from a reply without thoughts, in this order: the last clause "answer" or "答案", optional "is", optional
/// colon, then one option's letter as a word of its own or one option's whole text; the last box that holds a letter;
/// the whole reply if it is a letter. Typography does not count: emphasis, `$`, \text{}, brackets around a letter,
/// full-width forms. `options` are the options' texts, 2 to 26 of them, empty where only the letters are known. Any
/// UTF-8.
ChoiceExtraction extract_choice(std::string_view reply, const std::vector<std::string>& options);

}  // namespace assay::suites
