#pragma once
// What the page of costs shows: run_cost() of the chosen runs under the user's assumptions, and tables made of it.

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gui/models/chosen_runs.h"
#include "gui/models/table.h"
#include "results/cost/run_cost.h"
#include "results/cost/worked_examples.h"
#include "results/summary.h"

namespace assay::gui {

/// As the user wrote it; every text may be empty.
struct CostQuestion {
  std::vector<ChosenRun> runs;
  QString usd_per_gpu_hour;  ///< a number; empty: what is stored with each run
  QString hardware;          ///< a profile's name, whose rental price is taken where no price is given
  QString utilisation_pct;   ///< a number above 0, at most 100; empty: 100
  QString what_if;           ///< JSON as results/cost/what_if.h
};

struct CostAnswer {
  std::string refusal;  ///< what is wrong with the question; then nothing else is there
  std::vector<QString> titles;
  std::vector<results::RunCost> costs;         ///< in the order of the question
  std::vector<results::RunSummary> summaries;  ///< the same: accuracies
};

/// The options that the question's texts mean. Error{bad_input} names the field.
Result<results::CostOptions> parse_cost_options(const CostQuestion& question);
CostAnswer read_costs(const CostQuestion& question, std::stop_token stop);

/// A row a run: price, whole, parts per million tokens, per correct answer, energy.
Table cost_table(const CostAnswer& answer);
Table energy_table(const CostAnswer& answer);
/// The tokens of one run at hosted endpoints, and from where on one's own hardware is cheaper.
Table hosted_table(const results::RunCost& cost);
/// What a person's brain takes, for scale.
Table brain_table(const CostAnswer& answer);
/// How demand answers to a price: a scenario.
Table rebound_table(const results::RunCost& cost);
Table worked_example_table(const results::WorkedExample& example);

/// "measured"; "projected" where an assumed share of idle hours is in it.
QString usd_provenance(const results::RunCost& cost);
/// "2025-02-26 to 2025-09-05, 16:30-00:30 UTC", or when it was read.
QString validity_text(const results::ApiPrice& price);
/// "DeepSeek deepseek-reasoner (R1)".
QString endpoint_text(const results::ApiPrice& price);
/// "$1.20 to $3.40", or one figure where both ends are equal.
QString range_text(const results::Range& range, FigureText text);

}  // namespace assay::gui
