// Reading what runs cost.
#include "gui/models/cost.h"
#include "harness/base/text.h"
#include "results/store.h"

namespace assay::gui {

namespace {

constexpr double kMostUsd = 1e9;

Result<double> parse_positive(const QString& text, const char* what, double most) {
  const std::optional<double> number = parse_number(text.trimmed().toStdString());
  if (!number || !(*number > 0) || *number > most) {
    return bad_input(what, " is ", quoted_excerpt(text.toStdString()), ", must be a number above 0, at most ",
                     to_text(most));
  }
  return *number;
}

Result<> read_cost(const ChosenRun& chosen, const results::CostOptions& options, CostAnswer& answer) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(chosen.database.toStdString()));
  const RunId id(chosen.run_id.toStdString());
  return store.in_snapshot([&]() -> Result<> {
    ASSAY_ASSIGN(results::RunCost cost, results::run_cost(store, id, options));
    ASSAY_ASSIGN(results::RunSummary summary, results::summarise(store, id));
    answer.titles.push_back(chosen.title);
    answer.costs.push_back(std::move(cost));
    answer.summaries.push_back(std::move(summary));
    return {};
  });
}

}  // namespace

Result<results::CostOptions> parse_cost_options(const CostQuestion& question) {
  results::CostOptions options;
  if (!question.usd_per_gpu_hour.isEmpty()) {
    ASSAY_ASSIGN(const double usd, parse_positive(question.usd_per_gpu_hour, "price of a GPU-hour", kMostUsd));
    options.price = results::HourlyPrice{usd, {}, "this page", "stated"};
  } else if (!question.hardware.isEmpty()) {
    ASSAY_ASSIGN(const auto profiles, results::load_hardware(results::user_hardware_folder()));
    ASSAY_ASSIGN(const results::HardwareProfile profile,
                 results::find_hardware(profiles, question.hardware.toStdString()));
    ASSAY_ASSIGN(options.price, results::rental_price(profile));
  }
  if (!question.utilisation_pct.isEmpty()) {
    ASSAY_ASSIGN(const double pct, parse_positive(question.utilisation_pct, "utilisation", 100));
    options.utilisation_ratio = pct / 100;
  }
  if (!question.what_if.isEmpty()) {
    ASSAY_ASSIGN(options.what_if, results::parse_what_if(question.what_if.toStdString(), "what-if"));
  }
  return {std::move(options)};
}

CostAnswer read_costs(const CostQuestion& question, std::stop_token stop) {
  CostAnswer answer;
  const Result<results::CostOptions> options = parse_cost_options(question);
  if (!options) {
    answer.refusal = options.error().message;
    return answer;
  }
  for (const ChosenRun& chosen : question.runs) {
    if (stop.stop_requested()) break;
    if (const Result<> read = read_cost(chosen, *options, answer); !read) {
      CostAnswer refused;
      refused.refusal = read.error().message;
      return refused;
    }
  }
  return answer;
}

}  // namespace assay::gui
