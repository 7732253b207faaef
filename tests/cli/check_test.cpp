// assay check over recorded outputs: exit codes, baselines, files.

#include <filesystem>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

/// A database with runs "good" (24 of 30 right), "same" and "bad" (9 of them wrong besides).
struct Runs {
  TemporaryFolder folder;
  std::string db = folder / "r.db";
  std::string suite = write_suite(folder, "words", 30);

  Runs() {
    add("good", 0);
    add("same", 0);
    add("bad", 9);
  }

  void add(const std::string& name, int n_worse, const std::vector<std::string>& more = {}) const {
    std::string lines;
    for (int i = 0; i < 30; ++i) {
      const bool right = i >= n_worse && i % 5 != 0;
      const Json line = {{"id", "q" + std::to_string(i)},
                         {"sample", 0},
                         {"output", right ? "Answer: a" + std::to_string(i) : "Answer: no"},
                         {"output_tokens", 100},
                         {"finish_reason", "eos"}};
      lines += to_json_text(line) + "\n";
    }
    write_text(folder / (name + ".jsonl"), lines);
    std::vector<std::string> words = {
        "run", "--model", "replay:" + (folder / (name + ".jsonl")), "--suite", suite, "--name", name, "--db",
        db,    "--quiet"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended = call(words);
    INFO(ended.err);
    REQUIRE(ended.exit_code == 0);
  }

  Ended check(std::vector<std::string> words, const std::map<std::string, std::string>& environment = {}) const {
    words.insert(words.begin(), "check");
    words.insert(words.end(), {"--db", db});
    return call(words, environment);
  }
};

void git(const std::string& folder, const std::string& words) {
  const std::string command = "cd '" + folder +
                              "' && git -c user.name=t -c user.email=t@t -c init.defaultBranch=main " + words +
                              " >/dev/null 2>&1";
  REQUIRE(std::system(command.c_str()) == 0);
}

std::string git_head(const std::string& folder) {
  git(folder, "rev-parse HEAD > head.txt; git rev-parse HEAD > head.txt; true");
  std::string text = read_text(folder + "/head.txt");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

TEST_CASE("check: exit codes of the four verdicts, floors and wrong words", "[cli]") {
  const Runs runs;
  CHECK(runs.check({"--baseline", "good", "--candidate", "same"}).exit_code == 0);
  const Ended bad = runs.check({"--baseline", "good", "--candidate", "bad"});
  CHECK(bad.exit_code == 1);
  CHECK_THAT(bad.err, Contains("check: regressed; accuracy of words"));
  CHECK_THAT(bad.out, Contains("Verdict: regressed"));
  const Ended better = runs.check({"--baseline", "bad", "--candidate", "good"});
  CHECK(better.exit_code == 0);
  CHECK_THAT(better.out, Contains("Verdict: improved"));
  runs.add("slightly", 2);
  const Ended unclear = runs.check({"--baseline", "good", "--candidate", "slightly"});
  CHECK(unclear.exit_code == 5);
  CHECK_THAT(unclear.err, Contains("inconclusive") && Contains("items") && Contains("would settle it"));
  CHECK(runs.check({"--baseline", "good", "--candidate", "slightly", "--inconclusive", "pass"}).exit_code == 0);
  CHECK(runs.check({"--baseline", "good", "--candidate", "same", "--fail-under", "words=0.8"}).exit_code == 0);
  CHECK(runs.check({"--baseline", "good", "--candidate", "same", "--fail-under", "words=0.81"}).exit_code == 1);
  for (const std::string floor : {"words", "words=80", "words=x", "=0.5", "none=0.5"}) {
    CHECK(runs.check({"--baseline", "good", "--candidate", "same", "--fail-under", floor}).exit_code == 2);
  }
  CHECK(runs.check({"--candidate", "same"}).exit_code == 2);
  CHECK(runs.check({"--baseline", "nothing"}).exit_code == 2);
  CHECK(runs.check({"--baseline", "no/such.json"}).exit_code == 2);
  CHECK(runs.check({"--baseline", "good", "--policy", "no/such.json"}).exit_code == 2);
}

TEST_CASE("check: prints and writes the same verdict in every form", "[cli]") {
  const Runs runs;
  const auto at = [&](const char* name) { return runs.folder / name; };
  const Ended ended = runs.check({"--baseline", "good", "--candidate", "bad", "--json", "--junit", at("c.xml"),
                                  "--summary-md", at("c.md"), "--openmetrics", at("c.txt"), "--github"},
                                 {{"GITHUB_STEP_SUMMARY", at("summary.md")}});
  CHECK(ended.exit_code == 1);
  const Json json = json_of(ended.out);
  CHECK(json["verdict"] == "regressed");
  CHECK(json["exit_code"] == 1);
  CHECK(json["metrics"][0]["metric"] == "accuracy");
  CHECK(json["metrics"][0]["worse_by"].get<double>() == Approx(7 / 30.0));
  CHECK_THAT(read_text(at("c.xml")), Contains("<failure "));
  CHECK_THAT(read_text(at("c.md")), Contains("## assay check: regressed"));
  CHECK_THAT(read_text(at("summary.md")), Contains("## assay check: regressed"));
  CHECK(read_text(at("c.txt")).ends_with("# EOF\n"));
  CHECK_THAT(ended.err, Contains("\n::error title="));
}

TEST_CASE("check: a baseline may be a file or another database", "[cli]") {
  const Runs runs;
  const std::string baseline = runs.folder / "baseline.json";
  REQUIRE(runs.check({"--write-baseline", baseline, "--candidate", "good"}).exit_code == 0);
  CHECK(runs.check({"--baseline", baseline, "--candidate", "same"}).exit_code == 0);
  CHECK(runs.check({"--baseline", baseline, "--candidate", "bad"}).exit_code == 1);
  CHECK(runs.check({"--baseline", runs.db + "#good", "--candidate", "bad"}).exit_code == 1);
  CHECK(runs.check({"--baseline", runs.db, "--candidate", "bad"}).exit_code == 0);  // the latest run is bad itself
  // A failed check leaves the baseline as it is; a passed one may move it.
  const std::string before = read_text(baseline);
  CHECK(runs.check({"--baseline", baseline, "--candidate", "bad", "--write-baseline", baseline}).exit_code == 1);
  CHECK(read_text(baseline) == before);
  CHECK(runs.check({"--baseline", baseline, "--candidate", "same", "--write-baseline", baseline}).exit_code == 0);
  CHECK(read_text(baseline) != before);
  write_text(baseline, "{\"format\":\"assay-baseline\",\"format_version\":1}");
  const Ended refused = runs.check({"--baseline", baseline});
  CHECK(refused.exit_code == 2);
  CHECK_THAT(refused.err, Contains("baseline.json") && Contains("run_id"));
}

TEST_CASE("check: a policy's waivers are shown, expired ones are an error line", "[cli]") {
  const Runs runs;
  const std::string policy = runs.folder / "policy.json";
  write_text(policy,
             R"({"waivers":[{"metric":"accuracy","suite":"words","reason":"new prompt","expires":"9999-12-31"}]})");
  const Ended waived = runs.check({"--baseline", "good", "--candidate", "bad", "--policy", policy});
  CHECK(waived.exit_code == 0);
  CHECK_THAT(waived.out, Contains("waived until 9999-12-31: new prompt"));
  write_text(policy, R"({"waivers":[{"metric":"accuracy","reason":"new prompt","expires":"2020-12-31"}]})");
  const Ended expired = runs.check({"--baseline", "good", "--candidate", "bad", "--policy", policy});
  CHECK(expired.exit_code == 1);
  CHECK_THAT(expired.err, Contains("policy.json: waiver of accuracy expired on 2020-12-31"));
  write_text(policy, R"({"metrics":{"acuracy":{}}})");
  CHECK_THAT(runs.check({"--baseline", "good", "--policy", policy}).err,
             Contains("policy.json") && Contains("acuracy"));
}

TEST_CASE("check: calibration counts false alarms, and later checks show it", "[cli]") {
  const Runs runs;
  CHECK(runs.check({"--calibrate", "--baseline", "good"}).exit_code == 2);  // single samples can't be split
  const Ended ended = runs.check({"--calibrate", "--baseline", "good", "--candidate", "same", "--json"});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json calibration = json_of(ended.out);
  CHECK(calibration["splits"]["n"] == 400);
  CHECK(calibration["pairs"]["regressed"] == 0);
  CHECK(std::filesystem::exists(runs.db + "-calibration.json"));
  CHECK_THAT(runs.check({"--baseline", "good", "--candidate", "same"}).out, Contains("A/A on this machine: 0 of 400"));
}

TEST_CASE("check: merge-base finds the run of the commit that HEAD branched from", "[cli]") {
  const Runs runs;
  const std::string repository = runs.folder / "repository";
  std::filesystem::create_directory(repository);
  git(repository, "init");
  git(repository, "commit --allow-empty -m one");
  const std::string first = git_head(repository);
  git(repository, "commit --allow-empty -m two");
  git(repository, "checkout -b topic");
  git(repository, "commit --allow-empty -m three");
  const std::string head = git_head(repository);
  const auto check_here = [&](const std::vector<std::string>& more,
                              const std::map<std::string, std::string>& environment = {}) {
    // git looks for its repository from the working directory on.
    std::map<std::string, std::string> all = {{"GIT_DIR", repository + "/.git"},
                                              {"GITHUB_BASE_REF", ""},
                                              {"CI_DEFAULT_BRANCH", ""},
                                              {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME", ""}};
    for (const auto& [name, value] : environment) all[name] = value;
    std::vector<std::string> words = {"--baseline", "merge-base"};
    words.insert(words.end(), more.begin(), more.end());
    return runs.check(words, all);
  };
  const Ended none = check_here({"--candidate", "bad"});
  CHECK(none.exit_code == 2);
  CHECK_THAT(none.err, Contains("--tag commit="));
  runs.add("base", 0, {"--tag", "commit=" + first});
  runs.add("change", 9, {"--tag", "commit=" + head});
  CHECK(check_here({}).exit_code == 1);  // "change" against "base", an ancestor of the merge base
  CHECK(check_here({"--candidate", "same"}).exit_code == 0);
  CHECK(check_here({}, {{"GITHUB_BASE_REF", "main"}}).exit_code == 1);
  CHECK_THAT(check_here({}, {{"GITHUB_BASE_REF", "none"}}).err, Contains("$GITHUB_BASE_REF"));
  CHECK(check_here({}, {{"GIT_DIR", "/nonexistent"}}).exit_code == 2);
  CHECK(check_here({}, {{"PATH", "/nonexistent"}}).exit_code == 3);
}
