#pragma once
// What the page of comparisons shows: read in one go, then tables made of it. Every figure and word is the command
// line's: compare_runs for `assay compare`, check_runs for `assay check`.

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gui/models/chosen_runs.h"
#include "gui/models/table.h"
#include "results/compare.h"
#include "results/gate/check.h"

namespace assay::gui {

struct ComparisonQuestion {
  std::vector<ChosenRun> runs;  ///< the baseline first; at least two
  bool force = false;           ///< compare in spite of obstacles
  QString policy_file;          ///< of the gate; empty: the default policy
};

/// What speaks against comparing a candidate with the baseline.
struct Obstacles {
  QString candidate;  ///< its title
  std::vector<std::string> phrases;
};

/// The gate's verdict on one candidate, or why there is none.
struct GateAnswer {
  QString candidate;
  std::optional<results::CheckResult> check;
  std::string refusal;
};

struct ComparisonAnswer {
  std::vector<QString> titles;                 ///< of the runs of the question
  std::vector<results::RunSummary> summaries;  ///< in the same order: accuracies with their intervals
  std::vector<Obstacles> obstacles;            ///< only of those that have some
  std::optional<results::Comparison> comparison;
  std::string refusal;  ///< why there is no comparison
  std::vector<GateAnswer> gates;
  std::vector<std::vector<std::string>> environment_differences;  ///< a list a candidate
};

/// Reads and computes it all; takes seconds. Stops early, with a refusal, once asked to. `now_ms`: waivers expire.
ComparisonAnswer read_comparison(const ComparisonQuestion& question, std::int64_t now_ms, std::stop_token stop);

/// Candidates and suites in rows: accuracies, paired difference, interval, p, finding, detectable difference; pass@k
/// and maj@k below each.
Table accuracy_table(const ComparisonAnswer& answer);
/// How long outputs are, and whether that differs.
Table lengths_table(const ComparisonAnswer& answer);
/// Medians of both, and their ratio; then figures of whole runs.
Table latency_table(const ComparisonAnswer& answer);
Table run_figures_table(const ComparisonAnswer& answer);
/// The gate's metrics with their reasons, as `assay check` prints them.
Table gate_table(const GateAnswer& gate);
/// Whose environments differ from the baseline's, and in what.
Table environment_table(const ComparisonAnswer& answer);

/// The items whose share of correct samples differs in some candidate, a column a run. `which`: "lost" or "gained"
/// alone, or all; `suite`: of one suite alone, or all. A row's key is flip_key().
Table flips_table(const ComparisonAnswer& answer, const QString& which, const QString& suite);
/// "suite\nitem", and back.
QString flip_key(const QString& suite, const QString& item);
std::pair<QString, QString> parse_flip_key(const QString& key);

}  // namespace assay::gui
