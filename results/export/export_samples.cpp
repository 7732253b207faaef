// A line or a row for each sample.
#include <algorithm>
#include <map>
#include <set>

#include "harness/base/text.h"
#include "results/export/export_parts.h"
#include "results/json_values.h"

namespace assay::results {

namespace {

/// Calls `use` with each sample of the runs, its run, and whether its words stay here.
Result<> for_each_exported(const Store& store, std::span<const RunId> runs, bool include_protected,
                           const std::function<Result<>(const RunRecord&, const SampleRecord&, bool is_hidden)>& use) {
  for (const RunId& run_id : runs) {
    ASSAY_ASSIGN(const RunRecord run, store.read_run(run_id));
    for (const RunSuiteRecord& suite : run.suites) {
      const bool is_hidden = suite.facts.is_protected && !include_protected;
      ASSAY_TRY(store.for_each_sample(run_id, suite.facts.suite, SampleParts::transcripts,
                                      [&](const SampleRecord& record) { return use(run, record, is_hidden); }));
    }
  }
  return {};
}

/// The ids that several suites of a run use: a replay file calls them SUITE/ID.
Result<std::set<std::string>> shared_ids(const Store& store, const RunRecord& run) {
  std::set<std::string> seen;
  std::set<std::string> shared;
  for (const RunSuiteRecord& suite : run.suites) {
    ASSAY_ASSIGN(const auto items, store.read_items(run.run_id, suite.facts.suite));
    for (const ItemFacts& item : items) {
      if (!seen.insert(item.item.value).second) shared.insert(item.item.value);
    }
  }
  return shared;
}

Json line_json(const RunRecord& run, const SampleRecord& record, const std::string& id, bool is_hidden) {
  const SampleFacts& sample = record.sample;
  const VerdictFacts& verdict = record.verdict;
  const auto unless_hidden = [&](Json value) { return is_hidden ? Json(nullptr) : std::move(value); };
  return {{"id", id},
          {"sample", sample.key.sample},
          {"output", unless_hidden(sample.prefill + sample.text)},
          {"finish_reason", value_or_null(sample.finish_reason)},
          {"prompt_tokens", value_or_null(sample.n_prompt_tokens)},
          {"cached_prompt_tokens", value_or_null(sample.n_cached_prompt_tokens)},
          {"output_tokens", value_or_null(sample.n_output_tokens)},
          {"ttft_ms", value_or_null(sample.ttft_ms)},
          {"e2e_ms", value_or_null(sample.e2e_ms)},
          {"itl_ms_mean", value_or_null(sample.itl_ms_mean)},
          {"failure", value_or_null(sample.failure)},
          {"verdict", to_string(verdict.verdict)},
          {"answer", unless_hidden(value_or_null(verdict.answer))},
          {"expected", unless_hidden(value_or_null(verdict.expected))},
          {"score", verdict.score},
          {"rule", verdict.rule},
          {"detail", unless_hidden(verdict.detail)},
          {"suite", sample.key.suite},
          {"tag", record.item_tag},
          {"run_id", run.run_id.value},
          {"model", run.facts.model.name},
          {"provenance", run.facts.provenance}};
}

/// A text as a cell. A spreadsheet computes a cell that begins with one of these, unless an apostrophe stands before
/// it; what is a number is no formula.
std::string text_cell(std::string_view text) {
  constexpr std::string_view kBeginsFormula = "=+-@\t\r";
  std::string value = to_valid_utf8(text);
  if (!value.empty() && kBeginsFormula.find(value[0]) != std::string_view::npos && !parse_number(value)) {
    value.insert(value.begin(), '\'');
  }
  if (value.find_first_of(",\"\r\n") == std::string::npos) return value;
  return "\"" + replace_all(value, "\"", "\"\"") + "\"";
}
std::string cell(const std::optional<std::string>& text) { return text ? text_cell(*text) : ""; }
std::string cell(std::int64_t number) { return to_text(number); }
std::string cell(double number) { return to_text(number); }
std::string cell(const std::optional<std::int64_t>& number) { return number ? to_text(*number) : ""; }
std::string cell(const std::optional<double>& number) { return number ? to_text(*number) : ""; }

constexpr std::string_view kCsvHeading =
    "run_id,name,model,suite,id,tag,sample,verdict,score,answer,expected,rule,finish_reason,prompt_tokens,"
    "cached_prompt_tokens,output_tokens,ttft_ms,e2e_ms,itl_ms_mean,failure,provenance,output\r\n";

std::string csv_row(const RunRecord& run, const SampleRecord& record, bool is_hidden) {
  const SampleFacts& sample = record.sample;
  const VerdictFacts& verdict = record.verdict;
  const auto unless_hidden = [&](std::string value) { return is_hidden ? std::string() : std::move(value); };
  return join({text_cell(run.run_id.value),
               text_cell(run.facts.name),
               text_cell(run.facts.model.name),
               text_cell(sample.key.suite),
               text_cell(sample.key.item.value),
               text_cell(record.item_tag),
               cell(sample.key.sample),
               to_string(verdict.verdict),
               cell(verdict.score),
               unless_hidden(cell(verdict.answer)),
               unless_hidden(cell(verdict.expected)),
               text_cell(verdict.rule),
               cell(sample.finish_reason),
               cell(sample.n_prompt_tokens),
               cell(sample.n_cached_prompt_tokens),
               cell(sample.n_output_tokens),
               cell(sample.ttft_ms),
               cell(sample.e2e_ms),
               cell(sample.itl_ms_mean),
               cell(sample.failure),
               text_cell(run.facts.provenance),
               unless_hidden(text_cell(sample.prefill + sample.text))},
              ",") +
         "\r\n";
}

}  // namespace

Result<> export_jsonl(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink) {
  std::map<RunId, std::set<std::string>> shared;
  for (const RunId& run_id : runs) {
    ASSAY_ASSIGN(const RunRecord run, store.read_run(run_id));
    ASSAY_ASSIGN(shared[run_id], shared_ids(store, run));
  }
  return for_each_exported(
      store, runs, include_protected, [&](const RunRecord& run, const SampleRecord& record, bool is_hidden) {
        const std::string& item = record.sample.key.item.value;
        const std::string id = shared[run.run_id].contains(item) ? record.sample.key.suite + "/" + item : item;
        return sink(to_json_text(line_json(run, record, id, is_hidden)) + "\n");
      });
}

Result<> export_csv(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink) {
  ASSAY_TRY(sink(kCsvHeading));
  return for_each_exported(store, runs, include_protected,
                           [&](const RunRecord& run, const SampleRecord& record, bool is_hidden) {
                             return sink(csv_row(run, record, is_hidden));
                           });
}

}  // namespace assay::results
