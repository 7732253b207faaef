#include "harness/cli/bench_words.h"

#include <algorithm>
#include <functional>

#include "harness/base/text.h"
#include "harness/bench/layers_target.h"
#include "harness/bench/pass_target.h"
#include "harness/bench/serve_target.h"
#include "harness/cli/bench_build.h"
#include "harness/cli/run_words.h"
#include "harness/cli/shell_words.h"
#include "results/layers.h"
#include "suites/registry.h"

namespace assay::cli {

namespace {

using bench::Setting;

constexpr std::int64_t kMostValues = 64;

/// "1,4,16": at least one, each in [least, most].
Result<std::vector<std::int64_t>> parse_counts(const char* option, const std::string& words, std::int64_t most) {
  std::vector<std::int64_t> values;
  for (const std::string& word : split(words, ',')) {
    const auto value = parse_integer(word);
    if (!value || *value < 1 || *value > most) {
      return bad_input(option, ": must be whole numbers from 1 to ", most, " with commas between, is ",
                       quoted_excerpt(words));
    }
    values.push_back(*value);
  }
  if (static_cast<std::int64_t>(values.size()) > kMostValues) {
    return bad_input(option, ": takes at most ", kMostValues, " values");
  }
  return values;
}

Result<std::vector<double>> parse_rates(const std::string& words) {
  std::vector<double> values;
  for (const std::string& word : split(words, ',')) {
    const auto value = parse_number(word);
    constexpr double kMost = 1e6;
    if (!value || !(*value > 0) || *value > kMost) {
      return bad_input("--rate: must be requests a second, above 0, with commas between, is ", quoted_excerpt(words));
    }
    values.push_back(*value);
  }
  if (static_cast<std::int64_t>(values.size()) > kMostValues) {
    return bad_input("--rate: takes at most ", kMostValues, " values");
  }
  return values;
}

/// `command`, or what a sweep is of.
BenchCommand kind_of(BenchCommand command, const BenchArgs& args) {
  if (command != BenchCommand::sweep) return command;
  return args.kind == "decode"    ? BenchCommand::decode
         : args.kind == "prefill" ? BenchCommand::prefill
                                  : BenchCommand::serve;
}

/// An option's words, or what stands for them in a sweep or in a single measurement.
std::string or_default(const std::string& words, BenchCommand command, const char* of_sweep, const char* of_one) {
  if (!words.empty()) return words;
  return command == BenchCommand::sweep ? of_sweep : of_one;
}

Result<> read_suite(const std::string& words, bench::ServeSetting& serve) {
  ASSAY_ASSIGN(const std::vector<suites::Suite> suites, suites::resolve_suites(words));
  for (const suites::Suite& suite : suites) {
    for (const suites::Item& item : suite.items) serve.prompts.push_back(item.prompt);
  }
  if (serve.prompts.empty()) return bad_input("--suite: ", quoted_excerpt(words), " has no items");
  serve.prompts_from = words;
  return {};
}

/// The loads that the words name: users, or an open loop's arrivals.
Result<std::vector<bench::Arrivals>> parse_loads(BenchCommand command, const BenchArgs& args) {
  const int n_given = (args.concurrency.empty() ? 0 : 1) + (args.rate.empty() ? 0 : 1) + (args.trace.empty() ? 0 : 1);
  if (n_given > 1) return bad_input("--concurrency, --rate and --trace: give one of them");
  std::vector<bench::Arrivals> loads;
  if (!args.trace.empty()) {
    bench::Arrivals arrivals{.process = bench::ArrivalProcess::trace};
    ASSAY_ASSIGN(arrivals.trace_ms, bench::read_trace(args.trace));
    loads.push_back(std::move(arrivals));
    return loads;
  }
  if (args.rate.empty()) {
    if (!args.arrivals.empty()) return bad_input("--arrivals: needs --rate, the requests a second of an open loop");
    const std::string words = or_default(args.concurrency, command, "1,4,16", "4");
    constexpr std::int64_t kMostUsers = 65536;
    ASSAY_ASSIGN(const std::vector<std::int64_t> users, parse_counts("--concurrency", words, kMostUsers));
    for (const std::int64_t n : users) loads.push_back({.concurrency = n});
    return loads;
  }
  bench::ArrivalProcess process = bench::ArrivalProcess::poisson;
  if (!args.arrivals.empty()) {
    ASSAY_ASSIGN(process, bench::parse_arrival_process(args.arrivals));
  }
  if (args.burst_size && process != bench::ArrivalProcess::burst) {
    return bad_input("--burst-size: needs --arrivals burst");
  }
  ASSAY_ASSIGN(const std::vector<double> rates, parse_rates(args.rate));
  for (const double rate : rates) {
    loads.push_back({.process = process, .rate_per_s = rate, .burst_size = args.burst_size.value_or(8)});
  }
  return loads;
}

Result<std::vector<Setting>> serve_settings(BenchCommand command, const BenchArgs& args, const Setting& common) {
  Setting setting = common;
  setting.kind = "serve";
  bench::ServeSetting& serve = setting.serve;
  constexpr double kOneMs = 20'000, kSweepMs = 6'000;
  serve.duration_ms = args.duration_s ? *args.duration_s * 1000 : command == BenchCommand::sweep ? kSweepMs : kOneMs;
  serve.max_requests = args.max_requests.value_or(serve.max_requests);
  serve.output_tokens = args.output_tokens.value_or(serve.output_tokens);
  serve.shared_prefix_tokens = args.shared_prefix_tokens.value_or(0);
  serve.raw = args.raw;
  serve.sampling.temperature = args.temperature.value_or(0);
  if (!args.slo.empty()) {
    ASSAY_ASSIGN(serve.level, bench::parse_service_level(args.slo));
  }
  if (!args.suite.empty()) {
    if (!args.prompt_tokens.empty() || args.shared_prefix_tokens) {
      return bad_input(
          "--suite: its prompts have the length they have; leave out --prompt-tokens and "
          "--shared-prefix-tokens");
    }
    ASSAY_TRY(read_suite(args.suite, serve));
  }
  ASSAY_ASSIGN(const std::vector<bench::Arrivals> loads, parse_loads(command, args));
  ASSAY_ASSIGN(const auto lengths,
               parse_counts("--prompt-tokens", args.prompt_tokens.empty() ? "64" : args.prompt_tokens, 10'000'000));
  std::vector<Setting> settings;
  for (const std::int64_t length : lengths) {
    for (const bench::Arrivals& load : loads) {
      serve.prompt_tokens = length;
      serve.arrivals = load;
      if (load.process == bench::ArrivalProcess::trace && !args.duration_s) {
        serve.duration_ms = load.trace_ms.back() + 1;  // all of it
      }
      settings.push_back(setting);
    }
  }
  return settings;
}

/// A setting for each batch and length; `lengths` are the words of `option`.
Result<std::vector<Setting>> batches_by_lengths(const Setting& common, const std::string& batches, const char* option,
                                                const std::string& lengths) {
  ASSAY_ASSIGN(const auto batch_values, parse_counts("--batch", batches, 65536));
  ASSAY_ASSIGN(const auto length_values, parse_counts(option, lengths.empty() ? "128" : lengths, 10'000'000));
  Setting setting = common;
  std::vector<Setting> settings;
  for (const std::int64_t length : length_values) {
    for (const std::int64_t batch : batch_values) {
      setting.passes.batch = batch;
      setting.passes.context = length;
      constexpr std::int64_t kMostTokens = 1'000'000'000;
      if (batch * length > kMostTokens) return bad_input("--batch times ", option, ": must be at most ", kMostTokens);
      settings.push_back(setting);
    }
  }
  return settings;
}

Result<std::vector<Setting>> pass_settings(BenchCommand command, const BenchArgs& args, const Setting& common,
                                           bool is_decode) {
  Setting setting = common;
  setting.kind = is_decode ? "decode" : "prefill";
  setting.passes.is_decode = is_decode;
  setting.passes.n_steps = args.steps.value_or(setting.passes.n_steps);
  setting.passes.temperature = args.temperature.value_or(0);
  const std::string batches = or_default(args.batch, command, "1,2,4,8,16", is_decode ? "1,8" : "1");
  const std::string& lengths = is_decode ? args.context : args.prompt_tokens;
  const char* const option = is_decode ? "--context" : "--prompt-tokens";
  return batches_by_lengths(setting, batches, option, lengths);
}

/// Decoding steps, and prompts where their lengths are given; without --context these alone.
Result<std::vector<Setting>> layer_settings(const BenchArgs& args, const Setting& common) {
  Setting setting = common;
  setting.kind = results::kLayersKind;
  setting.passes.temperature = args.temperature.value_or(0);
  const std::string batches = args.batch.empty() ? "1" : args.batch;
  std::vector<Setting> settings;
  if (!args.context.empty() || args.prompt_tokens.empty()) {
    setting.passes.is_decode = true;
    setting.passes.n_steps = args.steps.value_or(16);
    ASSAY_ASSIGN(settings, batches_by_lengths(setting, batches, "--context", args.context));
  }
  if (args.prompt_tokens.empty()) return settings;
  setting.passes.is_decode = false;
  setting.passes.n_steps = args.steps.value_or(3);
  ASSAY_ASSIGN(const std::vector<Setting> prompts,
               batches_by_lengths(setting, batches, "--prompt-tokens", args.prompt_tokens));
  settings.insert(settings.end(), prompts.begin(), prompts.end());
  return settings;
}

Result<bench::Arm> parse_arm(BenchCommand command, const BenchArgs& args, bench::LoadTime& time,
                             run::ProgressStyle progress, const std::filesystem::path& db) {
  bench::Arm arm;
  ASSAY_ASSIGN(const run::RunnerOptions runner, parse_bench_model(args));
  if (run::reference_kind(runner.model) == run::ReferenceKind::replay) {
    return bad_input("--model: recorded outputs have no speed of their own; give a model or an endpoint");
  }
  Setting common;
  common.priced.usd_per_gpu_hour = args.price_usd_per_gpu_hour;
  common.priced.n_devices = std::max(args.model.tensor_parallel.value_or(1), args.model.expert_parallel.value_or(1));
  const BenchCommand kind = kind_of(command, args);
  if (kind == BenchCommand::serve) {
    ASSAY_ASSIGN(arm.settings, serve_settings(command, args, common));
  } else if (kind == BenchCommand::layers) {
    ASSAY_ASSIGN(arm.settings, layer_settings(args, common));
  } else {
    ASSAY_ASSIGN(arm.settings, pass_settings(command, args, common, kind == BenchCommand::decode));
  }
  arm.target = shell_text(target_words(runner, args));
  std::int64_t most = 1, most_users = 1;
  for (const Setting& setting : arm.settings) {
    most = std::max(most, setting.passes.batch);
    most_users = std::max(most_users, setting.serve.arrivals.is_open() ? 1024 : setting.serve.arrivals.concurrency);
  }
  if (kind != BenchCommand::serve) {
    const runners::PassLimits limits{.max_batch = most, .prefill_chunk_tokens = args.chunk.value_or(0)};
    if (kind == BenchCommand::layers) {
      arm.open = [runner, limits, progress, db] { return bench::open_layers_target(runner, limits, progress, db); };
    } else {
      arm.open = [runner, limits, progress] { return bench::open_pass_target(runner, limits, progress); };
    }
    return arm;
  }
  if (run::reference_kind(runner.model) == run::ReferenceKind::endpoint) {
    arm.open = [runner, most_users, &time]() -> Result<std::unique_ptr<bench::Target>> {
      ASSAY_ASSIGN(runners::EndpointOptions endpoint, run::endpoint_options(runner));
      endpoint.max_in_flight = most_users;  // waiting within the client would hide a queue
      endpoint.retry.most_attempts = 1;     // a request that was made twice has no latency of its own
      ASSAY_ASSIGN(auto live, runners::open_live_endpoint_runner(std::move(endpoint)));
      return bench::make_serve_target(std::move(live), time);
    };
    return arm;
  }
  arm.open = [runner, progress, &time]() -> Result<std::unique_ptr<bench::Target>> {
    ASSAY_ASSIGN(auto live, run::open_live_runner(runner, progress));
    return bench::make_serve_target(std::move(live), time);
  };
  return arm;
}

void add_serve_options(CLI::App& app, BenchArgs& args) {
  add_text(
      app, "--concurrency", args.concurrency, "N[,N…]",
      "A closed loop: so many users, each of whom sends a request when the last one is answered (default: 4; a sweep: "
      "1,4,16)");
  add_text(app, "--rate", args.rate, "X[,X…]", "An open loop: so many requests a second, whatever becomes of them");
  add_choice(app, "--arrivals", args.arrivals, {"poisson", "constant", "burst"},
             "How an open loop's requests arrive (default: poisson)");
  add_integer(app, "--burst-size", args.burst_size, 1, 100'000, "Requests that arrive at once (default: 8)");
  add_text(app, "--trace", args.trace, "FILE",
           "An open loop at a file's moments: milliseconds from the start, one a line");
  add_number(app, "--duration-s", args.duration_s,
             {.least = 0, .most = 86'400, .least_is_open = true, .text = "seconds up to 86400"},
             "Send requests for so long (default: 20; a sweep: 6)");
  add_integer(app, "--max-requests", args.max_requests, 1, bench::kMostRequests, "Send no more requests than this");
  add_integer(
      app, "--shared-prefix-tokens", args.shared_prefix_tokens, 1, 10'000'000,
      "Begin all prompts with the same so many tokens, so that a cache of prefixes works (default: none, no two "
      "prompts begin alike)");
  add_integer(app, "--output-tokens", args.output_tokens, 1, 10'000'000,
              "Output tokens of a reply at most (default: 64)");
  add_text(app, "--suite", args.suite, "NAME", "Send a suite's prompts in turn, in place of made ones");
  add_text(app, "--slo", args.slo, "LEVEL",
           "Count requests that meet limits: ttft=2000,tpot=80 (ms; also e2e), or MLPerf's mlperf-deepseek-r1-server, "
           "mlperf-deepseek-r1-interactive, mlperf-gpt-oss-120b-server, mlperf-gpt-oss-120b-interactive, "
           "mlperf-llama2-70b-conversational, mlperf-llama2-70b-interactive");
  app.add_flag("--raw", args.raw, "Send prompts as they are, without the chat template");
}

void add_comparison_options(CLI::App& app, BenchArgs& args) {
  add_text(app, "--against", args.against, "WORDS",
           "Compare with the same benchmark under other options, such as \"--threads 1\": both in turns, A B B A");
  add_text(
      app, "--against-build", args.against_build, "PROGRAM",
      "Compare this build (a) with another assay (b), both called in turns, A B B A, each time as a process of its "
      "own; with --against, b also under its options");
}

void add_layers_options(CLI::App& app, BenchArgs& args) {
  add_text(app, "--batch", args.batch, "N[,N…]", "Sequences that decode together, or prompts (default: 1)");
  add_text(app, "--context", args.context, "N[,N…]",
           "Positions before the decoded one (default: 128, if no prompts are asked for)");
  add_text(app, "--prompt-tokens", args.prompt_tokens, "N[,N…]",
           "Also prompts of so many tokens; without --context "
           "these alone");
  add_integer(app, "--steps", args.steps, 1, 1000,
              "Times that a decoding step, or the prompts, are watched (default: 16, of prompts 3)");
  add_integer(app, "--chunk", args.chunk, 1, 1'000'000, "Rows of a prefill pass at most (default: the engine's)");
  app.add_flag("--by-layer", args.by_layer, "Show every layer, too");
}

void add_pass_options(CLI::App& app, BenchArgs& args, bool has_decode) {
  add_text(app, "--batch", args.batch, "N[,N…]",
           has_decode ? "Sequences that decode together, or prompts (default: 1,8; a sweep: 1,2,4,8,16)"
                      : "Prompts (default: 1)");
  if (has_decode) {
    add_text(app, "--context", args.context, "N[,N…]", "Positions before the first decoded one (default: 128)");
    add_integer(app, "--steps", args.steps, 8, 100'000, "Decode passes that are measured (default: 48)");
  }
  add_integer(app, "--chunk", args.chunk, 1, 1'000'000, "Rows of a prefill pass at most (default: the engine's)");
}

}  // namespace

Result<run::RunnerOptions> parse_bench_model(const BenchArgs& args) {
  ModelOptions model = args.model;
  if (!args.config.empty()) {
    if (!model.model.empty()) return bad_input("--config: takes the place of --model; give one of them");
    if (!args.dummy_weights) return bad_input("--config: has no weights; add --dummy-weights, or give --model");
    const std::filesystem::path file = args.config;
    if (file.filename() != "config.json") {
      return bad_input("--config: must be a file config.json, is ", quoted_excerpt(args.config));
    }
    model.model = file.has_parent_path() ? file.parent_path().string() : ".";
  }
  ASSAY_ASSIGN(run::RunnerOptions options, parse_model_options(model));
  if (args.dummy_weights) options.load.weights = runners::WeightSource::dummy;
  options.parts = args.parts;
  if (!args.across.where.empty() && !(args.against.empty() && args.against_build.empty())) {
    return bad_input("--across: measures one engine; leave out --against and --against-build");
  }
  return options;
}

std::string to_string(BenchCommand command) {
  switch (command) {
    case BenchCommand::serve:
      return "serve";
    case BenchCommand::decode:
      return "decode";
    case BenchCommand::prefill:
      return "prefill";
    case BenchCommand::layers:
      return "layers";
    case BenchCommand::sweep:
      break;
  }
  return "sweep";
}

void add_bench_options(CLI::App& app, BenchCommand command, BenchArgs& args) {
  const bool is_sweep = command == BenchCommand::sweep, is_layers = command == BenchCommand::layers;
  add_model_options(app, args.model);
  if (is_sweep || command == BenchCommand::serve) add_endpoint_options(app, args.model.endpoint);
  add_text(app, "--config", args.config, "config.json",
           "In place of --model: a configuration, whose weights --dummy-weights makes up");
  app.add_flag("--dummy-weights", args.dummy_weights, "Random weights: measures speed without a download");
  if (is_sweep) {
    add_choice(app, "--kind", args.kind, {"serve", "decode", "prefill"}, "What is measured (default: serve)");
  }
  if (is_sweep || command == BenchCommand::serve) add_serve_options(app, args);
  if (is_layers) {
    add_layers_options(app, args);
  } else if (command != BenchCommand::serve) {
    add_pass_options(app, args, command != BenchCommand::prefill);
  }
  if (command == BenchCommand::decode || command == BenchCommand::prefill) add_across_options(app, args.across);
  if (command != BenchCommand::decode && !is_layers) {
    add_text(app, "--prompt-tokens", args.prompt_tokens, "N[,N…]",
             "Tokens of each prompt, about (default: 64 for serve, 128 for prefill)");
  }
  add_number(app, "--temperature", args.temperature, {.least = 0, .most = 100, .text = "a number from 0 to 100"},
             "Sampling temperature; 0 is greedy (default: 0)");
  add_integer(
      app, "--repeats", args.repeats, 1, 1000,
      "Measure every setting so often; of a comparison, in so many blocks A B B A (default: serve 1, decode and "
      "prefill 5, a sweep 3, layers 3, a comparison 4)");
  if (!is_layers) add_comparison_options(app, args);
  add_seed_option(app, args.seed);
  add_label_options(app, {args.name, args.tags, args.hardware});
  if (is_layers) return;
  add_number(app, "--price-usd-per-gpu-hour", args.price_usd_per_gpu_hour,
             {.least = 0, .most = 1e6, .text = "dollars from 0 to 1000000"},
             "Price of the device in US dollars an hour: gives dollars per million tokens");
}

Result<bench::BenchmarkPlan> parse_bench(BenchCommand command, const BenchArgs& args, bench::LoadTime& time,
                                         run::ProgressStyle progress, const std::filesystem::path& db) {
  bench::BenchmarkPlan plan;
  ASSAY_ASSIGN(bench::Arm arm, parse_arm(command, args, time, progress, db));
  plan.arms.push_back(std::move(arm));
  const bool is_serve = kind_of(command, args) == BenchCommand::serve;
  const bool is_comparison = !args.against.empty() || !args.against_build.empty();
  const bool is_long = command == BenchCommand::sweep || command == BenchCommand::layers;
  plan.repeats = args.repeats.value_or(is_comparison ? 4 : is_long ? 3 : is_serve ? 1 : 5);
  plan.seed = static_cast<std::uint64_t>(args.seed.value_or(0));
  plan.name = args.name;
  if (args.model.link_gb_s) plan.provenance = "emulated";
  ASSAY_ASSIGN(plan.hardware_profile, parse_hardware(args.hardware));
  ASSAY_ASSIGN(plan.tags, parse_tags(args.tags));
  if (!is_comparison) return plan;

  BenchArgs other = args;
  other.against.clear();
  other.against_build.clear();
  CLI::App table;
  add_bench_options(table, command, other);
  ASSAY_ASSIGN(std::vector<std::string> words, shell_words(args.against));
  if (const auto parsed = parse_words(table, std::move(words)); !parsed) {
    return bad_input("--against: ", parsed.error().message);
  }
  ASSAY_ASSIGN(bench::Arm b, parse_arm(command, other, time, progress, db));
  if (b.settings.size() != plan.arms[0].settings.size()) {
    return bad_input("--against: gives ", b.settings.size(), " settings, and the other side has ",
                     plan.arms[0].settings.size(), "; they are compared one by one");
  }
  if (other.model.link_gb_s) plan.provenance = "emulated";
  plan.arms[0].name = "a";
  b.name = "b";
  if (!args.against.empty()) plan.tags.emplace_back("against", args.against);
  if (!args.against_build.empty()) {
    ASSAY_ASSIGN(const std::string here, this_program());
    ASSAY_ASSIGN(const run::RunnerOptions of_a, parse_bench_model(args));
    ASSAY_ASSIGN(const run::RunnerOptions of_b, parse_bench_model(other));
    ASSAY_TRY(measure_build(plan.arms[0], here, of_a, args));
    ASSAY_TRY(measure_build(b, args.against_build, of_b, other));
    plan.tags.emplace_back("against_build", args.against_build);
  }
  plan.arms.push_back(std::move(b));
  return plan;
}

}  // namespace assay::cli
