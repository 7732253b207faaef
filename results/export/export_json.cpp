// The record of a run with everything that belongs to it.
#include "results/export/export_parts.h"
#include "results/summary.h"

namespace assay::results {

namespace {

template <class T>
Json known_or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json item_json(const RunSuiteRecord& suite, const ItemFacts& item, bool is_hidden) {
  return {{"suite", suite.facts.suite},
          {"id", item.item.value},
          {"tag", item.tag},
          {"prompt_sha256", item.prompt_sha256},
          {"prompt", is_hidden ? Json(nullptr) : known_or_null(item.prompt)},
          {"expected", is_hidden ? Json(nullptr) : known_or_null(item.expected)}};
}

Json sample_json(const SampleRecord& record, bool is_hidden) {
  const SampleFacts& sample = record.sample;
  const VerdictFacts& verdict = record.verdict;
  const auto shown_or_null = [&](Json value) { return is_hidden ? Json(nullptr) : std::move(value); };
  return {{"suite", sample.key.suite},
          {"id", sample.key.item.value},
          {"sample", sample.key.sample},
          {"prefill", shown_or_null(sample.prefill)},
          {"text", shown_or_null(sample.text)},
          {"tokens", shown_or_null(sample.tokens)},
          {"rendered_prompt_sha256", sample.rendered_prompt_sha256},
          {"prompt_tokens", known_or_null(sample.n_prompt_tokens)},
          {"cached_prompt_tokens", known_or_null(sample.n_cached_prompt_tokens)},
          {"output_tokens", known_or_null(sample.n_output_tokens)},
          {"finish_reason", known_or_null(sample.finish_reason)},
          {"drafted_tokens", sample.n_drafted_tokens},
          {"accepted_tokens", sample.n_accepted_tokens},
          {"queued_ms", known_or_null(sample.queued_ms)},
          {"started_ms", known_or_null(sample.started_ms)},
          {"first_token_ms", known_or_null(sample.first_token_ms)},
          {"finished_ms", known_or_null(sample.finished_ms)},
          {"ttft_ms", known_or_null(sample.ttft_ms)},
          {"e2e_ms", known_or_null(sample.e2e_ms)},
          {"itl_ms_mean", known_or_null(sample.itl_ms_mean)},
          {"prefill_device_ms", known_or_null(sample.prefill_device_ms)},
          {"decode_device_ms", known_or_null(sample.decode_device_ms)},
          {"failure", known_or_null(sample.failure)},
          {"verdict", to_string(verdict.verdict)},
          {"answer", shown_or_null(known_or_null(verdict.answer))},
          {"expected", shown_or_null(known_or_null(verdict.expected))},
          {"score", verdict.score},
          {"rule", verdict.rule},
          {"detail", shown_or_null(verdict.detail)},
          {"sandboxed", verdict.sandboxed},
          {"graded_at_ms", verdict.graded_at_ms},
          {"segment", record.segment}};
}

Json segment_json(const SegmentRecord& segment) {
  const auto& time = segment.device_time;
  return {{"started_at_ms", segment.started_at_ms},
          {"ended_at_ms", known_or_null(segment.ended_at_ms)},
          {"wall_ms", segment.wall_ms},
          {"device_time",
           time ? Json{{"prefill_ms", time->prefill_ms}, {"decode_ms", time->decode_ms}, {"idle_ms", time->idle_ms}}
                : Json(nullptr)},
          {"environment", environment_json(segment.environment)}};
}

Json gpu_sample_json(std::size_t segment, const GpuSample& sample) {
  return {{"segment", segment},
          {"gpu", sample.gpu},
          {"at_ms", sample.at_ms},
          {"sm_clock_mhz", known_or_null(sample.sm_clock_mhz)},
          {"memory_clock_mhz", known_or_null(sample.memory_clock_mhz)},
          {"power_watts", known_or_null(sample.power_watts)},
          {"temperature_c", known_or_null(sample.temperature_c)},
          {"throttle_reasons", known_or_null(sample.throttle_reasons)},
          {"total_energy_joules", known_or_null(sample.total_energy_joules)}};
}

/// Writes the elements of one array, a line each.
class ArrayWriter {
 public:
  explicit ArrayWriter(const TextSink& sink) : sink_(sink) {}
  Result<> begin(std::string_view key) {
    is_first_ = true;
    return sink_(",\n\"" + std::string(key) + "\":[");
  }
  Result<> add(const Json& element) {
    ASSAY_TRY(sink_(is_first_ ? "\n" : ",\n"));
    is_first_ = false;
    return sink_(to_json_text(element));
  }
  Result<> end() { return sink_("]"); }

 private:
  const TextSink& sink_;
  bool is_first_ = true;
};

Result<> export_run(const Store& store, const RunId& run_id, bool include_protected, const TextSink& sink) {
  ASSAY_ASSIGN(const RunSummary summary, summarise(store, run_id));
  std::string record = to_json_text(to_json(summary));
  record.pop_back();  // goes on with the arrays
  ASSAY_TRY(sink(record));
  ArrayWriter array(sink);
  ASSAY_TRY(array.begin("segments"));
  for (const SegmentRecord& segment : summary.run.segments) ASSAY_TRY(array.add(segment_json(segment)));
  ASSAY_TRY(array.end());
  ASSAY_TRY(array.begin("items"));
  for (const RunSuiteRecord& suite : summary.run.suites) {
    const bool is_hidden = suite.facts.is_protected && !include_protected;
    ASSAY_ASSIGN(const auto items, store.read_items(run_id, suite.facts.suite));
    for (const ItemFacts& item : items) ASSAY_TRY(array.add(item_json(suite, item, is_hidden)));
  }
  ASSAY_TRY(array.end());
  ASSAY_TRY(array.begin("samples"));
  for (const RunSuiteRecord& suite : summary.run.suites) {
    const bool is_hidden = suite.facts.is_protected && !include_protected;
    ASSAY_TRY(
        store.for_each_sample(run_id, suite.facts.suite, SampleParts::transcripts,
                              [&](const SampleRecord& sample) { return array.add(sample_json(sample, is_hidden)); }));
  }
  ASSAY_TRY(array.end());
  ASSAY_TRY(array.begin("gpu_samples"));
  ASSAY_TRY(store.for_each_gpu_sample(run_id, [&](std::size_t segment, const GpuSample& sample) {
    return array.add(gpu_sample_json(segment, sample));
  }));
  ASSAY_TRY(array.end());
  return sink("}");
}

}  // namespace

Result<> export_json(const Store& store, std::span<const RunId> runs, bool include_protected, const TextSink& sink) {
  const bool is_array = runs.size() != 1;
  if (is_array) ASSAY_TRY(sink("["));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (i > 0) ASSAY_TRY(sink(",\n"));
    ASSAY_TRY(export_run(store, runs[i], include_protected, sink));
  }
  return sink(is_array ? "]\n" : "\n");
}

}  // namespace assay::results
