#include "results/export/sample_columns.h"

#include "results/export/export_parts.h"

namespace assay::results {

namespace {

template <class T>
SampleCell cell_or_none(const std::optional<T>& value) {
  return value ? SampleCell(*value) : SampleCell();
}

/// In the order of sample_columns().
std::vector<SampleCell> sample_cells(const RunRecord& run, const SampleRecord& record, bool is_hidden) {
  const SampleFacts& sample = record.sample;
  const VerdictFacts& verdict = record.verdict;
  const auto unless_hidden = [&](SampleCell cell) { return is_hidden ? SampleCell() : std::move(cell); };
  return {run.run_id.value,
          run.facts.name,
          run.facts.model.name,
          sample.key.suite,
          sample.key.item.value,
          record.item_tag,
          sample.key.sample,
          to_string(verdict.verdict),
          verdict.score,
          unless_hidden(cell_or_none(verdict.answer)),
          unless_hidden(cell_or_none(verdict.expected)),
          verdict.rule,
          cell_or_none(sample.finish_reason),
          cell_or_none(sample.n_prompt_tokens),
          cell_or_none(sample.n_cached_prompt_tokens),
          cell_or_none(sample.n_output_tokens),
          cell_or_none(sample.ttft_ms),
          cell_or_none(sample.e2e_ms),
          cell_or_none(sample.itl_ms_mean),
          cell_or_none(sample.failure),
          run.facts.provenance,
          unless_hidden(sample.prefill + sample.text)};
}

}  // namespace

std::span<const SampleColumn> sample_columns() {
  using enum ColumnType;
  static constexpr SampleColumn kColumns[] = {
      {"run_id", text},
      {"name", text},
      {"model", text},
      {"suite", text},
      {"id", text},
      {"tag", text},
      {"sample", integer},
      {"verdict", text},
      {"score", number},
      {"answer", text},
      {"expected", text},
      {"rule", text},
      {"finish_reason", text},
      {"prompt_tokens", integer},
      {"cached_prompt_tokens", integer},
      {"output_tokens", integer},
      {"ttft_ms", number},
      {"e2e_ms", number},
      {"itl_ms_mean", number},
      {"failure", text},
      {"provenance", text},
      {"output", text},
  };
  return kColumns;
}

Result<> for_each_row(const Store& store, std::span<const RunId> runs, bool include_protected,
                      const std::function<Result<>(std::span<const SampleCell>)>& use) {
  return for_each_exported(store, runs, include_protected,
                           [&](const RunRecord& run, const SampleRecord& record, bool is_hidden) {
                             return use(sample_cells(run, record, is_hidden));
                           });
}

}  // namespace assay::results
