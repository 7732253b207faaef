// llama-bench (`-o json` and `-o jsonl`) and Google Benchmark (`--benchmark_format=json`): figures without samples.
// Shapes: llama.cpp tools/llama-bench/llama-bench.cpp; google/benchmark src/json_reporter.cc.
#include <cmath>
#include <limits>
#include <set>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/import/import_parts.h"

namespace assay::results {

namespace {

/// Takes figures one by one; the same name and metric again is told apart by a number.
class Figures {
 public:
  explicit Figures(RunFacts& facts) : facts_(facts) {}
  Result<> add(Measurement figure, const std::string& where) {
    if (!std::isfinite(figure.value)) return bad_input(where, ": ", figure.metric, " must be a finite number");
    const int n = ++n_seen_[{figure.name, figure.metric}];
    if (n > 1) figure.name += " #" + std::to_string(n);
    facts_.measurements.push_back(std::move(figure));
    return {};
  }

 private:
  RunFacts& facts_;
  std::map<std::pair<std::string, std::string>, int> n_seen_;
};

/// The fields of a record that say how it was measured: texts, numbers and truth values, no lists.
Json plain_fields(const Json& record) {
  Json fields = Json::object();
  for (const auto& [key, value] : record.items()) {
    if (value.is_primitive()) fields[key] = value;
  }
  return fields;
}

/// "pp512", "tg128", "pp512+tg128", with " @ d4096" where the context was filled before: as llama-bench's tables do.
std::string llama_test_name(std::int64_t n_prompt, std::int64_t n_gen, std::int64_t n_depth) {
  std::string name = n_prompt > 0 ? "pp" + std::to_string(n_prompt) : "";
  if (n_gen > 0) name += (name.empty() ? "tg" : "+tg") + std::to_string(n_gen);
  if (n_depth > 0) name += " @ d" + std::to_string(n_depth);
  return name.empty() ? "empty" : name;
}

/// The settings that the tests of a file differ in, as llama-bench's own tables show them: " n_batch=512".
std::string varied_settings(const Json& record, const std::set<std::string>& varied) {
  std::string text;
  for (const std::string& key : varied) {
    const auto at = record.find(key);
    if (at == record.end()) continue;
    text += " " + key + "=" + (at->is_string() ? at->get<std::string>() : to_json_text(*at));
  }
  return text;
}

/// What a test measured, and when, is no setting; its prompt, reply and depth are in its name.
bool is_setting(const std::string& key) {
  static const std::set<std::string> others = {"n_prompt", "n_gen", "n_depth", "test_time"};
  return !others.contains(key) && !key.starts_with("avg_") && !key.starts_with("stddev_");
}

struct LlamaRecord {
  Json record;
  std::string where;
};

/// Settings that some record has another value of than the first, or lacks.
std::set<std::string> settings_that_vary(const std::vector<LlamaRecord>& records) {
  std::set<std::string> varied;
  for (const LlamaRecord& one : records) {
    const Json fields = plain_fields(one.record);
    for (const auto& [key, value] : fields.items()) {
      const auto first = records.front().record.find(key);
      if (is_setting(key) && (first == records.front().record.end() || *first != value)) varied.insert(key);
    }
  }
  return varied;
}

Result<> add_llama_test(const JsonObject& test, const Json& record, const std::set<std::string>& varied,
                        Figures& figures) {
  ASSAY_ASSIGN(const std::int64_t n_prompt, test.integer("n_prompt"));
  ASSAY_ASSIGN(const std::int64_t n_gen, test.integer("n_gen"));
  ASSAY_ASSIGN(const std::int64_t n_depth, test.integer_or("n_depth", 0));
  Measurement figure;
  figure.name = llama_test_name(n_prompt, n_gen, n_depth) + varied_settings(record, varied);
  figure.metric = "tokens_per_s";
  ASSAY_ASSIGN(figure.value, test.number("avg_ts"));
  if (figure.value < 0) return test.field_error("avg_ts", "must not be negative");
  ASSAY_ASSIGN(const double stddev, test.number_or("stddev_ts", 0));
  if (stddev < 0) return test.field_error("stddev_ts", "must not be negative");
  if (const Json* samples = test.find("samples_ts"); samples != nullptr && samples->is_array() && !samples->empty()) {
    figure.n = static_cast<std::int64_t>(samples->size());
    figure.stddev = stddev;
  }
  figure.details = plain_fields(record);
  return figures.add(std::move(figure), test.where());
}

/// The records of a JSON array, or of one a line.
Result<std::vector<LlamaRecord>> records_of(const ImportSource& source) {
  std::vector<LlamaRecord> records;
  if (trim(source.text).starts_with('[')) {
    ASSAY_ASSIGN(Json document, parse_json(source.text, source.where()));
    for (Json& record : document) {
      records.push_back({std::move(record), source.where() + ": [" + std::to_string(records.size()) + "]"});
    }
    return records;
  }
  ASSAY_TRY(for_each_line(source.text, [&](std::string_view line, int number) -> Result<> {
    ASSAY_ASSIGN(Json record, parse_json(line, source.where(number)));
    records.push_back({std::move(record), source.where(number)});
    return {};
  }));
  return records;
}

constexpr std::int64_t kNsPerS = 1'000'000'000;

Result<double> unit_ns(const JsonObject& row) {
  ASSAY_ASSIGN(const std::string unit, row.string_or("time_unit", "ns"));
  if (unit == "ns") return 1.0;
  if (unit == "us") return 1e3;
  if (unit == "ms") return 1e6;
  if (unit == "s") return double{kNsPerS};
  return row.field_error("time_unit", "must be ns, us, ms or s");
}

/// Repetitions of one benchmark, by metric.
struct Repeated {
  std::map<std::string, std::vector<double>> values;
  Json details;
  std::string where;
};

Result<> add_google_row(const JsonObject& row, const Json& record, std::vector<std::string>& order,
                        std::map<std::string, Repeated>& repeated) {
  ASSAY_ASSIGN(const std::string name, row.string("name"));
  if (name.empty()) return row.field_error("name", "must not be empty");
  ASSAY_ASSIGN(const std::string type, row.string_or("run_type", "iteration"));
  if (type == "aggregate") return {};  // is computed again from the repetitions
  ASSAY_ASSIGN(const bool failed, row.boolean_or("error_occurred", false));
  if (failed) return {};
  ASSAY_ASSIGN(const double ns, unit_ns(row));
  const auto [at, is_new] = repeated.try_emplace(name);
  if (is_new) order.push_back(name);
  at->second.details = plain_fields(record);
  at->second.where = row.where();
  for (const auto& [key, metric] : {std::pair("real_time", "real_time_ns"), std::pair("cpu_time", "cpu_time_ns")}) {
    ASSAY_ASSIGN(const double time, row.number(key));
    if (time < 0) return row.field_error(key, "must not be negative");
    at->second.values[metric].push_back(time * ns);
  }
  for (const auto& [key, metric] :
       {std::pair("bytes_per_second", "bytes_per_s"), std::pair("items_per_second", "items_per_s")}) {
    if (!row.has(key)) continue;
    ASSAY_ASSIGN(const double rate, row.number(key));
    at->second.values[metric].push_back(rate);
  }
  return {};
}

Measurement mean_of(const std::string& name, const std::string& metric, const std::vector<double>& values,
                    const Json& details) {
  Measurement figure;
  figure.name = name;
  figure.metric = metric;
  figure.details = details;
  const auto n = static_cast<double>(values.size());
  for (const double value : values) figure.value += value / n;
  figure.n = static_cast<std::int64_t>(values.size());
  if (values.size() < 2) return figure;
  double squares = 0;
  for (const double value : values) squares += (value - figure.value) * (value - figure.value);
  figure.stddev = std::sqrt(squares / (n - 1));
  return figure;
}

/// The tests of one model on one machine.
Result<ImportedRun> llama_run(const ImportSource& source, const std::vector<LlamaRecord>& records) {
  ASSAY_ASSIGN(const JsonObject first, JsonObject::of(records.front().record, records.front().where));
  ASSAY_ASSIGN(const std::string file, first.string("model_filename"));
  ImportedRun run = empty_run(source, std::filesystem::path(file).stem().string());
  ASSAY_ASSIGN(const std::string time, first.string_or("test_time", ""));
  set_time(run, parse_iso_time(time).value_or(source.now_ms));
  EnvironmentFacts& environment = run.segments.front().environment;
  ASSAY_ASSIGN(environment.cpu_model, first.string_or("cpu_info", ""));
  ASSAY_ASSIGN(const std::string gpu, first.string_or("gpu_info", ""));
  environment.device_name = gpu.empty() ? environment.cpu_model : gpu;
  if (!gpu.empty()) environment.gpu_name = gpu;
  ASSAY_ASSIGN(environment.build_git_commit, first.string_or("build_commit", ""));
  const std::set<std::string> varied = settings_that_vary(records);
  Figures figures(run.facts);
  for (const LlamaRecord& one : records) {
    ASSAY_ASSIGN(const JsonObject test, JsonObject::of(one.record, one.where));
    ASSAY_TRY(add_llama_test(test, one.record, varied, figures));
  }
  return run;
}

}  // namespace

Result<std::vector<ImportedRun>> import_llama_bench(const ImportSource& source) {
  ASSAY_ASSIGN(std::vector<LlamaRecord> records, records_of(source));
  if (records.empty()) return bad_input(source.where(), ": holds no test");
  // A run for each model on each machine, in the order of the file.
  std::vector<std::string> order;
  std::map<std::string, std::vector<LlamaRecord>> groups;
  for (LlamaRecord& one : records) {
    ASSAY_ASSIGN(const JsonObject test, JsonObject::of(one.record, one.where));
    std::string key;
    for (const char* field : {"model_filename", "cpu_info", "gpu_info", "build_commit"}) {
      ASSAY_ASSIGN(const std::string value, test.string_or(field, ""));
      key += value + "\n";
    }
    if (!groups.contains(key)) order.push_back(key);
    groups[key].push_back(std::move(one));
  }
  std::vector<ImportedRun> runs;
  for (const std::string& key : order) {
    ASSAY_ASSIGN(ImportedRun run, llama_run(source, groups.at(key)));
    if (!runs.empty()) run.run_id = RunId(sha256_hex(run.run_id.value + "\n" + key).substr(0, run.run_id.value.size()));
    runs.push_back(std::move(run));
  }
  return runs;
}

Result<std::vector<ImportedRun>> import_google_benchmark(const ImportSource& source) {
  ASSAY_ASSIGN(const Json document, parse_json(source.text, source.where()));
  ASSAY_ASSIGN(const JsonObject file, JsonObject::of(document, source.where()));
  ASSAY_ASSIGN(const JsonObject context, file.object("context"));
  ASSAY_ASSIGN(const std::string executable, context.string_or("executable", source.path.stem().string()));
  ImportedRun run = empty_run(source, std::filesystem::path(executable).filename().string());
  ASSAY_ASSIGN(const std::string date, context.string_or("date", ""));
  set_time(run, parse_iso_time(date).value_or(source.now_ms));
  if (context.has("host_name")) {
    ASSAY_ASSIGN(run.segments.front().environment.hostname, context.string("host_name"));
  }
  if (context.has("num_cpus")) {
    ASSAY_ASSIGN(run.segments.front().environment.n_cores, context.integer("num_cpus"));
    if (*run.segments.front().environment.n_cores < 1) return context.field_error("num_cpus", "must be at least 1");
  }
  run.segments.front().environment.details = plain_fields(document["context"]);
  const Json* rows = file.find("benchmarks");
  if (rows == nullptr || !rows->is_array()) return file.field_error("benchmarks", "must be a list");
  std::vector<std::string> order;
  std::map<std::string, Repeated> repeated;
  for (std::size_t i = 0; i < rows->size(); ++i) {
    ASSAY_ASSIGN(const JsonObject row,
                 JsonObject::of((*rows)[i], source.where() + ": benchmarks[" + std::to_string(i) + "]"));
    ASSAY_TRY(add_google_row(row, (*rows)[i], order, repeated));
  }
  if (order.empty()) return bad_input(source.where(), ": holds no benchmark that was run");
  Figures figures(run.facts);
  for (const std::string& name : order) {
    const Repeated& row = repeated.at(name);
    for (const auto& [metric, values] : row.values) {
      ASSAY_TRY(figures.add(mean_of(name, metric, values, row.details), row.where));
    }
  }
  return std::vector<ImportedRun>{std::move(run)};
}

}  // namespace assay::results
