#pragma once
// Comparing what a program printed with what it should have printed.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace assay::suites {

/// Where two outputs differ first.
struct OutputDifference {
  std::size_t line = 0;  ///< from 1
  std::string expected;  ///< that line, cut for people; "(end)" behind the last one
  std::string printed;
};

/// Nothing if `printed` is right: both are trimmed, must have the same number of lines, and each trimmed line must be
/// the same text, or the same numbers token by token, as exact decimals of any length ("1e0" is "1", "0.50" is "0.5").
/// Source: LiveCodeBench, lcb_runner/evaluation/testing_util.py.
std::optional<OutputDifference> compare_output(std::string_view printed, std::string_view expected);

/// True if both texts are decimal numbers (sign, digits, point, exponent; or an infinity) of the same exact value.
bool same_decimal(std::string_view a, std::string_view b);

}  // namespace assay::suites
