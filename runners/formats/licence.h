#pragma once
// The licence that a model's own files state.

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::runners {

/// `text` is as the files spell it ("mit", "Apache-2.0", "llama3.1"); it is not checked to be a licence's name.
struct StatedLicence {
  std::string text;
  std::string source;  ///< "README.md", "general.license", or the name of the licence's own file
};

/// Of a folder: "license" in the front matter of README.md or MODEL_CARD.md ("license_name" where that says "other"),
/// else a file LICENSE, LICENSE.txt or LICENSE.md, whose text is not read. Of a GGUF file: general.license
/// (general.license.name where that says "other"). Nothing if none of these states one or the file can't be read.
/// Error{bad_input} for a GGUF file that is none.
Result<std::optional<StatedLicence>> stated_licence(const std::filesystem::path& model);

/// The value of a key at the top level of a Markdown file's front matter, without quotes; the items of a list are
/// joined by ", ". Nothing if there is no front matter or no such key. Pure.
std::optional<std::string> front_matter_value(std::string_view markdown, std::string_view key);

}  // namespace assay::runners
