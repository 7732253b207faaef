#pragma once
// The data files of this folder, embedded at build.

#include <string_view>
#include <vector>

namespace assay::results {

struct ShippedFile {
  std::string_view name;  ///< "h100-sxm5.json", for error messages
  std::string_view text;
};

/// profiles/*.json, by name.
std::vector<ShippedFile> shipped_hardware();
ShippedFile shipped_api_prices();

}  // namespace assay::results
