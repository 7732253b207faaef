// A line for each sample.
#include <map>
#include <set>

#include "results/export/export_parts.h"
#include "results/json_values.h"

namespace assay::results {

namespace {

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

}  // namespace assay::results
