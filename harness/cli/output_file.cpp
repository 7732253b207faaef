#include "harness/cli/output_file.h"

#include <fstream>

namespace assay::cli {

namespace fs = std::filesystem;

bool is_database_file(const fs::path& path) {
  constexpr std::string_view kMagic = "SQLite format 3";
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored)) return false;
  std::ifstream file(path, std::ios::binary);
  std::string begin(kMagic.size(), '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return begin == kMagic;
}

Result<> check_output_file(std::string_view option, const std::string& path, const std::vector<std::string>& inputs) {
  if (path.empty()) return {};
  std::error_code ignored;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty() && !fs::is_directory(folder, ignored)) {
    return bad_input(option, ": the folder ", folder.string(), " is not there");
  }
  if (fs::is_directory(path, ignored)) return bad_input(option, ": ", path, " is a folder");
  if (is_database_file(path)) {
    return bad_input(option, ": ", path, " is a database, which is never replaced; name another file");
  }
  for (const std::string& input : inputs) {
    if (fs::is_regular_file(path, ignored) && fs::equivalent(path, input, ignored)) {
      return bad_input(option, ": ", path, " is the file that is read; name another");
    }
  }
  return {};
}

}  // namespace assay::cli
