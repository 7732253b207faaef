#pragma once
// A build of assay as a target: an executable that is called for each measurement, so that two builds can be measured
// in turns. Both arms of such a comparison are measured from outside, this build too.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "harness/bench/target.h"

namespace assay::bench {

struct BuildWords {
  std::string program;             ///< a path
  std::string kind;                ///< "serve", "decode", "prefill": a command of `assay bench`
  std::vector<std::string> model;  ///< the options that choose and load the model
  /// The options that make it measure a setting, once.
  std::function<std::vector<std::string>(const Setting&)> setting;
  std::vector<std::string> probe;  ///< options of a small measurement, for the first call
};

/// Calls the program once, for something small: that says what the model is, warms the files up, and tells whether it
/// can be used at all. Each measurement then is `PROGRAM bench KIND … --repeats 1 --json` on a database of its own,
/// which is removed. Error{bad_input} if it is no assay that knows these options, or one that measures otherwise than
/// this build (another method version); Error{environment} if it can't be started or fails.
Result<std::unique_ptr<Target>> open_build_target(BuildWords words);

/// "PROGRAM (sha256 0123456789ab)": which executable it is. Error as read_file.
Result<std::string> name_of_build(const std::filesystem::path& program);

}  // namespace assay::bench
