// The words of the command line: exit codes, messages, help.

#include <algorithm>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

/// Exactly one line on standard error, nothing on standard output.
std::string refusal(const std::vector<std::string>& words, int exit_code = 2) {
  const Ended ended = call(words);
  INFO(ended.err);
  CHECK(ended.exit_code == exit_code);
  CHECK(ended.out.empty());
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  CHECK(ended.err.starts_with("assay: "));
  return ended.err;
}

}  // namespace

TEST_CASE("assay: wrong words are exit code 2 and one line", "[cli]") {
  CHECK_THAT(refusal({}), Contains("--help"));
  CHECK_THAT(refusal({"reprot"}), Contains("did you mean report?"));
  CHECK_THAT(refusal({"run", "--modle", "reference"}), Contains("did you mean --model?"));
  CHECK_THAT(refusal({"run"}), Contains("--model is missing"));
  CHECK_THAT(refusal({"run", "--model", "reference"}), Contains("--suite is missing"));
  CHECK_THAT(refusal({"run", "--model", "reference", "--suite", "zebra-smok"}), Contains("zebra-smoke"));
  CHECK_THAT(refusal({"run", "--model", "no-such-model", "--suite", "zebra-smoke", "--db", "/dev/null"}),
             Contains("assay: "));
  CHECK_THAT(refusal({"run", "--model", "a", "--suite", "b", "--tag", "novalue"}), Contains("--tag"));
  CHECK_THAT(refusal({"run", "--model", "a", "--suite", "b", "--tensor-parallel", "3"}),
             Contains("--tensor-parallel must be 1, 2, 4 or 8, is 3"));
  CHECK_THAT(refusal({"run", "--model", "a", "--suite", "b", "--tensor-parallel", "2", "--expert-parallel", "4"}),
             Contains("must be equal"));
  CHECK_THAT(refusal({"report", "--db", "/nonexistent/results.db"}), Contains("/nonexistent/results.db"));
  CHECK_THAT(refusal({"generate", "--model", "reference"}), Contains("--prompt"));
  CHECK_THAT(refusal({"tokenize"}), Contains("--model"));
  CHECK_THAT(refusal({"grade", "--suite", "zebra-smoke"}), Contains("--in"));
  CHECK_THAT(refusal({"completion", "tcsh"}), Contains("bash, zsh, fish"));
  CHECK_THAT(refusal({"--db", "x.db", "runs"}),
             Contains("\"--db\" stands before the command") && Contains("assay runs --db"));
  const std::vector<std::string> run = {"run", "--model", "reference", "--suite", "smoke", "--db", "/nonexistent/x.db"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), run.begin(), run.end());
    return more;
  };
  CHECK_THAT(refusal(with({"--tag", "k=1", "--tag", "k=2"})), Contains("--tag: \"k\" is given twice"));
  CHECK_THAT(refusal(with({"--name", "latest"})), Contains("--name: ") && Contains("newest run"));
  CHECK_THAT(refusal(with({"--hardware", "h900"})), Contains("\"h900\"") && Contains("h800-sxm5"));
}

TEST_CASE("assay: help and version are exit code 0 on standard output", "[cli]") {
  const Ended help = call({"--help"});
  CHECK(help.exit_code == 0);
  for (const char* command : {"run", "report", "runs", "grade", "regrade", "generate", "logits", "tokenize", "merge",
                              "suites", "models", "doctor", "completion", "man"}) {
    CHECK_THAT(help.out, Contains("  " + std::string(command) + " "));
    const Ended own = call({command, "--help"});
    CHECK(own.exit_code == 0);
    CHECK(own.err.empty());
    CHECK_THAT(own.out, Contains("Example: ") && Contains("assay " + std::string(command)) && Contains("--db"));
  }
  CHECK_THAT(call({"models", "add", "--help"}).out, Contains("PATH"));
  CHECK_THAT(call({"--version"}).out, Contains("assay 0."));
}

TEST_CASE("assay: a full or closed standard output is exit code 3", "[cli]") {
  for (const char* output : {"> /dev/full", ">&-"}) {
    CAPTURE(output);
    const std::string command = std::string(ASSAY_PROGRAM) + " suites 2> /dev/null " + output;
    const int status = std::system(command.c_str());
    CHECK(WEXITSTATUS(status) == 3);
  }
}

TEST_CASE("assay: $ASSAY_DB names the database, --db goes before it", "[cli]") {
  const TemporaryFolder folder;
  CHECK_THAT(call({"runs"}, {{"ASSAY_DB", folder / "a.db"}}).err, Contains(folder / "a.db"));
  CHECK_THAT(call({"runs", "--db", folder / "b.db"}, {{"ASSAY_DB", folder / "a.db"}}).err, Contains(folder / "b.db"));
}

TEST_CASE("completion and man: made from the tables, and good shell", "[cli]") {
  const TemporaryFolder folder;
  const Ended bash = call({"completion", "bash"});
  CHECK(bash.exit_code == 0);
  write_text(folder / "script", bash.out);
  CHECK(std::system(("bash -n " + (folder / "script")).c_str()) == 0);
  const Ended man = call({"man"});
  CHECK(man.exit_code == 0);
  CHECK(man.out.starts_with(".TH ASSAY 1"));
  CHECK_THAT(man.out, Contains(".SS assay models add") && Contains("max\\-output\\-tokens"));
  CHECK(json_of(call({"completion", "zsh", "--json"}).out)["shell"] == "zsh");
}

TEST_CASE("suites: lists the shipped ones and shows one", "[cli]") {
  const Json list = json_of(call({"suites", "--json"}).out);
  const auto has = [&](const std::string& name) {
    return std::any_of(list["suites"].begin(), list["suites"].end(),
                       [&](const Json& suite) { return suite["suite"] == name && suite["items"] == 100; });
  };
  for (const char* name : {"zebra-smoke", "aime-smoke", "choice-smoke", "code-smoke"}) CHECK(has(name));
  const Json zebra = json_of(call({"suites", "show", "zebra-smoke", "--json"}).out);
  CHECK(zebra["kind"] == "grid");
  CHECK(zebra["items"] == 100);
  CHECK(zebra["sha256"].get<std::string>().size() == 64);
  CHECK_THAT(call({"suites", "show", "smoke"}).out, Contains("suite: code-smoke"));
  CHECK(call({"suites", "show"}).exit_code == 2);
}

TEST_CASE("doctor: one JSON document with a status for each part", "[cli]") {
  const TemporaryFolder folder;
  const Ended ended = call({"doctor", "--json", "--db", folder / "runs.db"});
  const Json document = json_of(ended.out);
  CHECK(ended.exit_code == (document["healthy"].get<bool>() ? 0 : 3));
  std::vector<std::string> names;
  for (const Json& check : document["checks"]) {
    names.push_back(check["check"]);
    CHECK((check["status"] == "ok" || check["status"] == "none" || check["status"] == "fail"));
    CHECK_FALSE(check["found"].get<std::string>().empty());
  }
  for (const char* name : {"cpu", "memory", "gpu", "sandbox", "python3", "database", "reference model"}) {
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
  CHECK_FALSE(std::filesystem::exists(folder / "runs.db"));

  write_text(folder / "broken.db", std::string(8192, 'x'));
  const Ended broken = call({"doctor", "--json", "--db", folder / "broken.db"});
  CHECK(broken.exit_code == 3);
  CHECK_THAT(broken.err, Contains("database"));
}
