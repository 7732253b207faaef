#include "harness/cli/merge_base.h"

#include <cstdlib>

#include "harness/base/subprocess.h"
#include "harness/base/text.h"

namespace assay::cli {

namespace {

std::string last_line(const std::string& text) {
  const std::string_view trimmed = trim(text);
  const std::size_t newline = trimmed.rfind('\n');
  return std::string(newline == std::string_view::npos ? trimmed : trimmed.substr(newline + 1));
}

/// A name that git can't take for an option.
bool is_ref_name(const std::string& name) { return !name.empty() && name.front() != '-'; }

/// The full name of the branch's commit here: as origin has it, else as it is.
std::string resolve_branch(const std::string& branch) {
  if (!is_ref_name(branch)) return "";
  for (const std::string& ref : {"refs/remotes/origin/" + branch, "refs/heads/" + branch}) {
    if (const auto commit = git_output({"rev-parse", "--verify", "--quiet", ref + "^{commit}"})) return *commit;
  }
  return "";
}

Result<std::string> target_commit() {
  for (const char* variable : {"GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CI_DEFAULT_BRANCH"}) {
    const char* branch = std::getenv(variable);
    if (branch == nullptr || *branch == '\0') continue;
    const std::string commit = resolve_branch(branch);
    if (!commit.empty()) return commit;
    return bad_input("merge-base: $", variable, " names ", quoted_excerpt(branch),
                     ", a branch that this clone has not; fetch the whole history (fetch-depth: 0, GIT_DEPTH: 0)");
  }
  if (const auto head = git_output({"rev-parse", "--verify", "--quiet", "refs/remotes/origin/HEAD^{commit}"}))
    return *head;
  for (const char* branch : {"main", "master"}) {
    const std::string commit = resolve_branch(branch);
    if (!commit.empty()) return commit;
  }
  return bad_input("merge-base: no default branch found (origin/HEAD, main or master)");
}

}  // namespace

Result<std::string> git_output(const std::vector<std::string>& words) {
  std::vector<std::string> all = {"git"};
  all.insert(all.end(), words.begin(), words.end());
  const auto ended = run_process(all);
  if (!ended) return environment_error("git: not found; install it");
  if (ended->exit_code != 0) return bad_input("git ", words.front(), ": ", shown(last_line(ended->out + ended->err)));
  return std::string(trim(ended->out));
}

Result<std::vector<std::string>> baseline_commits(int most) {
  ASSAY_ASSIGN(const std::string head, git_output({"rev-parse", "--verify", "HEAD^{commit}"}));
  ASSAY_ASSIGN(const std::string target, target_commit());
  const auto merge_base = git_output({"merge-base", head, target});
  if (!merge_base) {
    return bad_input(
        "merge-base: HEAD and the default branch have no commit in common here; fetch the whole history "
        "(fetch-depth: 0, GIT_DEPTH: 0)");
  }
  ASSAY_ASSIGN(const std::string list,
               git_output({"rev-list", "--first-parent", "--max-count=" + std::to_string(most + 1), *merge_base}));
  std::vector<std::string> commits = split(list, '\n');
  std::erase(commits, head);
  if (commits.size() > static_cast<std::size_t>(most)) commits.resize(static_cast<std::size_t>(most));
  return commits;
}

}  // namespace assay::cli
