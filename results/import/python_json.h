#pragma once
// What Python's json module writes beyond JSON.

#include <string>
#include <string_view>

namespace assay::results {

/// `text` with null in place of NaN, Infinity and -Infinity, which Python and Google Benchmark write as they are. What
/// stands in strings stays. A text that is no JSON comes back as broken as it was.
std::string without_nan(std::string_view text);

}  // namespace assay::results
