#pragma once
// A part of a suite by contest date, said in its name: "livecodebench:from=2024-08-01:to=2025-01-31:errata=exclude".

#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "suites/suite.h"

namespace assay::suites {

/// What stands behind the name of a suite.
struct CodeWindow {
  std::string suite;            ///< the name in front of the first ":"
  std::string options;          ///< what stands behind it, in one order: from, to, errata; empty for the whole suite
  std::string from;             ///< first day, "2024-08-01"; empty: no bound
  std::string to;               ///< last day
  bool without_errata = false;  ///< leave out the problems that their own authors list as badly judged
};

/// Reads a name with its options. A name of another kind, such as a path or "zebra:3x4", is a suite without options.
/// Error{bad_input} for a date that is none, a window that ends before it begins, or an option that is unknown.
Result<CodeWindow> parse_code_window(std::string_view name);

/// The items of `suite` whose contest_date lies in the window, under a name that says so, with the hash of that part.
/// Error{bad_input} if an item has no date, or none is left.
Result<Suite> within_window(Suite suite, const CodeWindow& window);

}  // namespace assay::suites
