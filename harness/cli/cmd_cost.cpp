// assay cost: what stored runs cost in dollars and joules, and what others would have asked.

#include <memory>

#include "harness/base/file.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "results/cost/run_cost.h"
#include "results/cost/worked_examples.h"
#include "results/store.h"

namespace assay::cli {

namespace {

constexpr std::uint64_t kMaxWhatIfBytes = 1 << 20;

struct CostArgs {
  std::vector<std::string> runs;
  std::optional<double> price_usd_per_gpu_hour;
  std::string hardware;
  std::optional<double> utilisation_ratio;
  std::string what_if;
  std::string example;
};

Result<results::CostOptions> cost_options(const CostArgs& args) {
  results::CostOptions options;
  if (args.price_usd_per_gpu_hour && !args.hardware.empty()) {
    return bad_input("--price and --hardware both say what an hour costs; give one of them");
  }
  if (args.price_usd_per_gpu_hour) {
    options.price = results::HourlyPrice{*args.price_usd_per_gpu_hour, {}, "--price", "stated"};
  }
  if (!args.hardware.empty()) {
    ASSAY_ASSIGN(const auto profiles, results::load_hardware(results::user_hardware_folder()));
    ASSAY_ASSIGN(const results::HardwareProfile profile, results::find_hardware(profiles, args.hardware));
    ASSAY_ASSIGN(options.price, results::rental_price(profile));
  }
  options.utilisation_ratio = args.utilisation_ratio.value_or(1);
  if (!args.what_if.empty()) {
    ASSAY_ASSIGN(const std::string text, read_file(args.what_if, kMaxWhatIfBytes));
    ASSAY_ASSIGN(options.what_if, results::parse_what_if(text, args.what_if));
  }
  return options;
}

Result<> print_example(const std::string& name, const CommonOptions& common) {
  ASSAY_ASSIGN(const results::WorkedExample example, results::find_worked_example(name));
  return common.json ? print_json(results::to_json(example)) : print(results::worked_example_text(example));
}

Result<> cost_command(const CostArgs& args, const CommonOptions& common) {
  if (!args.example.empty()) {
    if (!args.runs.empty()) return bad_input("--example needs no RUN; it is computed from published figures");
    return print_example(args.example, common);
  }
  ASSAY_ASSIGN(const results::CostOptions options, cost_options(args));
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(common.db));
  const std::vector<std::string> runs = args.runs.empty() ? std::vector<std::string>{"latest"} : args.runs;
  Json records = Json::array();
  std::string text;
  for (const std::string& words : runs) {
    ASSAY_ASSIGN(const RunId run, store.find_run(words));
    ASSAY_ASSIGN(const results::RunCost cost, results::run_cost(store, run, options));
    if (common.json) records.push_back(results::to_json(cost));
    text += (text.empty() ? "" : "\n") + results::cost_text(cost);
  }
  if (common.json) return print_json(records.size() == 1 ? records.front() : records);
  return print(text);
}

}  // namespace

Action declare_cost(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<CostArgs>();  // shared by the option table, which writes it, and the action
  add_texts(app, "RUN", args->runs, "",
            "A run's id, an unambiguous prefix of it, its --name, or latest (default: latest)");
  add_number(app, "--price", args->price_usd_per_gpu_hour, {0, 1e9, true, false, "a number above 0, at most 1e9"},
             "USD for an hour of one GPU (default: what is stored with the run)");
  add_text(app, "--hardware", args->hardware, "NAME", "Take the dated rental price of a profile (\"assay hardware\")");
  add_number(app, "--utilisation", args->utilisation_ratio, {0, 1, true, false, "a number above 0, at most 1"},
             "The busy share of the hours paid for (default: 1)");
  add_text(app, "--what-if", args->what_if, "FILE.json",
           "Assumptions: own hardware, hosted prices, electricity, demand; their results are labelled scenario");
  add_text(app, "--example", args->example, "NAME",
           "Show published arithmetic, computed again: deepseek-day-6 or deepseek-v3-training");
  app.footer(
      "A what-if file may hold own_hardware {capital_usd, years, interest_ratio, power_watts, pue, usd_per_kwh,\n"
      "operation_usd_per_year} per GPU, output_tokens_per_s, hosted [price rows; with hosts and models they hold for\n"
      "runs on such an endpoint], jevons {price_ratio, elasticities}, and energy {usd_per_kwh, pue, gco2e_per_kwh,\n"
      "idle_watts}, the last in place of what was measured before the run.\n"
      "Figures may be [low, high] in own_hardware.\n"
      "Example: assay cost latest --price 2.50 --utilisation 0.5");
  return [args, &common] { return cost_command(*args, common); };
}

}  // namespace assay::cli
