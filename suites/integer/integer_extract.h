#pragma once
// Where a reply gives its integer.

#include <optional>
#include <string>
#include <string_view>

namespace assay::suites {

/// What a reply was found to answer.
struct IntegerAnswer {
  std::string text;         ///< canonical ("25" for \boxed{025}) if it is a number, else as it was written
  bool is_integer = false;  ///< false: two values, a per cent, a fraction or no number at all, so never right
  std::string rule;         ///< "boxed", "answer_line" or "last_integer"
};

struct IntegerExtraction {
  std::optional<IntegerAnswer> answer;
  bool box_is_open = false;  ///< the last box never closes: the reply was cut, and nothing is extracted
};

/// Extracts from a reply without thoughts, in this order: the last closed box that is not empty; the last clause
/// "answer is" or "answer:" followed by a number; the last integer that is a word of its own. Any UTF-8, linear time.
IntegerExtraction extract_integer(std::string_view reply);

}  // namespace assay::suites
