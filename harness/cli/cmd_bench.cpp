// assay bench: speed under load, and of passes alone; stored point by point.

#include <array>
#include <memory>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/bench/comparison.h"
#include "harness/cli/bench_words.h"
#include "harness/cli/command.h"
#include "harness/cli/machine_words.h"
#include "harness/cli/output.h"
#include "harness/cli/shell_words.h"
#include "harness/run/stop_signals.h"
#include "results/layers.h"
#include "results/report.h"
#include "results/summary.h"

namespace assay::cli {

namespace {

constexpr std::array kCommands = {BenchCommand::serve, BenchCommand::decode, BenchCommand::prefill, BenchCommand::sweep,
                                  BenchCommand::layers};

const char* summary_of(BenchCommand command) {
  switch (command) {
    case BenchCommand::serve:
      return "A model or an endpoint under load: TTFT, ITL, TPOT, E2E from the moment a request was to be sent";
    case BenchCommand::decode:
      return "Decode passes of the native engine alone, by batch and context";
    case BenchCommand::prefill:
      return "Prefill passes of the native engine alone, by prompts and length";
    case BenchCommand::layers:
      return "Where the time of a pass goes: operation by operation, layer by layer, beside what limits it";
    case BenchCommand::sweep:
      break;
  }
  return "A ladder of loads or batches, repeated and interleaved; or two settings against each other";
}

const char* footer_of(BenchCommand command) {
  switch (command) {
    case BenchCommand::serve:
      return "A point that must not be believed says why: too_short, not_steady, queue_growing, littles_law, "
             "client_bound,\n"
             "throttled, errors, cancelled. It is stored, and the command ends with 3.\n"
             "Example: assay bench serve --model reference --rate 5 --slo ttft=500,tpot=50";
    case BenchCommand::decode:
      return "Example: assay bench decode --model reference --batch 1,8 --context 128";
    case BenchCommand::prefill:
      return "Example: assay bench prefill --model reference --prompt-tokens 128";
    case BenchCommand::layers:
      return "An operation's time is what it adds to the pass: on a GPU from the device's records of every kernel "
             "(CUPTI, which\ncomes with the CUDA toolkit), on a CPU from its clock. Limits are measured (assay bench "
             "machine, same --db) or published.\n"
             "Example: assay bench layers --model reference --batch 1,8 --context 128 --prompt-tokens 128";
    case BenchCommand::sweep:
      break;
  }
  return "The same command given again goes on behind the last point of an unfinished sweep.\n"
         "Example: assay bench sweep --model reference --kind decode --against '--threads 1'";
}

Json run_json(const results::RunSummary& summary, const std::vector<bench::SettingComparison>& comparisons) {
  Json json = results::to_json(summary);
  json["environment_fingerprint"] = results::environment_fingerprint(summary.run.segments.back().environment);
  Json compared = Json::array();
  for (const bench::SettingComparison& comparison : comparisons) compared.push_back(to_json(comparison));
  json["comparisons"] = std::move(compared);
  return json;
}

/// What the client itself costs, as the newest point with a load has it; empty without one.
std::string client_text(const std::vector<results::BenchPoint>& points) {
  for (auto point = points.rbegin(); point != points.rend(); ++point) {
    const auto test = point->details.find("client") == point->details.end()
                          ? Json()
                          : point->details["client"].value("self_test", Json());
    const auto number = [&](const char* key) {
      return test.contains(key) && test[key].is_number() ? double(test[key]) : 0;
    };
    if (!test.is_object() || number("requests_per_s") <= 0) continue;
    const bool is_http = test.value("over", "process") == "http";
    return std::string("client: ") + to_fixed(number("overhead_ms"), 3) + " ms a request " +
           (is_http ? "over sockets" : "in this process") + ", at most " + to_fixed(number("requests_per_s"), 0) +
           " requests/s and " + to_fixed(number("events_per_s"), 0) + " events/s (its self-test)\n";
  }
  return "";
}

/// 0; an Error where no point of a setting is to be believed, since the machine or the load did not allow it. A
/// comparison that finds a difference is no failure: `assay check` is the gate.
Result<> check_validity(const results::RunSummary& summary) {
  for (const results::PointSummary& setting : results::summarise_points(summary.points)) {
    if (setting.n_valid > 0) continue;
    std::string codes;
    for (const auto& [code, n] : setting.n_invalid) codes += (codes.empty() ? "" : ", ") + code;
    return environment_error(setting.name, ": no valid point (", codes,
                             "); what was measured is stored with its reasons");
  }
  return {};
}

/// Measures what is not stored yet of the plan, and prints all of it.
Result<> run_plan(const bench::BenchmarkPlan& plan, const run::StopSignals& signals, const CommonOptions& common,
                  bool by_layer = false) {
  const run::ProgressStyle style = run::progress_style(common.quiet);
  ASSAY_ASSIGN(results::Store store, results::Store::open_or_create(common.db));
  bench::BenchmarkOutcome outcome;
  {
    run::ProgressView progress(style, "bench");
    bool has_started = false;
    const auto show = [&](std::int64_t n_done, std::int64_t n_total, const bench::Step& step) {
      if (!has_started) progress.start(n_total, n_done);
      has_started = true;
      progress.set_done(n_done);
      const results::PointKey key = key_of(plan, step);
      log_detail("measuring ", key.name, key.arm.empty() ? "" : ", ", key.arm, ", repeat ", key.repeat);
    };
    ASSAY_ASSIGN(outcome, bench::run_benchmark(plan, store, run::machine_clock(), show, signals.token()));
  }
  if (outcome.stopped_by) {
    Error error = *outcome.stopped_by;
    error.message += "; " + to_text(outcome.n_stored) + " of " + to_text(outcome.n_steps) + " points are stored";
    const bool would_fail_again = error.kind == ErrorKind::bad_input;
    if (!would_fail_again) error.message += "; the same command goes on behind them";
    return error;
  }
  ASSAY_ASSIGN(const results::RunSummary summary, results::summarise(store, outcome.run_id));
  const auto comparisons = bench::compare_arms(summary.points);
  if (common.json) {
    ASSAY_TRY(print_json(run_json(summary, comparisons)));
  } else {
    const std::string compared = bench::comparison_text(comparisons);
    const std::string client = client_text(summary.points);
    ASSAY_TRY(print(results::report_text(summary) + (client.empty() ? "" : "\n" + client) +
                    (compared.empty() ? "" : "\n" + compared) +
                    (by_layer ? "\n" + results::layer_by_layer_text(summary.points) : "")));
  }
  return check_validity(summary);
}

Result<> measure(BenchCommand command, BenchArgs args, const std::string& command_line, const CommonOptions& common) {
  const run::StopSignals signals;  // before anything starts a thread
  ASSAY_ASSIGN(const run::RunnerOptions model, parse_bench_model(args));
  ASSAY_ASSIGN(const std::unique_ptr<runners::PartGroup> parts, lead_parts(args.across, model, signals));
  args.parts = parts.get();
  bench::MachineTime time;
  ASSAY_ASSIGN(bench::BenchmarkPlan plan,
               parse_bench(command, args, time, run::progress_style(common.quiet), common.db));
  plan.command_line = command_line;
  return run_plan(plan, signals, common, args.by_layer);
}

Result<int> bench_command(BenchCommand command, const BenchArgs& args, const std::string& command_line,
                          const CommonOptions& common) {
  ASSAY_ASSIGN(const int part, part_of(args.across, run::process_environment()));
  if (part != 0) return follow_part(args.across, part, {args.model.model, args.model.device, args.model.threads});
  ASSAY_TRY(measure(command, args, command_line, common));
  return 0;
}

Result<int> machine_command(const MachineArgs& args, bool only_collectives, const std::string& command_line,
                            const CommonOptions& common) {
  const run::StopSignals signals;  // before the machine's threads start
  ASSAY_ASSIGN(bench::BenchmarkPlan plan, parse_machine(args, only_collectives));
  plan.command_line = command_line;
  ASSAY_TRY(run_plan(plan, signals, common));
  return 0;
}

/// The words that were given, quoted for a shell.
std::string given_words(const CLI::App& sub) {
  std::vector<std::string> words = {"bench", sub.get_name()};
  for (const CLI::Option* option : sub.get_options()) {
    if (option->count() == 0 || option->get_name() == "--help") continue;
    if (option->get_items_expected_max() == 0) {
      words.push_back(option->get_name());
      continue;
    }
    for (const std::string& value : option->results()) words.insert(words.end(), {option->get_name(), value});
  }
  return shell_text(words);
}

/// machine, or collective.
CLI::App* declare_machine(CLI::App& app, bool only_collectives, MachineArgs& args) {
  CLI::App* sub = app.add_subcommand(
      only_collectives ? "collective" : "machine",
      only_collectives ? "Copies and collectives between GPUs by size, ours and NCCL's where it is found"
                       : "What this machine gives at most: memory, arithmetic, starts, buses and links");
  add_machine_options(*sub, only_collectives, args);
  sub->footer(
      only_collectives
          ? "Example: assay bench collective --link-gb-s 165"
          : "Matrix rates by \"own\" are the instructions alone on operands at hand; cuBLAS and NCCL are measured "
            "beside ours\nwhere the dynamic linker finds them. The newest such run is the roofline of its devices.\n"
            "Example: assay bench machine --device cpu");
  return sub;
}

}  // namespace

Action declare_bench(CLI::App& app, const CommonOptions& common) {
  using Declared =
      std::pair<CLI::App*, std::shared_ptr<BenchArgs>>;  // shared by the table, which writes it, and the action
  const auto declared = std::make_shared<std::vector<Declared>>();
  for (const BenchCommand command : kCommands) {
    const auto args = std::make_shared<BenchArgs>();
    CLI::App* sub = app.add_subcommand(to_string(command), summary_of(command));
    add_bench_options(*sub, command, *args);
    sub->footer(footer_of(command));
    declared->emplace_back(sub, args);
  }
  const auto machine_args = std::make_shared<std::array<MachineArgs, 2>>();  // machine, collective
  std::array<CLI::App*, 2> machines = {};
  for (std::size_t i = 0; i < machines.size(); ++i) machines[i] = declare_machine(app, i == 1, (*machine_args)[i]);
  app.footer("Example: assay bench serve --model reference");
  return [declared, machine_args, machines, &common]() -> Result<int> {
    for (std::size_t i = 0; i < declared->size(); ++i) {
      const auto& [sub, args] = (*declared)[i];
      if (sub->parsed()) return bench_command(kCommands[i], *args, given_words(*sub), common);
    }
    for (std::size_t i = 0; i < machines.size(); ++i) {
      if (machines[i]->parsed()) return machine_command((*machine_args)[i], i == 1, given_words(*machines[i]), common);
    }
    return bad_input("bench: say what: serve, decode, prefill, sweep, layers, machine or collective");
  };
}

}  // namespace assay::cli
