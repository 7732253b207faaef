#pragma once
// A command line as one text that a shell reads back as the same words.

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay::cli {

/// The words, parted by spaces; a word with any but plain characters is single-quoted.
std::string shell_text(const std::vector<std::string>& words);

/// The words of a text that shell_text() wrote. Error{bad_input} for an open quote.
Result<std::vector<std::string>> shell_words(std::string_view text);

}  // namespace assay::cli
