#include "harness/cli/merge_base.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "harness/base/text.h"

namespace assay::cli {

namespace {

/// Reads to the end, but keeps no more than a list of commits can be long.
std::string read_all(int descriptor) {
  constexpr std::size_t kMostBytes = 1 << 20;
  std::string text;
  char buffer[4096];
  while (true) {
    const ssize_t n = ::read(descriptor, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return text;
    if (text.size() < kMostBytes) text.append(buffer, static_cast<std::size_t>(n));
  }
}

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
  int out[2];
  if (::pipe2(out, O_CLOEXEC) != 0) return environment_error("git: ", std::strerror(errno));
  std::vector<std::string> all = {"git"};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> arguments;
  for (std::string& word : all) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t process = ::fork();
  if (process < 0) {
    ::close(out[0]);
    ::close(out[1]);
    return environment_error("git: ", std::strerror(errno));
  }
  if (process == 0) {
    ::dup2(out[1], STDOUT_FILENO);
    ::dup2(out[1], STDERR_FILENO);
    ::execvp("git", arguments.data());
    ::_exit(127);
  }
  ::close(out[1]);
  const std::string text = read_all(out[0]);
  ::close(out[0]);
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  constexpr int kNotFound = 127;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kNotFound) return environment_error("git: not found; install it");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return bad_input("git ", words.front(), ": ", shown(last_line(text)));
  return std::string(trim(text));
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
