// Reading the runs of a comparison and asking results/ about them.
#include "gui/models/comparison.h"
#include "harness/base/file.h"
#include "results/gate/calibration.h"
#include "results/pairing.h"
#include "results/store.h"

namespace assay::gui {

namespace {

constexpr std::uint64_t kMaxPolicyBytes = 4 << 20;
constexpr auto kStopped = "stopped";

struct ReadRun {
  results::ComparableRun run;
  results::RunSummary summary;
};

Result<ReadRun> read_run(const ChosenRun& chosen) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(chosen.database.toStdString()));
  const RunId id(chosen.run_id.toStdString());
  ReadRun read;
  ASSAY_TRY(store.in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(read.run, results::read_comparable_run(store, id));
    ASSAY_ASSIGN(read.summary, results::summarise(store, id));
    return {};
  }));
  return {std::move(read)};
}

Result<results::Policy> read_policy(const QString& file) {
  if (file.isEmpty()) return results::default_policy();
  ASSAY_ASSIGN(const std::string text, read_file(file.toStdString(), kMaxPolicyBytes));
  return results::parse_policy(text, file.toStdString());
}

/// As `assay check` does, with what is known of this machine's false alarms.
Result<results::CheckResult> check_candidate(const results::ComparableRun& baseline,
                                             const results::ComparableRun& candidate, const QString& database,
                                             const QString& policy_file, std::int64_t now_ms) {
  ASSAY_ASSIGN(const results::Policy policy, read_policy(policy_file));
  const results::CheckOptions options{.now_ms = now_ms, .bootstrap = {.n_resamples = 10'000, .seed = 0}};
  ASSAY_ASSIGN(results::CheckResult check, results::check_runs(baseline, candidate, policy, options));
  ASSAY_ASSIGN(check.calibration, results::find_calibration(results::calibration_file(database.toStdString()),
                                                            results::environment_sha256(candidate), policy.level));
  return {std::move(check)};
}

}  // namespace

ComparisonAnswer read_comparison(const ComparisonQuestion& question, std::int64_t now_ms, std::stop_token stop) {
  ComparisonAnswer answer;
  std::vector<results::ComparableRun> runs;
  for (const ChosenRun& chosen : question.runs) {
    if (stop.stop_requested()) {
      answer.refusal = kStopped;
      return answer;
    }
    Result<ReadRun> read = read_run(chosen);
    if (!read) {
      answer.refusal = read.error().message;
      return answer;
    }
    answer.titles.push_back(chosen.title);
    runs.push_back(std::move(read->run));
    answer.summaries.push_back(std::move(read->summary));
  }
  const results::ComparableRun baseline = std::move(runs.front());
  runs.erase(runs.begin());
  for (std::size_t i = 0; i < runs.size(); ++i) {
    std::vector<std::string> phrases = results::comparison_obstacles(baseline, runs[i]);
    if (!phrases.empty()) answer.obstacles.push_back({answer.titles[i + 1], std::move(phrases)});
    answer.environment_differences.push_back(results::environment_differences(baseline, runs[i]));
  }
  results::CompareOptions options;
  options.force = question.force;
  Result<results::Comparison> comparison = results::compare_runs(baseline, runs, options);
  if (comparison) {
    answer.comparison = std::move(*comparison);
  } else {
    answer.refusal = comparison.error().message;
  }
  for (std::size_t i = 0; i < runs.size() && !stop.stop_requested(); ++i) {
    GateAnswer& gate = answer.gates.emplace_back();
    gate.candidate = answer.titles[i + 1];
    Result<results::CheckResult> check =
        check_candidate(baseline, runs[i], question.runs[i + 1].database, question.policy_file, now_ms);
    if (check) {
      gate.check = std::move(*check);
    } else {
      gate.refusal = check.error().message;
    }
  }
  return answer;
}

}  // namespace assay::gui
