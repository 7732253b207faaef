#pragma once
// How each figure of a run is measured, with a version that changes when its meaning does. A run stores the versions
// that measured it; runs whose versions differ are not compared unless one insists.

#include <string_view>
#include <vector>

#include "harness/base/json.h"

namespace assay::results {

struct MethodVersion {
  std::string_view metric;     ///< as in the records
  int version;                 ///< grows when `semantics` does
  std::string_view semantics;  ///< what is counted, from where to where
};

/// Every measured figure. A test holds each text to its version.
const std::vector<MethodVersion>& method_versions();

/// {"ttft_ms": 1, …}: what a run stores in its environments' details, under "method_versions". A run without it is
/// older than the table and was measured by version 1 of everything.
Json method_versions_json();

/// The metrics whose versions differ between two such objects, "ttft_ms (1 and 2)"; a version that is not there is 1.
std::vector<std::string> different_methods(const Json& a, const Json& b);

}  // namespace assay::results
