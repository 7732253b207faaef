// assay run: a model through suites, into the database.

#include <memory>
#include <set>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/across.h"
#include "harness/cli/command.h"
#include "harness/cli/model_options.h"
#include "harness/cli/output.h"
#include "harness/cli/rank_run.h"
#include "harness/cli/run_job.h"
#include "harness/cli/run_words.h"
#include "harness/cli/sandbox_option.h"
#include "harness/cli/shell_words.h"
#include "harness/run/stop_signals.h"
#include "results/store.h"
#include "suites/registry.h"

namespace assay::cli {

namespace {

/// The command's words.
struct RunArgs {
  ModelOptions model;
  std::string suite;
  std::optional<std::int64_t> samples;
  std::optional<std::int64_t> limit;
  std::optional<std::int64_t> seed;
  std::string protocol;
  run::SamplingChoice sampling;
  std::string name;
  std::vector<std::string> tags;
  std::string hardware;
  std::optional<double> price_usd_per_gpu_hour;
  std::string sandbox = "bwrap";
  std::string resume;
  bool dummy_weights = false;
  std::optional<std::int64_t> rank, ranks;
  AcrossWords across;
  bool operator==(const RunArgs&) const = default;
};

void add_run_options(CLI::App& app, RunArgs& args) {
  add_model_options(app, args.model);
  add_across_options(app, args.across);
  add_endpoint_options(app, args.model.endpoint);
  add_text(app, "--suite", args.suite, "NAME[,NAME…]",
           "Suites, groups of suites, or folders of your own (\"assay suites\" lists them)");
  add_integer(app, "--samples", args.samples, 1, 1'000'000,
              "Samples per item (default: the protocol's, else the suite's)");
  add_integer(app, "--limit", args.limit, 1, 1'000'000'000, "Only the first N items of each suite (default: all)");
  add_seed_option(app, args.seed);
  add_choice(
      app, "--protocol", args.protocol, run::protocol_names(),
      "Settings under which scores were published: deepseek-r1 is temperature 0.6, top-p 0.95, at most 32768 output "
      "tokens, replies opened with <think>, and 4 to 64 samples by the suite's size (default: the suite's own)");
  const std::string by_default = "the protocol's, else the suite's";
  add_sampling_options(app, args.sampling,
                       {.temperature = by_default, .top_p = by_default, .max_output_tokens = by_default});
  add_label_options(app, {args.name, args.tags, args.hardware});
  add_number(app, "--price-usd-per-gpu-hour", args.price_usd_per_gpu_hour,
             {.least = 0, .most = 1e6, .text = "dollars from 0 to 1000000"},
             "Price of the device in US dollars an hour; the report then shows cost");
  add_sandbox_option(app, args.sandbox);
  add_text(app, "--resume", args.resume, "RUN",
           "Go on with this unfinished run; without --model and --suite its own options are used");
  app.add_flag(
      "--dummy-weights", args.dummy_weights,
      "Random weights for the folder's config.json and tokenizer.json: measures speed without the weights; the "
      "answers mean nothing");
  add_integer(app, "--rank", args.rank, 0, run::kMostRanks - 1,
              "Which of --ranks processes this is, from 0; each asks its share of the samples");
  add_integer(
      app, "--ranks", args.ranks, 1, run::kMostRanks,
      "How many processes make this run, on as many machines as you like; the last to be done merges their parts "
      "into --db (default: what mpirun or a Slurm job array says, else 1)");
  app.footer(
      "The same command given again goes on with its unfinished run; a finished one starts anew.\n"
      "Example: assay run --model reference --suite smoke --name first --db results.db");
}

/// The options that `args` sets, with their values; a flag's is empty.
using SetOptions = std::vector<std::pair<std::string, std::string>>;
SetOptions set_options(const RunArgs& args) {
  SetOptions options;
  const auto add = [&](const char* option, const std::string& value) {
    if (!value.empty()) options.emplace_back(option, value);
  };
  const auto add_count = [&](const char* option, const std::optional<std::int64_t>& value) {
    if (value) add(option, to_text(*value));
  };
  const auto add_real = [&](const char* option, const std::optional<double>& value) {
    if (value) add(option, to_text(*value));
  };
  const RunArgs unset;
  const auto add_unless_default = [&](const char* option, const std::string& value, const std::string& by_default) {
    if (value != by_default) add(option, value);
  };
  add("--model", args.model.model);
  add("--suite", args.suite);
  add_count("--samples", args.samples);
  add_count("--limit", args.limit);
  add_count("--seed", args.seed);
  add("--protocol", args.protocol);
  add_unless_default("--device", args.model.device, unset.model.device);
  add("--cuda-path", args.model.cuda_path);
  add_count("--tensor-parallel", args.model.tensor_parallel);
  add_count("--expert-parallel", args.model.expert_parallel);
  add_real("--link-gb-s", args.model.link_gb_s);
  add("--speculate", args.model.speculate);
  add_unless_default("--fp8", args.model.weights.fp8, unset.model.weights.fp8);
  add_unless_default("--gguf", args.model.weights.gguf, unset.model.weights.gguf);
  add_count("--max-output-tokens", args.sampling.max_output_tokens);
  add_real("--temperature", args.sampling.temperature);
  add_real("--top-p", args.sampling.top_p);
  add_count("--top-k", args.sampling.top_k);
  add_real("--min-p", args.sampling.min_p);
  add("--chat-template", args.model.chat_template);
  add_count("--max-batch", args.model.max_batch);
  add("--kv-memory", args.model.kv_memory);
  add_count("--threads", args.model.threads);
  add("--api-key-env", args.model.endpoint.api_key_env);
  add_real("--reply-timeout", args.model.endpoint.reply_timeout_s);
  add_real("--idle-timeout", args.model.endpoint.idle_timeout_s);
  add_count("--retries", args.model.endpoint.retries);
  add("--hardware", args.hardware);
  add_real("--price-usd-per-gpu-hour", args.price_usd_per_gpu_hour);
  add("--name", args.name);
  for (const std::string& tag : args.tags) add("--tag", tag);
  add_unless_default("--sandbox", args.sandbox, unset.sandbox);
  if (args.dummy_weights) options.emplace_back("--dummy-weights", "");
  return options;
}

/// The words of `args` behind "assay run", quoted for a shell: what is stored, and what --resume alone goes by. Which
/// rank it was is not part of it.
std::string command_line(const RunArgs& args) {
  std::vector<std::string> words = {"run"};
  for (const auto& [option, value] : set_options(args)) {
    words.push_back(option);
    if (!value.empty()) words.push_back(value);
  }
  return shell_text(words);
}

/// What ranks must have in common; how a machine does it is its own.
run::RankTerms rank_terms(const RunArgs& args, const std::vector<suites::Suite>& suites) {
  static const std::set<std::string> own = {"--device",      "--max-batch",     "--kv-memory",    "--threads",
                                            "--api-key-env", "--reply-timeout", "--idle-timeout", "--retries"};
  run::RankTerms terms;
  for (const auto& [option, value] : set_options(args)) {
    if (own.contains(option)) continue;
    std::string& values = terms.options[option];
    values += (values.empty() ? "" : " ") + value;  // --tag may be repeated
  }
  for (const suites::Suite& suite : suites) terms.suites[suite.name] = suite.sha256;
  terms.command_line = command_line(args);
  return terms;
}

Result<RunJob> parse_run(const RunArgs& args) {
  RunJob job;
  ASSAY_ASSIGN(job.runner, parse_model_options(args.model));
  job.runner.canary = true;
  if (args.suite.empty()) return bad_input("--suite is missing; it takes names, groups or folders, such as smoke");
  job.suites = args.suite;
  if (args.dummy_weights) job.runner.load.weights = runners::WeightSource::dummy;
  ASSAY_ASSIGN(job.sandbox, suites::parse_sandbox_mode(args.sandbox));
  run::RunSettings& settings = job.settings;
  settings.plan.samples = args.samples;
  settings.plan.limit = args.limit;
  settings.plan.seed = static_cast<std::uint64_t>(args.seed.value_or(0));
  if (!args.protocol.empty()) {
    ASSAY_ASSIGN(settings.plan.protocol, run::find_protocol(args.protocol));
  }
  settings.plan.sampling = args.sampling;
  settings.chat_template = args.model.chat_template;
  settings.name = args.name;
  ASSAY_ASSIGN(settings.tags, parse_tags(args.tags));
  ASSAY_ASSIGN(settings.hardware_profile, parse_hardware(args.hardware));
  settings.price_usd_per_gpu_hour = args.price_usd_per_gpu_hour;
  settings.command_line = command_line(args);
  if (!args.resume.empty()) settings.resume = args.resume;
  return job;
}

/// `args`, or, where they are --resume alone, those that the run was started with.
Result<RunArgs> with_stored_words(const RunArgs& args, const std::string& db) {
  if (args.resume.empty() || !args.model.model.empty()) return args;
  RunArgs resume_alone;
  resume_alone.resume = args.resume;
  resume_alone.rank = args.rank;  // --ranks 1: not as the task of an array
  resume_alone.ranks = args.ranks;
  resume_alone.across = args.across;
  if (args != resume_alone) {
    return bad_input("--resume: without --model the run's own options are used; leave out all others but --db");
  }
  ASSAY_ASSIGN(const results::Store store, results::Store::open_read_only(db));
  ASSAY_ASSIGN(const RunId run_id, store.find_run(args.resume));
  ASSAY_ASSIGN(const results::RunRecord run, store.read_run(run_id));
  ASSAY_ASSIGN(std::vector<std::string> words, shell_words(run.facts.command_line));
  if (words.empty() || words.front() != "run") {
    return bad_input("--resume ", args.resume, ": the run's own command is not stored; give --model and --suite");
  }
  words.erase(words.begin());
  CLI::App table;
  RunArgs stored;
  add_run_options(table, stored);
  ASSAY_TRY(parse_words(table, std::move(words)));
  stored.resume = run_id.value;
  stored.rank = args.rank;
  stored.ranks = args.ranks;
  stored.across = args.across;
  return stored;
}

/// How the run that stopped goes on: by the same words for each part where it has several.
Error resumable_error(const run::RunOutcome& outcome, const std::string& db, const AcrossWords& across) {
  std::vector<std::string> words = {"run", "--resume", outcome.run_id.value, "--db", db};
  if (!across.where.empty()) words.insert(words.end(), {"--across", across.where});
  Error error = *outcome.stopped_by;
  error.message = (error.kind == ErrorKind::interrupted ? "interrupted" : error.message) + std::string("; ") +
                  to_text(outcome.n_stored) + " of " + to_text(outcome.n_planned) +
                  " samples are stored; resume with: assay " + shell_text(words) +
                  (across.where.empty() ? "" : " (for every part)");
  return error;
}

Result<int> run_command(const RunArgs& given, const CommonOptions& common) {
  ASSAY_ASSIGN(const int part, part_of(given.across, run::process_environment()));
  if (part != 0) {
    return follow_part(given.across, part, {given.model.model, given.model.device, given.model.threads});
  }
  ASSAY_ASSIGN(const RunArgs args, with_stored_words(given, common.db));
  ASSAY_ASSIGN(RunJob job, parse_run(args));
  warn_of_options_without_effect(args.model);
  const run::StopSignals signals;  // before anything starts a thread
  ASSAY_ASSIGN(const std::unique_ptr<runners::PartGroup> parts, lead_parts(args.across, job.runner, signals));
  job.runner.parts = parts.get();
  std::optional<RankGroup> group;  // of engines; what a launcher started with --across is one
  if (parts == nullptr || args.ranks) {
    ASSAY_ASSIGN(group, join_ranks(args.rank, args.ranks));
  }
  if (group && !args.resume.empty()) {
    return bad_input("--resume: ranks go on by the same command; --ranks 1 makes this process one of its own");
  }
  ASSAY_ASSIGN(std::vector<suites::Suite> suites, suites::resolve_suites(job.suites));
  const run::RankTerms terms = rank_terms(args, suites);
  if (group) return run_rank(std::move(*group), job, std::move(suites), terms, signals, common);
  ASSAY_TRY(run::RanksFolder::refuse_unfinished(common.db, terms));

  ASSAY_ASSIGN(results::Store store, results::Store::open_or_create(common.db));
  run::RunOutcome outcome;
  {
    run::ProgressView progress(run::progress_style(common.quiet), "run");
    ASSAY_ASSIGN(outcome, ask(job, std::move(suites), {store, progress, nullptr, signals, common.quiet}));
  }
  if (outcome.stopped_by) return resumable_error(outcome, common.db, args.across);
  ASSAY_TRY(print_run(store, outcome.run_id, common));
  return 0;
}

}  // namespace

Action declare_run(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<RunArgs>();  // shared by the option table, which writes it, and the action
  add_run_options(app, *args);
  return [args, &common] { return run_command(*args, common); };
}

}  // namespace assay::cli
