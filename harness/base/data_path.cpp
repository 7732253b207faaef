#include "harness/base/data_path.h"

#include <cstdlib>
#include <string>
#include <system_error>
#include <vector>

namespace assay {

Result<std::filesystem::path> shipped_path(std::string_view relative) {
  namespace fs = std::filesystem;
  std::vector<fs::path> roots;
  if (const char* chosen = std::getenv("ASSAY_DATA"); chosen != nullptr && *chosen != '\0') {
    roots.emplace_back(chosen);
  } else {
    std::error_code ignored;
    const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
    if (!program.empty()) roots.push_back(program.parent_path().parent_path() / "share" / "assay");
    roots.emplace_back(ASSAY_SOURCE_ROOT);
  }
  std::string tried;
  for (const fs::path& root : roots) {
    std::error_code ignored;
    const fs::path candidate = root / relative;
    if (fs::exists(candidate, ignored)) return candidate;
    tried += (tried.empty() ? "" : ", ") + candidate.string();
  }
  return environment_error("shipped file \"", relative, "\" not found (looked at ", tried,
                           "); set ASSAY_DATA to the folder that holds it");
}

}  // namespace assay
