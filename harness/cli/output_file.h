#pragma once
// Files that options such as --out name: looked at before any work is done for them.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"

namespace assay::cli {

/// Whether the file begins as an SQLite database does; false where it can't be read.
bool is_database_file(const std::filesystem::path& path);

/// Error{bad_input} where `option` may not write to `path`: its folder isn't there, it is a folder itself, a database
/// (stored samples are never replaced), or one of `inputs`, the files that are read. An empty path is none and fine.
Result<> check_output_file(std::string_view option, const std::string& path,
                           const std::vector<std::string>& inputs = {});

}  // namespace assay::cli
