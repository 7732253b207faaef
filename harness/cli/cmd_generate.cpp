// assay generate: a model's replies to prompts.

#include <map>
#include <memory>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "harness/cli/across.h"
#include "harness/cli/command.h"
#include "harness/cli/model_options.h"
#include "harness/cli/output.h"
#include "harness/run/plan.h"
#include "harness/run/progress.h"
#include "harness/run/stop_signals.h"

namespace assay::cli {

namespace {

struct GenerateArgs {
  ModelOptions model;
  AcrossWords across;
  std::optional<std::string> prompt;
  std::string prompts;
  bool raw = false;
  std::optional<std::int64_t> seed;
  std::optional<std::int64_t> logprobs;
  run::SamplingChoice sampling;
};

struct GenerateJob {
  run::RunnerOptions runner;
  std::vector<runners::Request> requests;  ///< in the order in which their replies are printed
};

runners::Request make_request(const GenerateArgs& args, const std::string& id, const std::string& prompt) {
  runners::Request request;
  request.id = id;
  if (args.raw) {
    request.raw_prompt = prompt;
  } else {
    request.messages = {{runners::Role::user, prompt}};
  }
  request.sampling = run::resolve_sampling({}, {}, args.sampling);
  request.key = {static_cast<std::uint64_t>(args.seed.value_or(0)), run::sample_word("", id, 0)};
  request.n_logprobs = static_cast<int>(args.logprobs.value_or(0));
  return request;
}

/// One request per line of a file of {"id","prompt"}; every id stands once.
Result<std::vector<runners::Request>> read_prompts(const GenerateArgs& args) {
  ASSAY_ASSIGN(const std::string text, read_file(args.prompts));
  std::vector<runners::Request> requests;
  std::map<std::string, int> first_lines;
  ASSAY_TRY(for_each_line(text, [&](std::string_view line, int number) -> Result<> {
    const std::string where = args.prompts + ":" + std::to_string(number);
    ASSAY_ASSIGN(const Json document, parse_json(line, where));
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, where));
    ASSAY_ASSIGN(const std::string id, fields.string("id"));
    ASSAY_ASSIGN(const std::string prompt, fields.string("prompt"));
    const auto [first, is_new] = first_lines.emplace(id, number);
    if (!is_new) return fields.field_error("id", "stands on line " + std::to_string(first->second) + " already");
    requests.push_back(make_request(args, id, prompt));
    return {};
  }));
  if (requests.empty()) return bad_input(args.prompts, ": holds no prompt; it takes {\"id\",\"prompt\"} a line");
  return requests;
}

Result<GenerateJob> parse_generate(const GenerateArgs& args) {
  GenerateJob job;
  ASSAY_ASSIGN(job.runner, parse_model_options(args.model));
  if (args.prompt.has_value() == !args.prompts.empty())
    return bad_input("give either --prompt TEXT or --prompts FILE.jsonl");
  if (args.prompt) {
    job.requests = {make_request(args, "prompt", *args.prompt)};
    return job;
  }
  ASSAY_ASSIGN(job.requests, read_prompts(args));
  return job;
}

Json to_json(const runners::Timings& timings) {
  const auto known = [](const std::optional<double>& ms) { return ms ? Json(*ms) : Json(); };
  return {{"queued_ms", known(timings.queued_ms)},
          {"started_ms", known(timings.started_ms)},
          {"first_token_ms", known(timings.first_token_ms)},
          {"finished_ms", known(timings.finished_ms)},
          {"ttft_ms", known(timings.ttft_ms)},
          {"e2e_ms", known(timings.e2e_ms)},
          {"itl_ms_mean", known(timings.itl_ms_mean)},
          {"prefill_device_ms", known(timings.prefill_device_ms)},
          {"decode_device_ms", known(timings.decode_device_ms)}};
}

Json to_json(const runners::TokenLogprobs& token) {
  Json top = Json::array();
  for (const auto& [id, logprob] : token.top) top.push_back({{"token", id}, {"logprob", logprob}});
  return {{"logprob", token.logprob}, {"top", top}};
}

Json to_json(const runners::Completion& completion) {
  const bool failed = !completion.failure.empty();
  Json record = {{"id", completion.id},
                 {"prompt_tokens", completion.prompt_tokens},
                 {"tokens", completion.tokens},
                 {"text", completion.text},
                 {"finish_reason", failed ? Json() : Json(runners::to_string(completion.finish_reason))},
                 {"timings", to_json(completion.timings)}};
  if (!completion.logprobs.empty()) {
    record["logprobs"] = Json::array();
    for (const runners::TokenLogprobs& token : completion.logprobs) record["logprobs"].push_back(to_json(token));
  }
  if (failed) record["failure"] = completion.failure;
  return record;
}

/// Prints completions in the order of their requests, whatever the order in which they finish.
class OrderedPrinter {
 public:
  OrderedPrinter(const std::vector<runners::Request>& requests, bool json) : requests_(requests), json_(json) {}

  Result<> add(runners::Completion completion) {
    if (!completion.failure.empty()) {
      ++n_failed_;
      if (first_failure_.empty()) first_failure_ = completion.id + ": " + completion.failure;
    }
    waiting_.emplace(completion.id, std::move(completion));
    while (n_printed_ < requests_.size()) {
      const auto next = waiting_.find(requests_[n_printed_].id);
      if (next == waiting_.end()) break;
      ASSAY_TRY(json_ ? print_json_line(to_json(next->second)) : print_text(next->second));
      waiting_.erase(next);
      ++n_printed_;
    }
    return {};
  }

  std::size_t n_printed() const { return n_printed_; }
  Result<> outcome() const {
    if (n_failed_ == 0) return {};
    return environment_error(n_failed_, " of ", requests_.size(), " prompts failed; the first: ", first_failure_);
  }

 private:
  Result<> print_text(const runners::Completion& completion) const {
    if (!completion.failure.empty()) return {};  // told at the end
    const std::string heading = requests_.size() > 1 ? "# " + completion.id + "\n" : "";
    return print(heading + completion.text + "\n");
  }

  const std::vector<runners::Request>& requests_;
  const bool json_;
  std::map<std::string, runners::Completion> waiting_;  ///< finished before an earlier prompt
  std::size_t n_printed_ = 0;
  std::size_t n_failed_ = 0;
  std::string first_failure_;
};

Result<> generate(const GenerateArgs& args, const CommonOptions& common) {
  ASSAY_ASSIGN(GenerateJob job, parse_generate(args));
  warn_of_options_without_effect(args.model);
  const run::StopSignals signals;  // before anything starts a thread
  ASSAY_ASSIGN(const std::unique_ptr<runners::PartGroup> parts, lead_parts(args.across, job.runner, signals));
  job.runner.parts = parts.get();
  ASSAY_ASSIGN(const std::unique_ptr<runners::Runner> runner,
               run::open_runner(job.runner, run::progress_style(common.quiet)));
  ASSAY_TRY(runner->check(job.requests));

  OrderedPrinter printer(job.requests, common.json);
  run::ProgressView progress(run::progress_style(common.quiet || job.requests.size() == 1), "generate");
  progress.start(static_cast<std::int64_t>(job.requests.size()), 0);
  const Result<> ran = runner->run(
      job.requests, [&](runners::Completion completion) { return printer.add(std::move(completion)); },
      [&](const runners::Progress& state) {
        progress.set_done(state.n_finished);
        progress.set_output_tokens(state.n_output_tokens);
      },
      signals.token());
  if (!ran && ran.error().kind == ErrorKind::interrupted) {
    return interrupted("interrupted; ", printer.n_printed(), " of ", job.requests.size(), " replies are printed");
  }
  ASSAY_TRY(ran);
  return printer.outcome();
}

Result<int> generate_command(const GenerateArgs& args, const CommonOptions& common) {
  ASSAY_ASSIGN(const int part, part_of(args.across, run::process_environment()));
  if (part != 0) return follow_part(args.across, part, {args.model.model, args.model.device, args.model.threads});
  ASSAY_TRY(generate(args, common));
  return 0;
}

}  // namespace

Action declare_generate(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<GenerateArgs>();  // shared by the option table, which writes it, and the action
  add_model_options(app, args->model);
  add_across_options(app, args->across);
  add_endpoint_options(app, args->model.endpoint);
  app.add_option_function<std::string>(
         "--prompt", [args](const std::string& text) { args->prompt = text; }, "The user message")
      ->type_name("TEXT");
  add_text(app, "--prompts", args->prompts, "FILE.jsonl", "Many prompts: {\"id\",\"prompt\"} a line");
  app.add_flag("--raw", args->raw, "Take each prompt as the whole text to complete, without the chat template");
  add_seed_option(app, args->seed);
  add_integer(app, "--logprobs", args->logprobs, 0, 1000,
              "With --json: log-probabilities of each token and of the N likeliest (default: none)");
  add_sampling_options(app, args->sampling,
                       {.temperature = "0", .top_p = "1", .max_output_tokens = "what is left of the context"});
  app.footer(
      "--json prints a line per prompt, in the order of the input: id, prompt_tokens, tokens, text, finish_reason,\n"
      "timings (milliseconds).\n"
      "Example: assay generate --model reference --prompt 'What is 2 + 2?' --temperature 0");
  return [args, &common] { return generate_command(*args, common); };
}

}  // namespace assay::cli
