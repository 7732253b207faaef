#pragma once
// Where the files that Assay ships are found: the reference model, the suites, hardware profiles.

#include <filesystem>
#include <string_view>

#include "harness/base/result.h"

namespace assay {

/// The path of a shipped file or folder, such as "models/reference" or "suites/smoke/zebra". Looks below $ASSAY_DATA if
/// that is set, else beside the installed program (../share/assay), else in the source tree that the program was built
/// from. Error{environment} names every place that was tried.
Result<std::filesystem::path> shipped_path(std::string_view relative);

}  // namespace assay
