// assay regrade: the stored outputs of a run through the graders again.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <unordered_map>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/sandbox_option.h"
#include "harness/run/clock.h"
#include "harness/run/grading.h"
#include "harness/run/stop_signals.h"
#include "harness/run/stored_suite.h"
#include "results/store.h"
#include "suites/registry.h"

namespace assay::cli {

namespace {

constexpr std::size_t kTranscriptsAtATime = 256;  // in memory

struct RegradeArgs {
  std::vector<std::string> runs;
  std::string profile = "canonical";
  std::string suite;
  std::string sandbox = "bwrap";
};

/// What regrading one suite of one run changed.
struct Regraded {
  RunId run_id;
  std::string suite;
  std::int64_t n_samples = 0;
  std::int64_t n_correct_before = 0;
  std::int64_t n_correct = 0;
  std::int64_t n_changed = 0;  ///< samples whose verdict is another one now
};

/// The suites with the items that were asked, each with the stored hash. Imported ones, which have none, are made of
/// what was stored with them, unless --suite names them.
Result<std::vector<suites::Suite>> load_run_suites(const results::Store& store, const results::RunRecord& run,
                                                   const std::string& suite_words) {
  std::vector<std::string> names;
  for (const results::RunSuiteRecord& suite : run.suites) {
    if (!run::is_imported(suite)) names.push_back(suite.facts.suite);
  }
  std::vector<suites::Suite> loaded;
  if (!names.empty() || !suite_words.empty()) {
    ASSAY_ASSIGN(loaded, suites::resolve_suites(suite_words.empty() ? join(names, ",") : suite_words));
  }
  std::vector<suites::Suite> suites;
  for (const results::RunSuiteRecord& stored : run.suites) {
    if (run::is_imported(stored) && suite_words.empty()) {
      ASSAY_ASSIGN(suites::Suite suite, run::stored_suite(store, run.run_id, stored));
      suites.push_back(std::move(suite));
      continue;
    }
    const auto found = std::find_if(loaded.begin(), loaded.end(),
                                    [&](const suites::Suite& suite) { return suite.name == stored.facts.suite; });
    if (found == loaded.end()) {
      return bad_input("run ", run.run_id, " has suite ", quoted_excerpt(stored.facts.suite),
                       "; name it or its folder in --suite");
    }
    if (!run::is_imported(stored) && found->sha256 != stored.facts.sha256) {
      return bad_input("suite ", quoted_excerpt(stored.facts.suite), " is not the one that run ", run.run_id,
                       " was made with (sha256 ", stored.facts.sha256.substr(0, 12), ", now ",
                       found->sha256.substr(0, 12), ")");
    }
    suites.push_back(std::move(*found));
  }
  return suites;
}

/// Those of a run's suites that have the profile; the others keep their grading, and that is said.
/// Error{bad_input} if none has it.
Result<std::vector<suites::Suite>> with_profile(std::vector<suites::Suite> suites, const std::string& profile) {
  const auto lacking = std::stable_partition(suites.begin(), suites.end(), [&](const suites::Suite& suite) {
    return suites::check_profile(suite, profile).has_value();
  });
  if (lacking == suites.begin()) return suites::check_profile(suites.front(), profile).error();
  for (auto suite = lacking; suite != suites.end(); ++suite) {
    log_note("suite ", suite->name, " has no profile ", quoted_excerpt(profile), "; it keeps its grading");
  }
  suites.erase(lacking, suites.end());
  return suites;
}

/// Grades every stored sample of one suite; reads the transcripts in batches.
/// Until it is complete nothing is stored, so a stop leaves the run's grading as it was.
Result<Regraded> regrade_suite(results::Store& store, const RunId& run_id, const suites::Suite& suite,
                               const run::GradingTools& tools, std::stop_token stop) {
  std::unordered_map<std::string, const suites::Item*> items;
  for (const suites::Item& item : suite.items) items.emplace(item.id.value, &item);
  const run::Clock clock = run::machine_clock();
  Regraded regraded{.run_id = run_id, .suite = suite.name};
  std::vector<results::KeyedVerdict> verdicts;
  std::vector<results::SampleRecord> batch;

  const auto grade_batch = [&]() -> Result<> {
    if (stop.stop_requested()) {
      return interrupted("interrupted; suite ", suite.name, " of run ", run_id,
                         " keeps its grading; give the command again");
    }
    const std::size_t first = verdicts.size();
    verdicts.resize(first + batch.size());
    for (const results::SampleRecord& record : batch) {
      if (!items.contains(record.sample.key.item.value)) {
        return bad_input("run ", run_id, ": item ", quoted_excerpt(record.sample.key.item.value), " is not in suite ",
                         suite.name);
      }
    }
    run::grade_in_parallel(batch.size(), run::grading_threads(tools.sandbox != nullptr), [&](std::size_t i) {
      const results::SampleFacts& sample = batch[i].sample;
      verdicts[first + i] = {
          sample.key, run::grade_sample(suite, *items.at(sample.key.item.value), sample, tools, clock.unix_ms())};
    });
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const results::Verdict before = batch[i].verdict.verdict;
      const results::Verdict now = verdicts[first + i].verdict.verdict;
      regraded.n_correct_before += before == results::Verdict::correct;
      regraded.n_correct += now == results::Verdict::correct;
      regraded.n_changed += before != now;
    }
    batch.clear();
    return {};
  };

  ASSAY_TRY(store.for_each_sample(run_id, suite.name, results::SampleParts::transcripts,
                                  [&](const results::SampleRecord& record) -> Result<> {
                                    batch.push_back(record);
                                    return batch.size() < kTranscriptsAtATime ? Result<>() : grade_batch();
                                  }));
  ASSAY_TRY(grade_batch());
  regraded.n_samples = static_cast<std::int64_t>(verdicts.size());
  const std::string grader_version = std::to_string(suites::grader_version(suite.kind));
  ASSAY_TRY(store.add_grading(run_id, suite.name, tools.profile, grader_version, verdicts, clock.unix_ms()));
  return regraded;
}

Result<> print_regraded(const std::vector<Regraded>& all, const std::string& profile, const CommonOptions& common) {
  if (common.json) {
    Json records = Json::array();
    for (const Regraded& regraded : all) {
      records.push_back({{"run_id", regraded.run_id.value},
                         {"suite", regraded.suite},
                         {"profile", profile},
                         {"samples", regraded.n_samples},
                         {"correct_before", regraded.n_correct_before},
                         {"correct", regraded.n_correct},
                         {"changed", regraded.n_changed}});
    }
    return print_json({{"regraded", records}});
  }
  std::vector<std::vector<std::string>> rows = {{"run", "suite", "samples", "correct before", "correct", "changed"}};
  for (const Regraded& regraded : all) {
    rows.push_back({regraded.run_id.value, regraded.suite, to_text(regraded.n_samples),
                    to_text(regraded.n_correct_before), to_text(regraded.n_correct), to_text(regraded.n_changed)});
  }
  return print(text_table(rows));
}

Result<> regrade_command(const RegradeArgs& args, const CommonOptions& common) {
  if (args.runs.empty()) return bad_input("RUN is missing; it takes a run's id, a prefix of it, a name, or latest");
  ASSAY_ASSIGN(const suites::SandboxMode mode, suites::parse_sandbox_mode(args.sandbox));
  const run::StopSignals signals;  // before anything starts a thread
  std::error_code ignored;
  if (!std::filesystem::exists(common.db, ignored)) return bad_input(common.db, ": no such database; --db names one");
  ASSAY_ASSIGN(results::Store store, results::Store::open_or_create(common.db));
  std::vector<Regraded> all;
  for (const std::string& words : args.runs) {
    ASSAY_ASSIGN(const RunId run_id, store.find_run(words));
    ASSAY_ASSIGN(const results::RunRecord run, store.read_run(run_id));
    ASSAY_ASSIGN(std::vector<suites::Suite> all_suites, load_run_suites(store, run, args.suite));
    ASSAY_ASSIGN(const std::vector<suites::Suite> suites, with_profile(std::move(all_suites), args.profile));
    ASSAY_ASSIGN(std::optional<suites::Sandbox> sandbox, open_sandbox_for(suites, mode));
    const run::GradingTools tools = grading_tools(sandbox, args.profile);
    for (const suites::Suite& suite : suites) {
      ASSAY_ASSIGN(Regraded regraded, regrade_suite(store, run_id, suite, tools, signals.token()));
      all.push_back(std::move(regraded));
    }
  }
  return print_regraded(all, args.profile, common);
}

}  // namespace

Action declare_regrade(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<RegradeArgs>();  // shared by the option table, which writes it, and the action
  add_texts(app, "RUN", args->runs, "", "A run's id, an unambiguous prefix of it, its --name, or latest");
  add_text(app, "--profile", args->profile, "NAME",
           "The grader: canonical, or a compatibility grader that the suite has (default: canonical)");
  add_text(app, "--suite", args->suite, "NAME[,NAME…]",
           "Where the run's suites are, if they are folders (default: by their names)");
  add_sandbox_option(app, args->sandbox);
  app.footer(
      "The new verdicts become the run's current grading; the old ones stay in the database.\n"
      "Example: assay regrade latest --db results.db");
  return [args, &common] { return regrade_command(*args, common); };
}

}  // namespace assay::cli
