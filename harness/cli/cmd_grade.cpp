// assay grade: verdicts for outputs that were made elsewhere.

#include <memory>
#include <unordered_map>

#include "harness/base/file.h"
#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/command.h"
#include "harness/cli/output.h"
#include "harness/cli/output_file.h"
#include "harness/cli/sandbox_option.h"
#include "harness/run/clock.h"
#include "harness/run/grading.h"
#include "harness/run/stop_signals.h"
#include "suites/registry.h"

namespace assay::cli {

namespace {

constexpr std::size_t kLinesAtATime = 256;  // graded before the next are printed

struct GradeArgs {
  std::string suite;
  std::string items;
  std::string profile = "canonical";
  std::string sandbox = "bwrap";
  std::string in;
  std::string out;
};

/// One line of --in, with the item that it answers.
struct OutputToGrade {
  const suites::Suite* suite = nullptr;
  const suites::Item* item = nullptr;
  results::SampleFacts sample;
};

struct ItemPlace {
  const suites::Suite* suite = nullptr;
  const suites::Item* item = nullptr;
  bool is_ambiguous = false;
};
using ItemsById = std::unordered_map<std::string, ItemPlace>;

ItemsById index_items(const std::vector<suites::Suite>& suites) {
  ItemsById by_id;
  for (const suites::Suite& suite : suites) {
    for (const suites::Item& item : suite.items) {
      const auto [place, is_new] = by_id.emplace(item.id.value, ItemPlace{&suite, &item});
      if (!is_new) place->second.is_ambiguous = true;
    }
  }
  return by_id;
}

Result<OutputToGrade> parse_output(std::string_view line, const std::string& where, const ItemsById& items) {
  ASSAY_ASSIGN(const Json document, parse_json(line, where));
  ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(document, where));
  ASSAY_ASSIGN(const std::string id, fields.string("id"));
  const auto place = items.find(id);
  if (place == items.end()) return fields.field_error("id", quoted_excerpt(id) + " is no item of the suite");
  if (place->second.is_ambiguous) {
    return fields.field_error("id", quoted_excerpt(id) + " is an item of two suites; grade each suite by itself");
  }
  OutputToGrade output{.suite = place->second.suite, .item = place->second.item, .sample = {}};
  ASSAY_ASSIGN(const std::int64_t sample, fields.integer_or("sample", 0));
  if (sample < 0) return fields.field_error("sample", "must not be negative");
  output.sample.key = {output.suite->name, output.item->id, sample};
  ASSAY_ASSIGN(output.sample.text, fields.string("output"));
  if (fields.has("finish_reason")) {
    ASSAY_ASSIGN(const std::string reason, fields.string("finish_reason"));
    if (!runners::parse_finish_reason(reason)) {
      return fields.field_error(
          "finish_reason", "must be eos, stop, length, context, timeout or cancelled, is " + quoted_excerpt(reason));
    }
    output.sample.finish_reason = reason;
  }
  return output;
}

Result<std::vector<OutputToGrade>> read_outputs(const std::string& path, const std::vector<suites::Suite>& suites) {
  ASSAY_ASSIGN(const std::string text, read_file(path));
  const ItemsById items = index_items(suites);
  std::vector<OutputToGrade> outputs;
  ASSAY_TRY(for_each_line(text, [&](std::string_view line, int number) -> Result<> {
    ASSAY_ASSIGN(OutputToGrade output, parse_output(line, path + ":" + std::to_string(number), items));
    outputs.push_back(std::move(output));
    return {};
  }));
  return outputs;
}

Json to_json(const OutputToGrade& output, const results::VerdictFacts& verdict) {
  const auto text_or_null = [](const std::optional<std::string>& text) { return text ? Json(*text) : Json(); };
  Json detail = verdict.detail;
  if (!verdict.sandboxed) detail["sandboxed"] = false;
  return {{"id", output.item->id.value},
          {"sample", output.sample.key.sample},
          {"verdict", results::to_string(verdict.verdict)},
          {"answer", text_or_null(verdict.answer)},
          {"expected", text_or_null(verdict.expected)},
          {"score", verdict.score},
          {"rule", verdict.rule},
          {"detail", detail}};
}

Result<std::vector<suites::Suite>> load_suites(const GradeArgs& args) {
  if (args.items.empty()) return suites::resolve_suites(args.suite);
  ASSAY_ASSIGN(suites::Suite suite, suites::resolve_suite_for_items(args.suite, args.items));
  return std::vector<suites::Suite>{std::move(suite)};
}

Result<> check_words(const GradeArgs& args) {
  if (args.suite.empty()) return bad_input("--suite is missing; it takes the name of the suite that was answered");
  if (args.in.empty()) return bad_input("--in is missing; it takes a file of {\"id\",\"output\"} lines");
  return check_output_file("--out", args.out, {args.in, args.items});
}

/// Grades the outputs in batches and hands each batch's lines to `write`, in input order.
Result<> grade_outputs(const std::vector<OutputToGrade>& outputs, const run::GradingTools& tools, std::size_t n_threads,
                       std::stop_token stop, const std::function<Result<>(std::string_view)>& write) {
  const run::Clock clock = run::machine_clock();
  std::int64_t n_correct = 0;
  for (std::size_t begin = 0; begin < outputs.size(); begin += kLinesAtATime) {
    if (stop.stop_requested())
      return interrupted("interrupted; ", begin, " of ", outputs.size(), " outputs are graded");
    std::vector<results::VerdictFacts> verdicts(std::min(kLinesAtATime, outputs.size() - begin));
    run::grade_in_parallel(verdicts.size(), n_threads, [&](std::size_t i) {
      const OutputToGrade& output = outputs[begin + i];
      verdicts[i] = run::grade_sample(*output.suite, *output.item, output.sample, tools, clock.unix_ms());
    });
    std::string lines;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      lines += to_json_text(to_json(outputs[begin + i], verdicts[i])) + "\n";
      n_correct += verdicts[i].verdict == results::Verdict::correct;
    }
    ASSAY_TRY(write(lines));
  }
  log_note(n_correct, " of ", outputs.size(), " outputs are correct");
  return {};
}

Result<> grade_command(const GradeArgs& args, const CommonOptions&) {
  ASSAY_TRY(check_words(args));
  ASSAY_ASSIGN(const suites::SandboxMode mode, suites::parse_sandbox_mode(args.sandbox));
  const run::StopSignals signals;
  ASSAY_ASSIGN(const std::vector<suites::Suite> suites, load_suites(args));
  for (const suites::Suite& suite : suites) ASSAY_TRY(suites::check_profile(suite, args.profile));
  ASSAY_ASSIGN(const std::vector<OutputToGrade> outputs, read_outputs(args.in, suites));
  ASSAY_ASSIGN(std::optional<suites::Sandbox> sandbox, open_sandbox_for(suites, mode));
  const run::GradingTools tools = grading_tools(sandbox, args.profile);
  const std::size_t n_threads = run::grading_threads(sandbox.has_value());
  if (args.out.empty()) return grade_outputs(outputs, tools, n_threads, signals.token(), print);
  std::string all_lines;
  ASSAY_TRY(grade_outputs(outputs, tools, n_threads, signals.token(), [&](std::string_view lines) -> Result<> {
    all_lines += lines;
    return {};
  }));
  return write_file(args.out, all_lines);
}

}  // namespace

Action declare_grade(CLI::App& app, const CommonOptions& common) {
  const auto args = std::make_shared<GradeArgs>();  // shared by the option table, which writes it, and the action
  add_text(app, "--suite", args->suite, "NAME", "The suite that was answered: a name, a group or a folder");
  add_text(app, "--items", args->items, "FILE.jsonl",
           "Items to grade against, in place of the suite's own (for gpqa also its .zip)");
  add_text(app, "--profile", args->profile, "NAME",
           "The grader: canonical, or a compatibility grader that the suite has (default: canonical)");
  add_sandbox_option(app, args->sandbox);
  add_text(app, "--in", args->in, "FILE.jsonl", "Outputs: {\"id\",\"output\"[,\"sample\",\"finish_reason\"]} a line");
  add_text(app, "--out", args->out, "FILE.jsonl", "Where the verdicts go (default: standard output)");
  app.footer(
      "Writes a line of JSON per output, in the order of the input: id, sample, verdict, answer, expected, score, "
      "rule,\n"
      "detail.\n"
      "Example: assay grade --suite zebra-smoke --in outputs.jsonl --out verdicts.jsonl");
  return [args, &common] { return grade_command(*args, common); };
}

}  // namespace assay::cli
