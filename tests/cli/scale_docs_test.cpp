// The commands of docs/scale.md, and its Slurm script, run in order as a user would.

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

/// The shell blocks of a Markdown text.
std::vector<std::string> shell_blocks(const std::string& markdown) {
  std::vector<std::string> blocks;
  bool inside = false;
  for (const std::string& line : split(markdown, '\n')) {
    if (line.starts_with("```")) {
      inside = !inside && line == "```sh";
      if (inside) blocks.emplace_back();
    } else if (inside) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

/// A cluster of one machine: the reference model on the processors, an sbatch that runs the tasks of an array one after
/// another and other jobs with two tasks, which srun starts.
class Site {
 public:
  Site() {
    fs::create_directories(folder_ / "bin");
    fs::create_directory(folder_ / "work");
    fs::create_directory_symlink(std::string(ASSAY_SOURCE_DIR) + "/docs", folder_ / "work/docs");
    few_questions();
    // Tasks 0 to 7 in an order that a queue might have.
    program("sbatch", R"(#!/bin/bash
if ! grep -q '^#SBATCH --array' "${@: -1}"; then
  SLURM_JOB_ID=18 SLURM_JOB_NODELIST=node1 SLURM_NTASKS=2 SLURM_CPUS_PER_TASK=1 SLURM_PROCID=0 exec bash "$1"
fi
case "$1" in --array=*) tasks=${1#--array=}; shift ;; *) tasks="3 0 6 1 7 2 5 4" ;; esac
for task in $tasks; do
  echo "== task $task"
  SLURM_ARRAY_JOB_ID=17 SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=7 SLURM_ARRAY_TASK_COUNT=8 bash "$1"
done
)");
    program("scontrol", R"(#!/bin/bash
[ "$*" = "show hostnames node1" ] && echo 127.0.0.1
)");
    program("srun", R"(#!/bin/bash
while [[ "$1" == --* ]]; do shift; done
SLURM_PROCID=1 "$@" & SLURM_PROCID=0 "$@" && wait -n
)");
  }

  /// The exit code of a script that bash ends at its first failure.
  int shell(const std::string& script) {
    write_text(folder_ / "script", script);
    const std::string command =
        "cd '" + (folder_ / "work") + "' && env -u ASSAY_DB PATH='" + (folder_ / "bin") + ":" +
        fs::path(ASSAY_PROGRAM).parent_path().string() +
        ":'\"$PATH\" MODEL=reference SUITES=../few DEVICE=cpu HEAD=127.0.0.1:" + std::to_string(free_port()) +
        " "
        "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
        "OMPI_MCA_rmaps_base_oversubscribe=1 ASAN_OPTIONS=detect_leaks=0 bash -e '" +
        (folder_ / "script") + "' > '" + (folder_ / "out") + "' 2>&1";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string output() const { return read_text(folder_ / "out"); }
  std::string operator/(const std::string& name) const { return folder_ / ("work/" + name); }

 private:
  /// A suite of the first ten items of choice-smoke.
  void few_questions() {
    fs::create_directories(folder_ / "few");
    const std::string suite = std::string(ASSAY_SOURCE_DIR) + "/suites/smoke/choice-smoke/";
    write_text(folder_ / "few/suite.json", replace_all(read_text(suite + "suite.json"), "\"choice-smoke\"", "\"few\""));
    std::string items;
    for (const std::string& line : split(read_text(suite + "items.jsonl"), '\n')) {
      if (std::count(items.begin(), items.end(), '\n') < 10) items += line + "\n";
    }
    write_text(folder_ / "few/items.jsonl", items);
  }
  void program(const std::string& name, const std::string& text) {
    write_text(folder_ / ("bin/" + name), text);
    fs::permissions(folder_ / ("bin/" + name), fs::perms::owner_all);
  }

  TemporaryFolder folder_;
};

std::string documentation(const std::string& name) {
  return read_text(std::string(ASSAY_SOURCE_DIR) + "/docs/" + name);
}

}  // namespace

TEST_CASE("scale: every command of docs/scale.md works, and all ways make the same run", "[cli]") {
  const std::vector<std::string> blocks = shell_blocks(documentation("scale.md"));
  REQUIRE(blocks.size() == 9);
  Site site;
  int n_run = 0;
  for (const std::string& block : blocks) {
#ifndef ASSAY_MPIEXEC
    if (block.starts_with("mpirun")) continue;
#endif
    const int exit_code = site.shell(block);
    INFO(block << site.output());
    REQUIRE(exit_code == 0);
    ++n_run;
    if (block.starts_with("for rank")) CHECK_THAT(site.output(), Contains("few"));
    if (block.starts_with("assay merge")) CHECK_THAT(site.output(), Contains("of 2 ranks is whole in results.db"));
    if (block.starts_with("assay check")) CHECK_THAT(site.output(), Contains("pass"));
  }
  CHECK(n_run >= 7);
  const auto content = stored_content(site / "results.db");
  CHECK(content.size() == 10);
  CHECK(stored_content(site / "results-array.db") == content);
  CHECK(stored_content(site / "results-parts.db") == content);
  CHECK(stored_content(site / "results-slurm-parts.db") == content);
#ifdef ASSAY_MPIEXEC
  CHECK(stored_content(site / "results-mpi.db") == content);
  CHECK(stored_content(site / "results-across.db") == content);
#endif
}

TEST_CASE("scale: the Slurm script of parts tells the parts alone that time is up", "[cli]") {
  const std::string script = documentation("scale/slurm-parts.sh");
  CHECK(script.rfind("#SBATCH") < script.find("set -euo pipefail"));
  CHECK_THAT(script, Contains("#SBATCH --signal=TERM@"));  // with B: it would be srun alone, which kills its tasks
  // As many tasks as a model can have parts.
  CHECK_THAT(script, Contains("#SBATCH --nodes=2\n") && Contains("#SBATCH --ntasks-per-node=4\n"));
}

TEST_CASE("scale: the Slurm script has as many ranks as tasks, and a task that failed is started again", "[cli]") {
  const std::string script = documentation("scale/slurm-array.sh");
  CHECK_THAT(script, Contains("#SBATCH --array=0-7\n") && Contains("\nranks=8\n"));
  // Directives stand before the first command, or sbatch doesn't read them.
  CHECK(script.rfind("#SBATCH") < script.find("set -euo pipefail"));
  Site site;
  const std::string exports = "export MODEL SUITES DB=results.db\n";
  // Seven of eight tasks; the last one never came.
  REQUIRE(site.shell(exports + "sbatch --array='0 1 2 3 4 5 6' docs/scale/slurm-array.sh") == 0);
  CHECK_THAT(site.output(), Contains("rank 7 has not begun"));
  CHECK(site.shell("assay merge --into results.db results.db.ranks") == 3);
  CHECK_THAT(site.output(), Contains("start again: assay run") && Contains("--rank 7 --ranks 8"));
  const int again = site.shell(exports + "sbatch --array=7 docs/scale/slurm-array.sh");
  INFO(site.output());
  REQUIRE(again == 0);
  CHECK(stored_content(site / "results.db").size() == 10);
  // Without its variables it says so rather than measure something else.
  CHECK(site.shell("unset MODEL; sbatch --array=0 docs/scale/slurm-array.sh") != 0);
  CHECK_THAT(site.output(), Contains("MODEL"));
}
