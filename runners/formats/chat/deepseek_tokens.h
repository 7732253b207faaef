#pragma once
// DeepSeek's control tokens. The bar is U+FF5C and the low line U+2581, never their ASCII likenesses.

#include <string_view>

namespace assay::runners::deepseek {

inline constexpr std::string_view kUser = "<｜User｜>";
inline constexpr std::string_view kAssistant = "<｜Assistant｜>";
inline constexpr std::string_view kEnd = "<｜end▁of▁sentence｜>";

}  // namespace assay::runners::deepseek
