// assay check: has a candidate run become worse than a baseline? A gate for pipelines.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>

#include "harness/base/file.h"
#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/merge_base.h"
#include "harness/cli/output.h"
#include "harness/cli/output_file.h"
#include "harness/cli/run_words.h"
#include "harness/run/clock.h"
#include "results/baseline_file.h"
#include "results/gate/calibration.h"
#include "results/gate/check.h"
#include "results/gate/wording.h"
#include "results/gate/writers.h"
#include "results/store.h"

namespace assay::cli {

namespace {

struct CheckArgs {
  std::string baseline;
  std::string candidate = "latest";
  std::string policy;
  std::string junit;
  std::string summary_md;
  std::string openmetrics;
  std::vector<std::string> fail_under;
  std::string inconclusive;
  std::string write_baseline;
  bool calibrate = false;
  bool github = false;
};

/// A run of the newest of these commits that has one: a finished run other than the candidate with its tag `commit`.
Result<results::ComparableRun> read_run_of_commits(const std::vector<std::string>& commits, const std::string& db,
                                                   const std::string& candidate_id) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(db));
  ASSAY_ASSIGN(const std::vector<results::RunRecord> runs, store.list_runs());
  constexpr std::size_t kShortestCommit = 7;
  const auto is_of = [&](const results::RunRecord& run, const std::string& commit) {
    return run.state == results::RunState::finished && run.run_id.value != candidate_id &&
           std::any_of(run.facts.tags.begin(), run.facts.tags.end(), [&](const auto& tag) {
             return tag.first == "commit" && tag.second.size() >= kShortestCommit && commit.starts_with(tag.second);
           });
  };
  for (const std::string& commit : commits) {
    const auto run = std::find_if(runs.begin(), runs.end(), [&](const auto& of) { return is_of(of, commit); });
    if (run == runs.end()) continue;
    log_detail("baseline: run ", run->run_id, " of commit ", commit);
    return results::read_comparable_run(store, run->run_id);
  }
  return bad_input(
      db, ": no finished run has the tag commit of one of ", commits.size(),
      " commits from the merge base back; make one there with: assay run … --tag commit=$(git rev-parse HEAD)");
}

Result<> add_floors(const std::vector<std::string>& words, results::Policy& policy) {
  for (const std::string& word : words) {
    const std::size_t equals = word.rfind('=');
    const auto least = equals == std::string::npos ? std::nullopt : parse_number(word.substr(equals + 1));
    if (!least || equals == 0 || !(*least >= 0 && *least <= 1)) {
      return bad_input("--fail-under: must be SUITE=X with X from 0 to 1, is ", quoted_excerpt(word));
    }
    policy.fail_under[word.substr(0, equals)] = *least;
  }
  return {};
}

Result<results::Policy> read_policy(const CheckArgs& args) {
  results::Policy policy = results::default_policy();
  if (!args.policy.empty()) {
    constexpr std::uint64_t kMostBytes = 4 << 20;
    ASSAY_ASSIGN(const std::string text, read_file(args.policy, kMostBytes));
    ASSAY_ASSIGN(policy, results::parse_policy(text, args.policy));
  }
  ASSAY_TRY(add_floors(args.fail_under, policy));
  if (!args.inconclusive.empty()) policy.inconclusive_fails = args.inconclusive == "fail";
  return policy;
}

/// GitHub collects what steps append to this file.
Result<> append_to_step_summary(const std::string& markdown) {
  const char* path = std::getenv("GITHUB_STEP_SUMMARY");
  if (path == nullptr || *path == '\0') return {};
  std::ofstream file(path, std::ios::binary | std::ios::app);
  file << markdown << "\n";
  file.flush();
  if (!file) return environment_error(path, ": can't append the summary ($GITHUB_STEP_SUMMARY)");
  return {};
}

Result<> write_files(const results::CheckResult& result, const CheckArgs& args) {
  if (!args.junit.empty()) ASSAY_TRY(write_file(args.junit, results::junit_xml(result)));
  if (!args.summary_md.empty()) ASSAY_TRY(write_file(args.summary_md, results::summary_markdown(result)));
  if (!args.openmetrics.empty()) ASSAY_TRY(write_file(args.openmetrics, results::openmetrics_text(result)));
  if (args.github) ASSAY_TRY(append_to_step_summary(results::summary_markdown(result)));
  return {};
}

Result<> write_baseline(const results::ComparableRun& run, const std::string& path) {
  if (run.state != "finished") {
    return bad_input("--write-baseline: run ", results::title_of(run),
                     " is unfinished; finish it with \"assay run --resume ", run.run_id, "\"");
  }
  ASSAY_TRY(write_file(path, to_json_text(results::to_baseline_json(run)) + "\n"));
  log_note("run ", results::title_of(run), " is now the baseline in ", path);
  return {};
}

Result<> check_output_files(const CheckArgs& args) {
  ASSAY_TRY(check_output_file("--junit", args.junit));
  ASSAY_TRY(check_output_file("--summary-md", args.summary_md));
  ASSAY_TRY(check_output_file("--openmetrics", args.openmetrics));
  return check_output_file("--write-baseline", args.write_baseline);
}

/// The verdict in one line on standard error where the exit code isn't 0, expired waivers, and annotations.
void tell(const results::CheckResult& result, const CheckArgs& args) {
  for (const std::string& line : results::expired_waiver_lines(result)) {
    log_line(LogLevel::quiet, args.policy + ": " + line);
  }
  if (results::outcome_of(result) != results::CheckOutcome::passed)
    log_line(LogLevel::quiet, results::headline(result));
  if (!args.github) return;
  // Nothing may stand in front of a workflow command in its line.
  std::fputs(results::github_annotations(result).c_str(), stderr);
}

/// The baseline and, if one was named, the candidate: equal runs, whose samples are dealt anew.
Result<int> calibrate_command(const CheckArgs& args, const CommonOptions& common) {
  if (args.baseline.empty()) return bad_input("--calibrate: give a run as --baseline");
  ASSAY_ASSIGN(const results::Policy policy, read_policy(args));
  std::vector<results::ComparableRun> pool;
  ASSAY_ASSIGN(results::ComparableRun baseline, read_run_words(args.baseline, common.db));
  pool.push_back(std::move(baseline));
  if (args.candidate != CheckArgs().candidate) {
    ASSAY_ASSIGN(results::ComparableRun other, read_run_words(args.candidate, common.db));
    pool.push_back(std::move(other));
  }
  results::CalibrationOptions options;
  options.check.now_ms = run::machine_clock().unix_ms();
  ASSAY_ASSIGN(const Json calibration, results::calibrate(pool, policy, options));
  const auto file = results::calibration_file(common.db);
  ASSAY_TRY(results::store_calibration(file, calibration));
  if (common.json) {
    ASSAY_TRY(print_json(calibration));
    return 0;
  }
  ASSAY_TRY(print(results::calibration_text(calibration) + ".\nStored in " + file.string() + ".\n"));
  return 0;
}

Result<int> check_command(const CheckArgs& args, const CommonOptions& common) {
  if (args.calibrate) return calibrate_command(args, common);
  if (args.baseline.empty() && args.write_baseline.empty()) {
    return bad_input("check: --baseline is missing: a RUN, a FILE or merge-base");
  }
  ASSAY_TRY(check_output_files(args));
  ASSAY_ASSIGN(const results::Policy policy, read_policy(args));
  ASSAY_ASSIGN(const results::ComparableRun candidate, read_run_words(args.candidate, common.db));
  if (args.baseline.empty()) {
    ASSAY_TRY(write_baseline(candidate, args.write_baseline));
    return 0;
  }
  results::ComparableRun baseline;
  if (args.baseline == "merge-base") {
    ASSAY_ASSIGN(const std::vector<std::string> commits, baseline_commits());
    ASSAY_ASSIGN(baseline, read_run_of_commits(commits, common.db, candidate.run_id));
  } else {
    ASSAY_ASSIGN(baseline, read_run_words(args.baseline, common.db));
  }
  const results::CheckOptions options{.now_ms = run::machine_clock().unix_ms(),
                                      .bootstrap = {.n_resamples = 10'000, .seed = 0}};
  ASSAY_ASSIGN(results::CheckResult result, results::check_runs(baseline, candidate, policy, options));
  ASSAY_ASSIGN(result.calibration, results::find_calibration(results::calibration_file(common.db),
                                                             results::environment_sha256(candidate), policy.level));
  ASSAY_TRY(write_files(result, args));
  const results::CheckOutcome outcome = results::outcome_of(result);
  if (!args.write_baseline.empty() && outcome == results::CheckOutcome::passed) {
    ASSAY_TRY(write_baseline(candidate, args.write_baseline));
  }
  ASSAY_TRY(common.json ? print_json(results::to_json(result)) : print(results::check_text(result)));
  tell(result, args);
  return static_cast<int>(outcome);
}

}  // namespace

Action declare_check(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<CheckArgs>();  // shared by the option table, which writes it, and the action
  add_text(app, "--baseline", args->baseline, "RUN|FILE|merge-base",
           std::string("What to compare with: ") + kRunWords +
               "; or merge-base: the newest finished run of the git merge base or an ancestor of it, found by its tag "
               "commit");
  add_text(app, "--candidate", args->candidate, "RUN|FILE", "The run to judge, named likewise (default: latest)");
  add_text(app, "--policy", args->policy, "FILE",
           "JSON: what is gated, with what margins and waivers (default: accuracy of each suite, two points, 5 %)");
  add_text(app, "--junit", args->junit, "FILE", "Write the verdict as JUnit XML");
  add_text(app, "--summary-md", args->summary_md, "FILE", "Write the verdict as Markdown");
  add_text(app, "--openmetrics", args->openmetrics, "FILE",
           "Write the verdict as OpenMetrics text (GitLab metrics reports)");
  add_texts(app, "--fail-under", args->fail_under, "SUITE=X",
            "Fail, too, where the candidate's accuracy of SUITE is below X (0 to 1); may be repeated");
  add_choice(app, "--inconclusive", args->inconclusive, {"pass", "fail"},
             "What an inconclusive check is: exit code 0 or 5 (default: the policy's, else fail)");
  app.add_flag(
      "--github", args->github,
      "Print annotations for GitHub Actions on standard error, and append the summary to $GITHUB_STEP_SUMMARY");
  add_text(app, "--write-baseline", args->write_baseline, "FILE",
           "Write the candidate as a baseline file, if the check passes; without --baseline nothing is checked");
  app.add_flag("--calibrate", args->calibrate,
               "A/A test: deal the samples of --baseline (and of --candidate, an equal run, if given) at random into "
               "halves, and count how often equal halves are called regressed; stored beside the database");
  app.footer(
      "Exit codes: 0 passed, 1 regressed or below --fail-under, 5 inconclusive, 2 and 3 as everywhere. A run gets the "
      "tag\n"
      "that merge-base looks for with: assay run … --tag commit=$(git rev-parse HEAD)\n"
      "docs/ci/README.md explains the policy, the verdicts and the JSON, and has examples for GitHub and GitLab.\n"
      "Example: assay check --baseline main --candidate latest --junit check.xml --db results.db");
  return [args, &common] { return check_command(*args, common); };
}

}  // namespace assay::cli
