#pragma once
// Unicode normalisation (through utf8proc).

#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

/// `text`, which is well-formed UTF-8, in the normal form asked for. Error{environment} when memory runs out.
Result<std::string> normalize(Normalizer form, std::string_view text);

}  // namespace assay::runners
