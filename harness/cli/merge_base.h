#pragma once
// Which commits of the git repository in the working directory a baseline may come from.

#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay::cli {

/// The commit at which HEAD left the branch it is to be merged into, then that commit's first-parent ancestors, at most
/// `most`; HEAD itself is left out. The branch is $GITHUB_BASE_REF, $CI_MERGE_REQUEST_TARGET_BRANCH_NAME or
/// $CI_DEFAULT_BRANCH where one is set, else the remote's default branch, else main or master; as origin has it, or as
/// it is here. Error{bad_input} outside a repository, for a clone too shallow to tell, or where no branch is found;
/// Error{environment} without git.
Result<std::vector<std::string>> baseline_commits(int most = 200);

/// `git` with these words: what it prints, without the last newline. Error{bad_input} with git's own last line if it
/// fails.
Result<std::string> git_output(const std::vector<std::string>& words);

}  // namespace assay::cli
