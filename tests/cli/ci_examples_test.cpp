// The shell lines of docs/ci's examples, taken out of the YAML and run as a CI system would.

#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "harness/base/text.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;
namespace fs = std::filesystem;

namespace {

std::string example(const std::string& name) { return read_text(std::string(ASSAY_SOURCE_DIR) + "/docs/ci/" + name); }

std::size_t indent_of(const std::string& line) { return line.find_first_not_of(' '); }

/// The lines of the block that `key` ("run: |", "script:") opens behind the line `after`, without their indentation or
/// list marks.
std::string block(const std::string& yaml, const std::string& after, const std::string& key) {
  std::string lines;
  bool past = false, inside = false;
  std::size_t key_indent = 0;
  for (const std::string& line : split(yaml, '\n')) {
    const std::string text(trim(line));
    past = past || text == after;
    if (inside && !text.empty() && indent_of(line) <= key_indent) break;
    if (inside) lines += (text.starts_with("- ") ? text.substr(2) : text) + "\n";
    if (past && text == key) {
      inside = true;
      key_indent = indent_of(line);
    }
  }
  REQUIRE_FALSE(lines.empty());
  return lines;
}

/// A repository with .assay/policy.json, a suite, a recording of it, and the program on the PATH.
class Pipeline {
 public:
  Pipeline() {
    fs::create_directories(folder_ / "work/.assay");
    fs::copy_file(std::string(ASSAY_SOURCE_DIR) + "/docs/ci/policy.json", folder_ / "work/.assay/policy.json");
    suite_ = write_suite(folder_, "words", 60);
    record(0);
    REQUIRE(shell("git init -q -b main && git commit -q --allow-empty -m one") == 0);
  }

  /// Every fifth item is wrong, and the first `n_worse`.
  void record(int n_worse) {
    std::string lines;
    for (int i = 0; i < 60; ++i) {
      for (int k = 0; k < 4; ++k) {
        const bool right = i >= n_worse && i % 5 != 0;
        const Json line = {{"id", "q" + std::to_string(i)},
                           {"sample", k},
                           {"output", right ? "Answer: a" + std::to_string(i) : "Answer: no"},
                           {"output_tokens", 50},
                           {"finish_reason", "eos"}};
        lines += to_json_text(line) + "\n";
      }
    }
    write_text(folder_ / "r.jsonl", lines);
  }

  /// Runs a script as CI systems do (bash, ending at the first failure); its exit code.
  int shell(const std::string& script) {
    write_text(folder_ / "script", script);
    const std::string program_folder = fs::path(ASSAY_PROGRAM).parent_path();
    const std::string command =
        "cd '" + (folder_ / "work") +
        "' && env -u GITHUB_BASE_REF -u CI_DEFAULT_BRANCH -u CI_MERGE_REQUEST_TARGET_BRANCH_NAME" + " PATH='" +
        program_folder + ":'\"$PATH\" ASSAY_DB=assay.db ASSAY_MODEL='replay:" + (folder_ / "r.jsonl") +
        "' ASSAY_SUITES='" + suite_ + "' GITHUB_STEP_SUMMARY='" + (folder_ / "summary.md") +
        "' GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@t GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@t bash -e '" +
        (folder_ / "script") + "' > '" + (folder_ / "out") + "' 2>&1";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  std::string output() const { return read_text(folder_ / "out"); }
  std::string file(const std::string& name) const { return read_text(folder_ / name); }

 private:
  TemporaryFolder folder_;
  std::string suite_;
};

}  // namespace

TEST_CASE("ci examples: the GitHub workflow passes an equal pull request and fails a worse one", "[cli]") {
  const std::string yaml = example("github-actions.yml");
  const std::string run = block(yaml, "- name: Run", "run: |");
  const std::string check = block(yaml, "- name: Check", "run: |");
  Pipeline pipeline;
  INFO(run << check);
  REQUIRE(pipeline.shell(run) == 0);  // the push to main
  REQUIRE(pipeline.shell("git checkout -q -b topic && git commit -q --allow-empty -m two") == 0);
  REQUIRE(pipeline.shell(run) == 0);
  const int equal = pipeline.shell(check);
  INFO(pipeline.output());
  CHECK(equal == 0);
  CHECK_THAT(pipeline.file("summary.md"), Contains("## assay check: pass"));
  CHECK_THAT(pipeline.file("work/assay-check.xml"), Contains("failures=\"0\""));
  pipeline.record(20);
  REQUIRE(pipeline.shell("git commit -q --allow-empty -m three") == 0);
  REQUIRE(pipeline.shell(run) == 0);
  CHECK(pipeline.shell(check) == 1);
  CHECK_THAT(pipeline.output(), Contains("\n::error title=assay check%3A accuracy of words::regressed"));
}

TEST_CASE("ci examples: the GitLab jobs write a baseline, pass an equal run and fail a worse one", "[cli]") {
  const std::string yaml = example("gitlab-ci.yml");
  const std::string run = block(yaml, ".assay:", "before_script:");
  const std::string new_baseline = block(yaml, "new-baseline:", "script:");
  const std::string check = block(yaml, "check:", "script:");
  Pipeline pipeline;
  REQUIRE(pipeline.shell(run + new_baseline) == 0);
  const int equal = pipeline.shell(run + check);
  INFO(pipeline.output());
  CHECK(equal == 0);
  CHECK(pipeline.file("work/metrics.txt").ends_with("# EOF\n"));
  CHECK_THAT(pipeline.file("work/assay-check.xml"), Contains("<testsuites"));
  pipeline.record(20);
  CHECK(pipeline.shell(run + check) == 1);
}
