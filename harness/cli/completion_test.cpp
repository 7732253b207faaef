#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>

#include "harness/base/text.h"
#include "harness/cli/completion_scripts.h"
#include "harness/cli/program.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::cli;
using Catch::Matchers::Contains;

namespace {

std::vector<CommandEntry> entries() {
  Program program;
  return command_entries(program.app);
}

/// What bash completes behind `words`, whose last one is being typed.
std::string bash_completes(const std::string& script, const std::string& words, int current) {
  const test_support::TemporaryFolder folder;
  std::ofstream(folder / "script") << script << "COMP_WORDS=(" << words << ")\nCOMP_CWORD=" << current
                                   << "\n_assay\necho \"${COMPREPLY[@]}\"\n";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      ::popen(("bash --norc " + (folder / "script") + " 2>&1").c_str(), "r"), ::pclose);
  std::string output;
  char buffer[256];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe.get())) output.append(buffer, n);
  return output;
}

}  // namespace

// bash itself judges the script.
TEST_CASE("bash_completion: bash completes commands, options, values and inner commands", "[cli]") {
  if (std::system("command -v bash > /dev/null 2>&1") != 0) {
    WARN("bash is not installed; nothing to judge the script");
    return;
  }
  const std::string script = bash_completion(entries());
  CHECK(bash_completes(script, "assay ru", 1) == "run runs\n");
  CHECK(bash_completes(script, "assay run --see", 2) == "--seed\n");
  CHECK(bash_completes(script, "assay run --sandbox ''", 3) == "bwrap none\n");
  CHECK(bash_completes(script, "assay run --speculate o", 3) == "on off\n");
  CHECK(bash_completes(script, "assay run --device ''", 3) == "auto cpu cuda\n");
  CHECK(bash_completes(script, "assay run --protocol d", 3) == "deepseek-r1\n");
  CHECK(bash_completes(script, "assay run --seed ''", 3) == "\n");
  CHECK_THAT(bash_completes(script, "assay models ''", 2), Contains("show") && Contains("add"));
  CHECK_THAT(bash_completes(script, "assay completion ''", 2), Contains("bash zsh fish"));
  CHECK(bash_completes(script, "assay run --tensor", 2) == "--tensor-parallel\n");
  CHECK(bash_completes(script, "assay bench s", 2) == "serve sweep\n");
  CHECK(bash_completes(script, "assay bench serve --conc", 3) == "--concurrency\n");
  CHECK(bash_completes(script, "assay bench serve --arrivals b", 4) == "burst\n");
  CHECK(bash_completes(script, "assay bench serve --verb", 3) == "--verbose\n");
  CHECK(bash_completes(script, "assay serve --arr", 2) == "\n");
  CHECK(bash_completes(script, "assay models add name /et", 4) == "/etc\n");
  CHECK(bash_completes(script, "assay import /et", 2) == "/etc\n");
}

TEST_CASE("zsh and fish completions name every command and option", "[cli]") {
  const std::string zsh = zsh_completion(entries());
  const std::string fish = fish_completion(entries());
  CHECK(zsh.starts_with("#compdef assay\n"));
  for (const CommandEntry& command : entries()) {
    if (command.words.size() == 1) CHECK_THAT(zsh, Contains("'" + command.words[0] + ":"));
    CHECK_THAT(fish, Contains(" -a " + command.words.back() + " "));
    const std::string words = join(command.words, " ");
    CHECK_THAT(zsh, Contains("'" + words + "') _arguments"));
    for (const OptionEntry& option : command.options) {
      if (option.names.empty()) continue;
      const std::string &name = option.names.back(), begins = "'__assay_begins " + words + "'";
      CHECK_THAT(zsh, Contains("'" + name + "[") || Contains("'*" + name + "["));
      if (option.names.size() == 1) CHECK_THAT(fish, Contains(begins + " -l " + name.substr(2) + " "));
    }
  }
  CHECK_THAT(zsh, Contains("'--speculate[") && Contains(":(on off)'"));
  CHECK_THAT(fish, Contains("-l speculate -x -a 'on off'"));
}
