#pragma once
// The part of an output behind a reasoning model's thoughts.

#include <optional>
#include <string_view>

namespace assay::suites {

/// What stands behind the last "</think>"; all of it without any; nothing if thoughts were opened and never closed.
inline std::optional<std::string_view> after_thinking(std::string_view output) {
  constexpr std::string_view kClose = "</think>";
  const std::size_t close = output.rfind(kClose);
  if (close != std::string_view::npos) return output.substr(close + kClose.size());
  if (output.find("<think>") != std::string_view::npos) return std::nullopt;
  return output;
}

}  // namespace assay::suites
