#pragma once
// The sources of the house, for rules that hold in each of them.

#include <filesystem>
#include <functional>
#include <string>

#include "harness/base/file.h"
#include "tests/support/catch.h"

namespace assay::house_test {

/// Calls `use` with the path from the root and the text of each C++ and CUDA source, headers too; their number.
inline int for_each_source_file(const std::function<void(const std::string& path, const std::string& text)>& use) {
  const std::filesystem::path root = ASSAY_SOURCE_DIR;
  int n_files = 0;
  for (const char* top : {"harness", "kernels", "runners", "suites", "results", "gui", "tests"}) {
    if (!std::filesystem::exists(root / top)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp" && extension != ".cuh" && extension != ".cu") continue;
      ++n_files;
      const Result<std::string> text = read_file(entry.path());
      REQUIRE(text);
      use(entry.path().lexically_relative(root).generic_string(), *text);
    }
  }
  return n_files;
}

}  // namespace assay::house_test
