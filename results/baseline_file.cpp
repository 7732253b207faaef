#include "results/baseline_file.h"

#include <cmath>

#include "harness/base/text.h"
#include "results/json_values.h"

namespace assay::results {

namespace {

constexpr std::string_view kFormat = "assay-baseline";
constexpr std::int64_t kFormatVersion = 1;
constexpr std::int64_t kMostSamples = 10'000'000;  // planned, of a suite

/// A column of one field of an item's samples, left out where no sample knows it.
template <class Field>
void add_column(Json& json, const char* key, const std::vector<ComparableSample>& samples, Field field) {
  Json column = Json::array();
  bool known = false;
  for (const ComparableSample& sample : samples) {
    column.push_back(value_or_null(sample.*field));
    known = known || (sample.*field).has_value();
  }
  if (known) json[key] = std::move(column);
}

Json to_json(const ComparableItem& item) {
  Json verdicts = Json::array();
  for (const ComparableSample& sample : item.samples) verdicts.push_back(to_string(sample.verdict));
  Json json = {{"item", item.item}, {"tag", item.tag}, {"content_sha256", item.content_sha256}, {"verdicts", verdicts}};
  add_column(json, "answers", item.samples, &ComparableSample::answer);
  add_column(json, "n_output_tokens", item.samples, &ComparableSample::n_output_tokens);
  add_column(json, "ttft_ms", item.samples, &ComparableSample::ttft_ms);
  add_column(json, "itl_ms", item.samples, &ComparableSample::itl_ms);
  add_column(json, "e2e_ms", item.samples, &ComparableSample::e2e_ms);
  return json;
}

Json to_json(const ComparableSuite& suite) {
  Json items = Json::array();
  for (const ComparableItem& item : suite.items) items.push_back(to_json(item));
  return {{"suite", suite.suite},
          {"version", suite.version},
          {"sha256", suite.sha256},
          {"grader_profile", suite.grader_profile},
          {"grader_version", suite.grader_version},
          {"sampling", suite.sampling},
          {"n_items", suite.n_items},
          {"samples", suite.samples},
          {"items", std::move(items)}};
}

/// The field's array; none if it is absent.
Result<const Json*> array_of(const JsonObject& object, std::string_view key) {
  const Json* value = object.find(key);
  if (value != nullptr && !value->is_array()) return object.field_error(key, "must be an array");
  return value;
}

Result<const Json*> needed_array(const JsonObject& object, std::string_view key) {
  ASSAY_ASSIGN(const Json* value, array_of(object, key));
  if (value == nullptr) return object.field_error(key, "is missing; must be an array");
  return value;
}

std::string element(const std::string& where, std::string_view key, std::size_t index) {
  return where + ": " + std::string(key) + "[" + std::to_string(index) + "]";
}

/// One number of a column: null is unknown, anything but a number of at least 0 is refused.
template <class T>
Result<std::optional<T>> column_value(const Json& value, const std::string& where) {
  if (value.is_null()) return std::optional<T>{};
  const bool fits = std::is_integral_v<T> ? value.is_number_integer() : value.is_number();
  if (!fits || !(value.get<double>() >= 0) || !std::isfinite(value.get<double>()) || value.get<double>() > 1e15) {
    return bad_input(where, ": must be ", std::is_integral_v<T> ? "an integer" : "a number",
                     " from 0 to 1e15, or null");
  }
  return std::optional<T>(value.get<T>());
}

template <class T>
Result<> read_column(const JsonObject& object, std::string_view key, std::optional<T> ComparableSample::*field,
                     std::vector<ComparableSample>& samples) {
  ASSAY_ASSIGN(const Json* column, array_of(object, key));
  if (column == nullptr) return {};
  if (column->size() != samples.size()) {
    return object.field_error(
        key, "has " + std::to_string(column->size()) + " values; \"verdicts\" has " + std::to_string(samples.size()));
  }
  for (std::size_t i = 0; i < samples.size(); ++i) {
    ASSAY_ASSIGN(samples[i].*field, column_value<T>((*column)[i], element(object.where(), key, i)));
  }
  return {};
}

Result<ComparableItem> parse_item(const Json& value, const std::string& where) {
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(value, where));
  ComparableItem item;
  ASSAY_ASSIGN(item.item, object.string("item"));
  ASSAY_ASSIGN(item.tag, object.string_or("tag", ""));
  ASSAY_ASSIGN(item.content_sha256, object.string("content_sha256"));
  ASSAY_ASSIGN(const Json* verdicts, needed_array(object, "verdicts"));
  if (verdicts->empty()) return object.field_error("verdicts", "must have at least one sample");
  for (std::size_t i = 0; i < verdicts->size(); ++i) {
    const Json& word = (*verdicts)[i];
    if (!word.is_string()) return bad_input(element(where, "verdicts", i), ": must be a string");
    const auto verdict = parse_verdict(word.get<std::string>());
    if (!verdict) return bad_input(element(where, "verdicts", i), ": ", verdict.error().message);
    item.samples.push_back(
        {.verdict = *verdict, .answer = {}, .n_output_tokens = {}, .ttft_ms = {}, .itl_ms = {}, .e2e_ms = {}});
  }
  ASSAY_TRY(read_column(object, "answers", &ComparableSample::answer, item.samples));
  ASSAY_TRY(read_column(object, "n_output_tokens", &ComparableSample::n_output_tokens, item.samples));
  ASSAY_TRY(read_column(object, "ttft_ms", &ComparableSample::ttft_ms, item.samples));
  ASSAY_TRY(read_column(object, "itl_ms", &ComparableSample::itl_ms, item.samples));
  ASSAY_TRY(read_column(object, "e2e_ms", &ComparableSample::e2e_ms, item.samples));
  return item;
}

Result<Json> object_or_empty(const JsonObject& object, std::string_view key) {
  const Json* value = object.find(key);
  if (value == nullptr) return Json(Json::object());
  if (!value->is_object()) return object.field_error(key, "must be an object");
  return *value;
}

Result<ComparableSuite> parse_suite(const Json& value, const std::string& where) {
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(value, where));
  ComparableSuite suite;
  ASSAY_ASSIGN(suite.suite, object.string("suite"));
  ASSAY_ASSIGN(suite.version, object.string("version"));
  ASSAY_ASSIGN(suite.sha256, object.string("sha256"));
  ASSAY_ASSIGN(suite.grader_profile, object.string("grader_profile"));
  ASSAY_ASSIGN(suite.grader_version, object.string("grader_version"));
  ASSAY_ASSIGN(suite.sampling, object_or_empty(object, "sampling"));
  ASSAY_ASSIGN(suite.n_items, object.integer("n_items"));
  ASSAY_ASSIGN(suite.samples, object.integer("samples"));
  if (suite.samples < 1 || suite.samples > kMostSamples)
    return object.field_error("samples", "must be from 1 to 10000000");
  ASSAY_ASSIGN(const Json* items, needed_array(object, "items"));
  if (suite.n_items < static_cast<std::int64_t>(items->size()) || suite.n_items > kMostSamples) {
    return object.field_error("n_items", "must be from the number of items to 10000000");
  }
  for (std::size_t i = 0; i < items->size(); ++i) {
    ASSAY_ASSIGN(ComparableItem item, parse_item((*items)[i], element(where, "items", i)));
    suite.items.push_back(std::move(item));
  }
  return suite;
}

/// A figure that may be null.
Result<std::optional<double>> figure(const JsonObject& object, std::string_view key) {
  const Json* value = object.find(key);
  if (value == nullptr) return std::optional<double>{};
  return column_value<double>(*value, object.where() + ": field \"" + std::string(key) + "\"");
}

Result<> parse_figures(const JsonObject& object, ComparableRun& run) {
  ASSAY_ASSIGN(run.wall_s, figure(object, "wall_s"));
  ASSAY_ASSIGN(run.output_tokens_per_s, figure(object, "output_tokens_per_s"));
  ASSAY_ASSIGN(run.usd_total, figure(object, "usd_total"));
  ASSAY_ASSIGN(run.usd_by, object.string_or("usd_by", ""));
  ASSAY_ASSIGN(run.sent, object.string_or("sent", ""));
  ASSAY_ASSIGN(run.joules_total, figure(object, "joules_total"));
  ASSAY_ASSIGN(const Json* parts, array_of(object, "output_tokens_per_s_parts"));
  for (std::size_t i = 0; parts != nullptr && i < parts->size(); ++i) {
    ASSAY_ASSIGN(const auto rate,
                 column_value<double>((*parts)[i], element(object.where(), "output_tokens_per_s_parts", i)));
    if (rate) run.output_tokens_per_s_parts.push_back(*rate);
  }
  return {};
}

Result<> parse_environments(const JsonObject& object, ComparableRun& run) {
  ASSAY_ASSIGN(const Json* environments, array_of(object, "environments"));
  for (std::size_t i = 0; environments != nullptr && i < environments->size(); ++i) {
    const Json& environment = (*environments)[i];
    if (!environment.is_object()) return bad_input(element(object.where(), "environments", i), ": must be an object");
    run.environments.push_back(environment);
  }
  return {};
}

Result<> parse_tags(const JsonObject& object, ComparableRun& run) {
  ASSAY_ASSIGN(const Json tags, object_or_empty(object, "tags"));
  for (const auto& [tag, value] : tags.items()) {
    if (!value.is_string()) return object.field_error("tags", "must have texts as values");
    run.tags[tag] = value.get<std::string>();
  }
  return {};
}

}  // namespace

Json to_baseline_json(const ComparableRun& run) {
  Json tags = Json::object();
  for (const auto& [tag, value] : run.tags) tags[tag] = value;
  Json suites = Json::array();
  for (const ComparableSuite& suite : run.suites) suites.push_back(to_json(suite));
  return {{"format", kFormat},
          {"format_version", kFormatVersion},
          {"run_id", run.run_id},
          {"name", run.name},
          {"state", run.state},
          {"provenance", run.provenance},
          {"model", run.model},
          {"weights_sha256", run.weights_sha256},
          {"seed", run.seed},
          {"started_at_ms", run.started_at_ms},
          {"tags", std::move(tags)},
          {"environments", run.environments},
          {"method_versions", run.method_versions},
          {"wall_s", value_or_null(run.wall_s)},
          {"output_tokens_per_s", value_or_null(run.output_tokens_per_s)},
          {"usd_total", value_or_null(run.usd_total)},
          {"usd_by", run.usd_by},
          {"sent", run.sent},
          {"joules_total", value_or_null(run.joules_total)},
          {"output_tokens_per_s_parts", run.output_tokens_per_s_parts},
          {"suites", std::move(suites)}};
}

Result<ComparableRun> parse_baseline(std::string_view text, const std::string& where) {
  ASSAY_ASSIGN(const Json document, parse_json(text, where));
  ASSAY_ASSIGN(const JsonObject object, JsonObject::of(document, where));
  const auto format = object.string("format");
  if (!format || *format != kFormat) {
    return bad_input(where, ": is no baseline; \"assay check --write-baseline FILE\" writes one");
  }
  ASSAY_ASSIGN(const std::int64_t version, object.integer("format_version"));
  if (version != kFormatVersion) {
    return environment_error(where, ": is a baseline of version ", version, ", this program reads version ",
                             kFormatVersion);
  }
  ComparableRun run;
  ASSAY_ASSIGN(run.run_id, object.string("run_id"));
  ASSAY_ASSIGN(run.name, object.string_or("name", ""));
  ASSAY_ASSIGN(const std::string state, object.string("state"));
  const auto known_state = parse_run_state(state);
  if (!known_state) return object.field_error("state", known_state.error().message);
  run.state = to_string(*known_state);
  ASSAY_ASSIGN(run.provenance, object.string("provenance"));
  ASSAY_ASSIGN(run.model, object.string("model"));
  ASSAY_ASSIGN(run.weights_sha256, object.string_or("weights_sha256", ""));
  ASSAY_ASSIGN(run.seed, object.integer_or("seed", 0));
  ASSAY_ASSIGN(run.started_at_ms, object.integer_or("started_at_ms", 0));
  ASSAY_TRY(parse_tags(object, run));
  ASSAY_TRY(parse_environments(object, run));
  ASSAY_ASSIGN(run.method_versions, object_or_empty(object, "method_versions"));
  ASSAY_TRY(parse_figures(object, run));
  ASSAY_ASSIGN(const Json* suites, needed_array(object, "suites"));
  for (std::size_t i = 0; i < suites->size(); ++i) {
    ASSAY_ASSIGN(ComparableSuite suite, parse_suite((*suites)[i], element(where, "suites", i)));
    for (const ComparableSuite& other : run.suites) {
      if (other.suite == suite.suite)
        return bad_input(where, ": suite ", quoted_excerpt(suite.suite), " stands in it twice");
    }
    run.suites.push_back(std::move(suite));
  }
  return run;
}

}  // namespace assay::results
