// assay plan: what a run would take on a GPU that need not be here. Everything it says is a projection.

#include <memory>

#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/model_options.h"
#include "harness/cli/output.h"
#include "harness/run/forecast_plan.h"
#include "results/cost/run_cost.h"
#include "results/store.h"
#include "suites/registry.h"

namespace assay::cli {

namespace {

struct PlanArgs {
  std::string model, suite, protocol, chat_template, kv_memory, hardware, lengths_from;
  std::optional<std::int64_t> samples, limit, gpus, max_batch;
  std::optional<double> price_usd_per_gpu_hour, output_tokens, utilisation_ratio;
  std::optional<std::int64_t> max_output_tokens;
  std::string fp8 = "blocks";
};

/// Money and energy of so many seconds on all GPUs.
struct Expense {
  std::optional<double> usd;
  std::optional<double> kwh;  ///< at the boards' limit: at most
};

/// The plan with its price.
struct PricedPlan {
  run::RunForecast forecast;
  std::optional<results::HourlyPrice> price;
  std::string price_reason;
  double utilisation_ratio = 1;
};

Result<run::ForecastRequest> parse_plan(const PlanArgs& args) {
  run::ForecastRequest request;
  if (args.model.empty()) return bad_input("--model is missing; it takes a folder, a GGUF file or a registered name");
  if (args.suite.empty()) return bad_input("--suite is missing; it takes names, groups or folders, such as smoke");
  if (args.hardware.empty()) {
    return bad_input(
        "--hardware is missing; it takes the name of a GPU's profile, such as h100-sxm5 (\"assay hardware\")");
  }
  request.model = args.model;
  request.chat_template = args.chat_template;
  request.settings.samples = args.samples;
  request.settings.limit = args.limit;
  if (!args.protocol.empty()) {
    ASSAY_ASSIGN(request.settings.protocol, run::find_protocol(args.protocol));
  }
  request.settings.sampling.max_output_tokens = args.max_output_tokens;
  request.max_batch = args.max_batch.value_or(request.max_batch);
  if (!args.kv_memory.empty()) {
    ASSAY_ASSIGN(request.kv_memory, run::parse_kv_memory(args.kv_memory));
  }
  request.n_gpus = args.gpus.value_or(1);
  request.fp8 = args.fp8 == "widen" ? runners::Fp8Weights::widen : runners::Fp8Weights::blocks;
  request.mean_output_tokens = args.output_tokens;
  return request;
}

/// Output lengths of a stored run, by suite.
Result<run::KnownLengths> lengths_of(const std::string& words, const std::string& db) {
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(db));
  ASSAY_ASSIGN(const RunId run, store.find_run(words));
  run::KnownLengths lengths;
  ASSAY_TRY(
      store.for_each_sample(run, "", results::SampleParts::facts, [&](const results::SampleRecord& record) -> Result<> {
        if (record.sample.n_output_tokens) {
          lengths[record.sample.key.suite].push_back(*record.sample.n_output_tokens);
        }
        return {};
      }));
  if (lengths.empty()) return bad_input("--lengths-from ", words, ": the run doesn't know its output tokens");
  return lengths;
}

Result<> set_price(const PlanArgs& args, const results::HardwareProfile& profile, PricedPlan& plan) {
  plan.utilisation_ratio = args.utilisation_ratio.value_or(1);
  if (args.price_usd_per_gpu_hour) {
    plan.price = results::HourlyPrice{*args.price_usd_per_gpu_hour, {}, "--price-usd-per-gpu-hour", "stated"};
    return {};
  }
  auto price = results::rental_price(profile);
  if (price) {
    plan.price = *price;
  } else {
    plan.price_reason = price.error().message;
  }
  return {};
}

Expense expense_of(const PricedPlan& plan, double seconds) {
  Expense expense;
  const auto n_gpus = plan.forecast.request.n_gpus;
  if (plan.price) expense.usd = results::usd_for_time(plan.price->usd, n_gpus, seconds, plan.utilisation_ratio);
  if (plan.forecast.device.power_watts) {
    expense.kwh = *plan.forecast.device.power_watts * static_cast<double>(n_gpus) * seconds / results::kJoulesPerKwh;
  }
  return expense;
}

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json time_json(const PricedPlan& plan, const std::optional<run::Forecast>& forecast) {
  if (!forecast) return {};
  const Expense expense = expense_of(plan, forecast->seconds());
  return {{"output_tokens", forecast->n_output_tokens},
          {"seconds", forecast->seconds()},
          {"prefill_s", forecast->prefill_s},
          {"decode_s", forecast->decode_s},
          {"output_tokens_per_s", static_cast<double>(forecast->n_output_tokens) / forecast->seconds()},
          {"peak_sequences", forecast->peak_sequences},
          {"mean_sequences", forecast->mean_sequences},
          {"moved_out", forecast->n_moved_out},
          {"usd", json_of(expense.usd)},
          {"joules_at_most", expense.kwh ? Json(*expense.kwh * results::kJoulesPerKwh) : Json()}};
}

Json plan_json(const PricedPlan& plan) {
  const run::RunForecast& f = plan.forecast;
  Json suites = Json::array();
  for (const run::SuiteForecast& suite : f.suites) {
    suites.push_back({{"suite", suite.suite},
                      {"items", suite.n_items},
                      {"samples", suite.n_samples},
                      {"prompt_tokens", suite.n_prompt_tokens},
                      {"max_output_tokens", suite.max_output_tokens},
                      {"expected_output_tokens", json_of(suite.mean_output_tokens)},
                      {"lengths_from", suite.lengths_from}});
  }
  return {{"provenance", "projected"},
          {"error_ratio", json_of(f.error_ratio)},
          {"checked_on_device", f.device.was_fitted},
          {"model", f.model},
          {"hardware", f.device.profile},
          {"gpus", f.request.n_gpus},
          {"suites", suites},
          {"items", f.n_items},
          {"samples", f.n_samples},
          {"prompt_tokens", f.n_prompt_tokens},
          {"memory",
           {{"weight_bytes", f.weight_bytes},
            {"kv_bytes_per_token", f.kv_bytes_per_token},
            {"kv_memory_bytes", f.kv_memory_bytes},
            {"memory_bytes", f.device.memory_bytes},
            {"max_batch", f.request.max_batch}}},
          {"expected", time_json(plan, f.expected)},
          {"at_most", time_json(plan, f.at_most)},
          {"price", plan.price ? Json{{"usd_per_gpu_hour", plan.price->usd},
                                      {"utilisation_ratio", plan.utilisation_ratio},
                                      {"source", plan.price->source},
                                      {"provenance", plan.price->provenance}}
                               : Json{{"reason", plan.price_reason}}}};
}

std::string duration(double seconds) {
  if (seconds < 120) return to_fixed(seconds, seconds < 10 ? 1 : 0) + " s";
  if (seconds < 2 * 3600) return to_fixed(seconds / 60, 1) + " min";
  return to_fixed(seconds / 3600, 1) + " h";
}

std::string time_range(double seconds, const std::optional<double>& error_ratio) {
  if (!error_ratio) return "about " + duration(seconds);
  return duration(seconds * (1 - *error_ratio)) + " to " + duration(seconds * (1 + *error_ratio));
}

std::string gigabytes(double bytes) { return to_fixed(bytes / 1e9, bytes < 1e9 ? 2 : 1) + " GB"; }

std::string tokens_text(double n) {
  if (n >= 1e9) return to_fixed(n / 1e9, 2) + " B";
  if (n >= 1e6) return to_fixed(n / 1e6, 2) + " M";
  return to_fixed(n, 0);
}

std::vector<std::string> time_row(const std::string& name, const PricedPlan& plan,
                                  const std::optional<run::Forecast>& forecast) {
  if (!forecast) return {name, "-", "-", "-", "-", "-", "-"};
  const double seconds = forecast->seconds();
  const Expense expense = expense_of(plan, seconds);
  const auto n_tokens = static_cast<double>(forecast->n_output_tokens);
  return {name,
          tokens_text(n_tokens),
          time_range(seconds, plan.forecast.error_ratio),
          tokens_text(n_tokens / seconds),
          to_fixed(forecast->mean_sequences, 0) + " (" + to_text(forecast->peak_sequences) + ")",
          expense.usd ? to_fixed(*expense.usd, *expense.usd < 1 ? 4 : 2) : "-",
          expense.kwh ? to_fixed(*expense.kwh, *expense.kwh < 1 ? 4 : 2) : "-"};
}

std::string plan_text(const PricedPlan& plan) {
  const run::RunForecast& f = plan.forecast;
  std::string text = "Plan  " + shown(f.model) + " on " + to_text(f.request.n_gpus) + " x " + f.device.profile +
                     "  (projected, nothing was run)\n\n";
  std::vector<std::vector<std::string>> suites = {
      {"suite", "items", "samples", "prompt tokens", "at most a sample", "expected a sample", "expected from"}};
  for (const run::SuiteForecast& suite : f.suites) {
    suites.push_back({shown(suite.suite), to_text(suite.n_items), to_text(suite.n_samples),
                      to_text(suite.n_prompt_tokens), to_text(suite.max_output_tokens),
                      suite.mean_output_tokens ? to_fixed(*suite.mean_output_tokens, 0) : "-",
                      shown(suite.lengths_from)});
  }
  text += text_table(suites) + "\nmemory  " + gigabytes(static_cast<double>(f.weight_bytes)) + " of weights, " +
          gigabytes(static_cast<double>(f.kv_memory_bytes)) + " for cached keys and values (" +
          to_text(f.kv_bytes_per_token) + " bytes a token), of " +
          gigabytes(static_cast<double>(f.device.memory_bytes)) + "\n\n";
  text += text_table({{"", "output tokens", "time", "tokens/s", "in flight (most)", "$", "kWh, at most"},
                      time_row("expected", plan, f.expected),
                      time_row("at most", plan, f.at_most)});
  text += "\n";
  if (!f.expected) {
    text +=
        "Expected lengths are not known: give --output-tokens MEAN, or --lengths-from RUN with a run of such a "
        "model.\n";
  }
  text += plan.price
              ? "price   $" + to_fixed(plan.price->usd, 2) + " a GPU-hour (" + shown(plan.price->source, 200) + ")\n"
              : "price   none: " + shown(plan.price_reason, 200) + "\n";
  text +=
      "method  weights, caches and operations of each pass over the device's rates, with constants fitted to the "
      "engine's\n"
      "        steps on an H100 and an H200 (models of 7 to 16 B parameters): within 6 % of those, within 10 % where "
      "it was\n"
      "        not fitted. " +
      std::string(f.device.was_fitted ? "This device was among them" : "This device was NOT among them") +
      std::string(f.error_ratio ? "" : "; this model is far smaller, so how far off its times are is not known") +
      ".\n        Energy is the board's limit over the whole time. Grading, loading and sandboxes are not in it; "
      "weights\n"
      "        of GGUF files are taken as bfloat16.\n";
  return text;
}

Result<> plan_command(const PlanArgs& args, const CommonOptions& common) {
  ASSAY_ASSIGN(run::ForecastRequest request, parse_plan(args));
  ASSAY_ASSIGN(const auto profiles, results::load_hardware(results::user_hardware_folder()));
  ASSAY_ASSIGN(const results::HardwareProfile profile, results::find_hardware(profiles, args.hardware));
  if (!args.lengths_from.empty()) {
    ASSAY_ASSIGN(request.lengths, lengths_of(args.lengths_from, common.db));
    request.lengths_from = args.lengths_from;
  }
  ASSAY_ASSIGN(std::vector<suites::Suite> suites, suites::resolve_suites(args.suite));
  PricedPlan plan;
  ASSAY_ASSIGN(plan.forecast, run::forecast_plan(request, std::move(suites), profile));
  ASSAY_TRY(set_price(args, profile, plan));
  return common.json ? print_json(plan_json(plan)) : print(plan_text(plan));
}

}  // namespace

Action declare_plan(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<PlanArgs>();  // shared by the option table, which writes it, and the action
  add_text(app, "--model", args->model, "REF",
           "A folder with config.json and tokenizer.json (weights are not needed), a .gguf file, or a registered name");
  add_text(app, "--suite", args->suite, "NAME[,NAME…]", "Suites, groups of suites, or folders of your own");
  add_integer(app, "--samples", args->samples, 1, 1'000'000,
              "Samples per item (default: the protocol's, else the suite's)");
  add_integer(app, "--limit", args->limit, 1, 1'000'000'000, "Only the first N items of each suite (default: all)");
  add_choice(app, "--protocol", args->protocol, run::protocol_names(), "As in \"assay run\"");
  add_integer(app, "--max-output-tokens", args->max_output_tokens, 1, 1'000'000'000,
              "At most so many output tokens a sample (default: the protocol's, else the suite's)");
  add_text(app, "--chat-template", args->chat_template, "NAME", "As in \"assay run\"");
  add_text(app, "--hardware", args->hardware, "PROFILE", "The GPU (\"assay hardware\" lists them)");
  add_integer(app, "--gpus", args->gpus, 1, 100'000,
              "So many GPUs, each with its own engine and its share of the items (default: 1)");
  add_integer(app, "--max-batch", args->max_batch, 1, 100'000,
              "Sequences that decode together on a GPU (default: 256)");
  add_text(app, "--kv-memory", args->kv_memory, "BYTES|PCT",
           "For cached keys and values (default: 90% of what the weights leave)");
  add_choice(app, "--fp8", args->fp8, {"blocks", "widen"},
             "Weights in FP8 blocks: as they are, or as bfloat16 (default: blocks)");
  add_number(app, "--output-tokens", args->output_tokens, {1, 1e9, false, false, "a number from 1 to 1e9"},
             "The mean output tokens of a sample that you expect, for all suites");
  add_text(app, "--lengths-from", args->lengths_from, "RUN",
           "Expect the output lengths of this stored run, suite by suite");
  add_number(app, "--price-usd-per-gpu-hour", args->price_usd_per_gpu_hour,
             {.least = 0, .most = 1e6, .text = "dollars from 0 to 1000000"},
             "Price of a GPU in US dollars an hour (default: the profile's usual price)");
  add_number(app, "--utilisation", args->utilisation_ratio, {0, 1, true, false, "a number above 0, at most 1"},
             "Busy share of the hours paid for (default: 1)");
  app.footer(
      "Times come from a model of the engine, not from this machine; they say how far off it was where it could be "
      "checked.\n"
      "Example: assay plan --model reference --suite smoke --hardware h800-sxm5 --output-tokens 180");
  return [args, &common] { return plan_command(*args, common); };
}

}  // namespace assay::cli
