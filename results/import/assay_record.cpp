// Our own export (`assay export --format json`): the records of whole runs, under their own ids.
#include "harness/base/text.h"
#include "results/import/import_parts.h"

namespace assay::results {

namespace {

/// A field that may be absent or null, read into `target`.
template <class T>
Result<> read_optional(const JsonObject& object, std::string_view key, std::optional<T>& target) {
  if (!object.has(key)) return {};
  if constexpr (std::is_same_v<T, std::string>) {
    ASSAY_ASSIGN(target, object.string(key));
  } else if constexpr (std::is_same_v<T, double>) {
    ASSAY_ASSIGN(target, object.number(key));
  } else {
    ASSAY_ASSIGN(target, object.integer(key));
  }
  return {};
}

Json details_of(const JsonObject& object, std::string_view key) {
  const Json* details = object.find(key);
  return details == nullptr ? Json::object() : *details;
}

/// Calls `use` with each object of a list.
Result<> for_each_object(const JsonObject& record, std::string_view key,
                         const std::function<Result<>(const JsonObject&)>& use) {
  const Json* list = record.find(key);
  if (list == nullptr || !list->is_array()) return record.field_error(key, "must be a list");
  for (std::size_t i = 0; i < list->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject element,
                 JsonObject::of((*list)[i], record.where() + ": " + std::string(key) + "[" + std::to_string(i) + "]"));
    ASSAY_TRY(use(element));
  }
  return {};
}

Result<ModelFacts> read_model(const JsonObject& record) {
  ModelFacts model;
  ASSAY_ASSIGN(const JsonObject fields, record.object("model"));
  ASSAY_ASSIGN(model.name, fields.string("name"));
  ASSAY_ASSIGN(model.reference, fields.string("reference"));
  ASSAY_ASSIGN(model.weights_sha256, fields.string_or("weights_sha256", ""));
  ASSAY_ASSIGN(model.tokenizer_sha256, fields.string_or("tokenizer_sha256", ""));
  model.details = details_of(fields, "details");
  return model;
}

Result<> read_environment(const JsonObject& fields, EnvironmentFacts& environment) {
  ASSAY_ASSIGN(environment.device_kind, fields.string("device_kind"));
  for (const auto& [key, target] :
       {std::pair("device_name", &environment.device_name), std::pair("cpu_model", &environment.cpu_model),
        std::pair("os", &environment.os), std::pair("kernel", &environment.kernel),
        std::pair("build_version", &environment.build_version),
        std::pair("build_git_commit", &environment.build_git_commit), std::pair("compiler", &environment.compiler),
        std::pair("compiler_flags", &environment.compiler_flags)}) {
    ASSAY_ASSIGN(*target, fields.string_or(key, ""));
  }
  ASSAY_TRY(read_optional(fields, "hostname", environment.hostname));
  ASSAY_TRY(read_optional(fields, "n_cores", environment.n_cores));
  ASSAY_TRY(read_optional(fields, "memory_bytes", environment.memory_bytes));
  ASSAY_TRY(read_optional(fields, "gpu_name", environment.gpu_name));
  ASSAY_TRY(read_optional(fields, "n_gpus", environment.n_gpus));
  ASSAY_TRY(read_optional(fields, "gpu_driver", environment.gpu_driver));
  ASSAY_TRY(read_optional(fields, "cuda_version", environment.cuda_version));
  ASSAY_TRY(read_optional(fields, "gpu_clock_mhz", environment.gpu_clock_mhz));
  ASSAY_TRY(read_optional(fields, "gpu_power_limit_watts", environment.gpu_power_limit_watts));
  environment.details = details_of(fields, "details");
  return {};
}

Result<std::optional<DeviceTime>> read_device_time(const JsonObject& fields) {
  if (!fields.has("device_time")) return std::optional<DeviceTime>();
  ASSAY_ASSIGN(const JsonObject time, fields.object("device_time"));
  DeviceTime device;
  ASSAY_ASSIGN(device.prefill_ms, time.number("prefill_ms"));
  ASSAY_ASSIGN(device.decode_ms, time.number("decode_ms"));
  ASSAY_ASSIGN(device.idle_ms, time.number("idle_ms"));
  return std::optional(device);
}

/// The processes that worked on the run. Exports that don't tell them apart have the first one's machine, and sums.
Result<> read_segments(const JsonObject& record, ImportedRun& run) {
  constexpr double kMsPerSecond = 1000;
  if (!record.has("segments")) {
    ImportedSegment& segment = run.segments.front();
    ASSAY_ASSIGN(segment.started_at_ms, record.integer("started_at_ms"));
    segment.ended_at_ms = run.finished_at_ms.value_or(segment.started_at_ms);
    ASSAY_ASSIGN(const double wall_s, record.number("wall_s"));
    segment.wall_ms = wall_s * kMsPerSecond;
    ASSAY_ASSIGN(const JsonObject throughput, record.object("throughput"));
    ASSAY_ASSIGN(segment.device_time, read_device_time(throughput));
    ASSAY_ASSIGN(const JsonObject hardware, record.object("hardware"));
    return read_environment(hardware, segment.environment);
  }
  run.segments.clear();
  ASSAY_TRY(for_each_object(record, "segments", [&](const JsonObject& fields) -> Result<> {
    ImportedSegment& segment = run.segments.emplace_back();
    ASSAY_ASSIGN(segment.started_at_ms, fields.integer("started_at_ms"));
    if (const auto read = read_optional(fields, "ended_at_ms", segment.ended_at_ms); !read) return read.error();
    ASSAY_ASSIGN(segment.wall_ms, fields.number("wall_ms"));
    ASSAY_ASSIGN(segment.device_time, read_device_time(fields));
    ASSAY_ASSIGN(const JsonObject environment, fields.object("environment"));
    return read_environment(environment, segment.environment);
  }));
  return run.segments.empty() ? Result<>(record.field_error("segments", "must not be empty")) : Result<>();
}

/// The place of the segment that a sample names.
Result<std::size_t> segment_of(const JsonObject& fields, const ImportedRun& run) {
  ASSAY_ASSIGN(const std::int64_t segment, fields.integer_or("segment", 0));
  if (segment < 0 || segment >= static_cast<std::int64_t>(run.segments.size())) {
    return fields.field_error("segment", "names none of the record's segments");
  }
  return static_cast<std::size_t>(segment);
}

/// What is paid for.
Result<> read_price(const JsonObject& record, RunFacts& facts) {
  ASSAY_ASSIGN(const JsonObject fields, record.object("hardware"));
  ASSAY_TRY(read_optional(fields, "profile", facts.hardware_profile));
  ASSAY_TRY(read_optional(fields, "price_usd_per_gpu_hour", facts.price_usd_per_gpu_hour));
  ASSAY_ASSIGN(facts.n_priced_devices, fields.integer_or("n_priced_devices", 1));
  return {};
}

Result<> read_suites_of(const JsonObject& record, RunFacts& facts) {
  ASSAY_TRY(for_each_object(record, "suites", [&](const JsonObject& fields) -> Result<> {
    RunSuiteFacts suite;
    ASSAY_ASSIGN(suite.suite, fields.string("suite"));
    ASSAY_ASSIGN(suite.version, fields.string_or("version", ""));
    ASSAY_ASSIGN(suite.kind, fields.string("kind"));
    ASSAY_ASSIGN(suite.sha256, fields.string_or("sha256", ""));
    ASSAY_ASSIGN(suite.samples, fields.integer("samples"));
    ASSAY_ASSIGN(suite.grader_profile, fields.string("grader_profile"));
    ASSAY_ASSIGN(suite.grader_version, fields.string_or("grader_version", ""));
    ASSAY_ASSIGN(suite.is_protected, fields.boolean_or("protected", false));
    suite.sampling = details_of(fields, "sampling");
    facts.suites.push_back(std::move(suite));
    return {};
  }));
  return for_each_object(record, "items", [&](const JsonObject& fields) -> Result<> {
    ASSAY_ASSIGN(const std::string name, fields.string("suite"));
    ItemFacts item;
    ASSAY_ASSIGN(const std::string id, fields.string("id"));
    item.item = ItemId(id);
    ASSAY_ASSIGN(item.tag, fields.string_or("tag", ""));
    ASSAY_ASSIGN(item.prompt_sha256, fields.string_or("prompt_sha256", ""));
    if (const auto read = read_optional(fields, "prompt", item.prompt); !read) return read.error();
    if (const auto read = read_optional(fields, "expected", item.expected); !read) return read.error();
    for (RunSuiteFacts& suite : facts.suites) {
      if (suite.suite != name) continue;
      suite.items.push_back(std::move(item));
      return {};
    }
    return fields.field_error("suite", "names no suite of the run");
  });
}

Result<std::vector<std::int32_t>> read_tokens(const JsonObject& fields) {
  std::vector<std::int32_t> tokens;
  const Json* list = fields.find("tokens");
  if (list == nullptr) return tokens;
  if (!list->is_array()) return fields.field_error("tokens", "must be a list of integers");
  for (const Json& token : *list) {
    if (!token.is_number_integer() || token.get<std::int64_t>() != token.get<std::int32_t>()) {
      return fields.field_error("tokens", "must be a list of 32-bit integers");
    }
    tokens.push_back(token.get<std::int32_t>());
  }
  return tokens;
}

Result<GradedSample> read_graded(const JsonObject& fields) {
  GradedSample graded;
  SampleFacts& sample = graded.sample;
  ASSAY_ASSIGN(sample.key.suite, fields.string("suite"));
  ASSAY_ASSIGN(const std::string id, fields.string("id"));
  sample.key.item = ItemId(id);
  ASSAY_ASSIGN(sample.key.sample, fields.integer("sample"));
  ASSAY_ASSIGN(sample.prefill, fields.string_or("prefill", ""));
  ASSAY_ASSIGN(sample.text, fields.string_or("text", ""));
  ASSAY_ASSIGN(sample.tokens, read_tokens(fields));
  ASSAY_ASSIGN(sample.rendered_prompt_sha256, fields.string_or("rendered_prompt_sha256", ""));
  ASSAY_ASSIGN(sample.n_drafted_tokens, fields.integer_or("drafted_tokens", 0));
  ASSAY_ASSIGN(sample.n_accepted_tokens, fields.integer_or("accepted_tokens", 0));
  for (const auto& [key, target] : {std::pair("prompt_tokens", &sample.n_prompt_tokens),
                                    std::pair("cached_prompt_tokens", &sample.n_cached_prompt_tokens),
                                    std::pair("output_tokens", &sample.n_output_tokens)}) {
    ASSAY_TRY(read_optional(fields, key, *target));
  }
  for (const auto& [key, target] :
       {std::pair("queued_ms", &sample.queued_ms), std::pair("started_ms", &sample.started_ms),
        std::pair("first_token_ms", &sample.first_token_ms), std::pair("finished_ms", &sample.finished_ms),
        std::pair("ttft_ms", &sample.ttft_ms), std::pair("e2e_ms", &sample.e2e_ms),
        std::pair("itl_ms_mean", &sample.itl_ms_mean), std::pair("prefill_device_ms", &sample.prefill_device_ms),
        std::pair("decode_device_ms", &sample.decode_device_ms)}) {
    ASSAY_TRY(read_optional(fields, key, *target));
  }
  ASSAY_TRY(read_optional(fields, "finish_reason", sample.finish_reason));
  ASSAY_TRY(read_optional(fields, "failure", sample.failure));
  VerdictFacts& verdict = graded.verdict;
  ASSAY_ASSIGN(const std::string word, fields.string("verdict"));
  const auto parsed = parse_verdict(word);
  if (!parsed) return fields.field_error("verdict", parsed.error().message);
  verdict.verdict = *parsed;
  ASSAY_TRY(read_optional(fields, "answer", verdict.answer));
  ASSAY_TRY(read_optional(fields, "expected", verdict.expected));
  ASSAY_ASSIGN(verdict.score, fields.number("score"));
  ASSAY_ASSIGN(verdict.rule, fields.string_or("rule", ""));
  ASSAY_ASSIGN(verdict.sandboxed, fields.boolean_or("sandboxed", true));
  ASSAY_ASSIGN(verdict.graded_at_ms, fields.integer_or("graded_at_ms", 0));
  verdict.detail = details_of(fields, "detail");
  return graded;
}

Result<GpuSample> read_gpu_sample(const JsonObject& fields) {
  GpuSample sample;
  ASSAY_ASSIGN(sample.gpu, fields.integer("gpu"));
  ASSAY_ASSIGN(sample.at_ms, fields.number("at_ms"));
  ASSAY_TRY(read_optional(fields, "sm_clock_mhz", sample.sm_clock_mhz));
  ASSAY_TRY(read_optional(fields, "memory_clock_mhz", sample.memory_clock_mhz));
  ASSAY_TRY(read_optional(fields, "power_watts", sample.power_watts));
  ASSAY_TRY(read_optional(fields, "temperature_c", sample.temperature_c));
  ASSAY_TRY(read_optional(fields, "throttle_reasons", sample.throttle_reasons));
  ASSAY_TRY(read_optional(fields, "total_energy_joules", sample.total_energy_joules));
  return sample;
}

Result<> read_measurements_of(const JsonObject& record, RunFacts& facts) {
  if (!record.has("measurements")) return {};
  return for_each_object(record, "measurements", [&](const JsonObject& fields) -> Result<> {
    Measurement figure;
    ASSAY_ASSIGN(figure.name, fields.string("name"));
    ASSAY_ASSIGN(figure.metric, fields.string("metric"));
    ASSAY_ASSIGN(figure.value, fields.number("value"));
    if (const auto read = read_optional(fields, "stddev", figure.stddev); !read) return read.error();
    if (const auto read = read_optional(fields, "n", figure.n); !read) return read.error();
    figure.details = details_of(fields, "details");
    facts.measurements.push_back(std::move(figure));
    return {};
  });
}

Result<ImportedRun> read_run_record(const JsonObject& record) {
  ImportedRun run;
  RunFacts& facts = run.facts;
  ASSAY_ASSIGN(const std::string run_id, record.string("run_id"));
  if (run_id.empty()) return record.field_error("run_id", "must not be empty");
  run.run_id = RunId(run_id);
  ASSAY_ASSIGN(facts.name, record.string_or("name", ""));
  ASSAY_ASSIGN(facts.seed, record.integer("seed"));
  ASSAY_ASSIGN(facts.command_line, record.string_or("command_line", ""));
  ASSAY_ASSIGN(facts.provenance, record.string("provenance"));
  ASSAY_TRY(read_optional(record, "finished_at_ms", run.finished_at_ms));
  if (record.has("tags")) {
    ASSAY_ASSIGN(const JsonObject tags, record.object("tags"));
    for (const auto& [tag, value] : record.find("tags")->items()) {
      ASSAY_ASSIGN(std::string text, tags.string(tag));
      facts.tags.emplace_back(tag, std::move(text));
    }
  }
  ASSAY_ASSIGN(facts.model, read_model(record));
  ASSAY_TRY(read_price(record, facts));
  ASSAY_TRY(read_segments(record, run));
  ASSAY_TRY(read_suites_of(record, facts));
  ASSAY_TRY(read_measurements_of(record, facts));
  ASSAY_TRY(for_each_object(record, "samples", [&](const JsonObject& fields) -> Result<> {
    ASSAY_ASSIGN(GradedSample graded, read_graded(fields));
    ASSAY_ASSIGN(const std::size_t segment, segment_of(fields, run));
    if (segment > 0) run.segment_of[graded.sample.key] = segment;
    run.samples.push_back(std::move(graded));
    return {};
  }));
  if (record.has("points")) {
    ASSAY_TRY(for_each_object(record, "points", [&](const JsonObject& fields) -> Result<> {
      ASSAY_ASSIGN(const std::size_t segment, segment_of(fields, run));
      ASSAY_ASSIGN(BenchPoint point, read_point(fields));
      point.segment = segment;
      run.points.push_back(std::move(point));
      return {};
    }));
  }
  if (!record.has("gpu_samples")) return run;
  ASSAY_TRY(for_each_object(record, "gpu_samples", [&](const JsonObject& fields) -> Result<> {
    ASSAY_ASSIGN(const std::size_t segment, segment_of(fields, run));
    ASSAY_ASSIGN(const GpuSample sample, read_gpu_sample(fields));
    run.segments[segment].gpu_samples.push_back(sample);
    return {};
  }));
  return run;
}

}  // namespace

Result<std::vector<ImportedRun>> import_assay(const ImportSource& source) {
  if (std::string_view(source.text).starts_with("SQLite format 3")) {
    return bad_input(source.where(), ": is a results database; `assay merge --into FILE.db` takes its runs");
  }
  ASSAY_ASSIGN(const Json document, parse_json(source.text, source.where()));
  std::vector<ImportedRun> runs;
  const bool is_list = document.is_array();
  for (std::size_t i = 0; i < (is_list ? document.size() : 1); ++i) {
    const std::string where = source.where() + (is_list ? ": [" + std::to_string(i) + "]" : "");
    ASSAY_ASSIGN(const JsonObject record, JsonObject::of(is_list ? document[i] : document, where));
    ASSAY_ASSIGN(ImportedRun run, read_run_record(record));
    runs.push_back(std::move(run));
  }
  if (runs.empty()) return bad_input(source.where(), ": holds no run");
  return runs;
}

}  // namespace assay::results
