#include "results/points.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "results/analysis/moments.h"
#include "results/analysis/pareto.h"
#include "results/ceilings.h"
#include "results/json_values.h"
#include "results/layers.h"
#include "results/sqlite.h"
#include "results/text_table.h"

namespace assay::results {

namespace {

constexpr std::string_view kInsertPoint =
    "INSERT INTO points (run_key, segment_id, kind, name, arm, repeat, started_at_ms, wall_ms, provenance, "
    "reason_codes, settings, figures, method_versions, details) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
constexpr std::string_view kReadPoints =
    "SELECT p.kind, p.name, p.arm, p.repeat, p.started_at_ms, p.wall_ms, p.provenance, p.reason_codes, p.settings, "
    "p.figures, p.method_versions, p.details, "
    "(SELECT count(*) FROM run_segments s WHERE s.run_key = p.run_key AND s.segment_id < p.segment_id) "
    "FROM points p WHERE p.run_key = ?1 ORDER BY p.point_id";

Json figures_json(const std::map<std::string, PointFigure>& figures) {
  Json json = Json::object();
  for (const auto& [metric, figure] : figures) {
    json[metric] = {{"value", figure.value}, {"stddev", value_or_null(figure.stddev)}, {"n", value_or_null(figure.n)}};
  }
  return json;
}

Result<std::map<std::string, PointFigure>> read_figures(const Json& json, const std::string& where) {
  if (!json.is_object()) return bad_input(where, " must be an object");
  std::map<std::string, PointFigure> figures;
  for (const auto& [metric, value] : json.items()) {
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(value, where + "." + metric));
    PointFigure& figure = figures[metric];
    ASSAY_ASSIGN(figure.value, fields.number("value"));
    if (fields.has("stddev")) {
      ASSAY_ASSIGN(figure.stddev, fields.number("stddev"));
    }
    if (fields.has("n")) {
      ASSAY_ASSIGN(figure.n, fields.integer("n"));
    }
    if (!std::isfinite(figure.value)) return bad_input(where, ".", metric, ": value must be a finite number");
  }
  return figures;
}

Result<std::vector<std::string>> read_codes(const Json& json, const std::string& where) {
  std::vector<std::string> codes;
  if (!json.is_array()) return bad_input(where, " must be a list of words");
  for (const Json& code : json) {
    if (!code.is_string()) return bad_input(where, " must be a list of words");
    codes.push_back(code.get<std::string>());
  }
  return codes;
}

std::string cell(const PointSummary& summary, const std::string& metric, int digits) {
  const auto value = summary.median(metric);
  return value ? to_fixed(*value, digits) : "-";
}

/// Enough digits to see a difference of a percent in small figures.
std::string time_cell(const PointSummary& summary, const std::string& metric) {
  const auto value = summary.median(metric);
  if (!value) return "-";
  return to_fixed(*value, *value < 10 ? 3 : *value < 1000 ? 1 : 0);
}

/// Half of the distance between the least and the largest repeat, as a share of the median: "± 1.2 %".
std::string spread_cell(const PointSummary& summary, const std::string& metric) {
  const auto at = summary.figures.find(metric);
  if (at == summary.figures.end() || at->second.n < 2 || at->second.median <= 0) return "-";
  return "± " + to_fixed(50 * (at->second.max - at->second.min) / at->second.median, 1) + " %";
}

std::string belief_cell(const PointSummary& summary) {
  std::string text = to_text(summary.n_valid) + "/" + to_text(summary.n_points);
  for (const auto& [code, n] : summary.n_invalid) text += " " + shown(code) + (n > 1 ? "×" + to_text(n) : "");
  return text;
}

using Rows = std::vector<std::vector<std::string>>;

std::string serve_rows(const std::vector<PointSummary>& all, const std::set<std::size_t>& best) {
  Rows rows = {{"load", "", "requests/s", "tokens/s", "spread", "TTFT p50 ms", "p90", "p99", "TPOT p50 ms",
                "ITL p99 ms", "E2E p50 ms", "goodput/s", "$/Mtok", "valid"}};
  bool any = false;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const PointSummary& one = all[i];
    if (one.kind != "serve") continue;
    any = true;
    rows.push_back({shown(one.name), std::string(one.arm) + (best.contains(i) ? "*" : ""),
                    cell(one, "requests_per_s", 2), cell(one, "output_tokens_per_s", 1),
                    spread_cell(one, "output_tokens_per_s"), time_cell(one, "p50_ttft_ms"),
                    time_cell(one, "p90_ttft_ms"), time_cell(one, "p99_ttft_ms"), time_cell(one, "p50_tpot_ms"),
                    time_cell(one, "p99_itl_ms"), time_cell(one, "p50_e2e_ms"), cell(one, "goodput_requests_per_s", 2),
                    cell(one, "usd_per_mtok_output", 3), belief_cell(one)});
  }
  return any ? text_table(rows, {1, 13}) : "";
}

std::string pass_rows(const std::vector<PointSummary>& all, const std::set<std::size_t>& best,
                      const std::string& kind) {
  const std::string rate = kind == "decode" ? "output_tokens_per_s" : "prompt_tokens_per_s";
  Rows rows = {{kind, "", "tokens/s", "spread", "pass ms", "device ms", "idle %", "$/Mtok", "valid"}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const PointSummary& one = all[i];
    if (one.kind != kind) continue;
    rows.push_back({shown(one.name), std::string(one.arm) + (best.contains(i) ? "*" : ""), cell(one, rate, 1),
                    spread_cell(one, rate), time_cell(one, "pass_ms"), time_cell(one, "device_ms"),
                    cell(one, "device_idle_pct", 2),
                    cell(one, kind == "decode" ? "usd_per_mtok_output" : "usd_per_mtok_input", 4), belief_cell(one)});
  }
  return rows.size() > 1 ? text_table(rows, {1, 8}) : "";
}

}  // namespace

RepeatedFigure repeated_figure(const std::vector<double>& values) {
  RepeatedFigure figure;
  figure.n = static_cast<std::int64_t>(values.size());
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  figure.min = *least;
  figure.max = *most;
  figure.median = *quantile(values, 0.5);  // finite values, at least one
  if (values.size() >= 2) figure.stddev = std::sqrt(*sample_variance(values));
  return figure;
}

std::optional<double> PointSummary::median(const std::string& metric) const {
  const auto at = figures.find(metric);
  return at == figures.end() ? std::nullopt : std::optional(at->second.median);
}

std::vector<PointSummary> summarise_points(std::span<const BenchPoint> points) {
  std::vector<PointSummary> summaries;
  std::map<std::pair<std::string, std::string>, std::size_t> index;
  std::vector<std::map<std::string, std::vector<double>>> values;
  for (const BenchPoint& point : points) {
    const auto [at, is_new] = index.try_emplace({point.key.name, point.key.arm}, summaries.size());
    if (is_new) {
      summaries.push_back({point.key.name, point.key.arm, point.kind, point.settings, 0, 0, {}, {}});
      values.emplace_back();
    }
    PointSummary& summary = summaries[at->second];
    ++summary.n_points;
    for (const std::string& code : point.reason_codes) ++summary.n_invalid[code];
    if (!point.is_valid()) continue;
    ++summary.n_valid;
    for (const auto& [metric, figure] : point.figures) values[at->second][metric].push_back(figure.value);
  }
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    for (const auto& [metric, numbers] : values[i]) summaries[i].figures[metric] = repeated_figure(numbers);
  }
  return summaries;
}

std::vector<Measurement> point_measurements(std::span<const BenchPoint> points) {
  std::vector<Measurement> measurements;
  for (const PointSummary& summary : summarise_points(points)) {
    for (const auto& [metric, figure] : summary.figures) {
      Measurement measurement;
      measurement.name = summary.name + (summary.arm.empty() ? "" : ", " + summary.arm);
      measurement.metric = metric;
      measurement.value = figure.median;
      measurement.stddev = figure.stddev;
      measurement.n = figure.n;
      measurement.details = summary.settings;
      measurements.push_back(std::move(measurement));
    }
  }
  return measurements;
}

std::vector<std::size_t> pareto_settings(std::span<const PointSummary> summaries) {
  std::set<std::string> arms;
  for (const PointSummary& summary : summaries) arms.insert(summary.arm);
  std::vector<std::size_t> best;
  for (const std::string& arm : arms) {
    std::vector<TradeOff> rates;
    std::vector<std::size_t> index;
    for (std::size_t i = 0; i < summaries.size(); ++i) {
      const auto per_user = summaries[i].median(kTokensPerUser), per_gpu = summaries[i].median(kTokensPerGpu);
      if (summaries[i].arm != arm || !per_user || !per_gpu) continue;
      rates.push_back({*per_user, *per_gpu});
      index.push_back(i);
    }
    for (const std::size_t at : pareto_front(rates, Better::higher)) best.push_back(index[at]);
  }
  return best;
}

Json to_json(const BenchPoint& point) {
  return {{"kind", point.kind},
          {"name", point.key.name},
          {"arm", point.key.arm},
          {"repeat", point.key.repeat},
          {"valid", point.is_valid()},
          {"reason_codes", point.reason_codes},
          {"started_at_ms", point.started_at_ms},
          {"wall_ms", point.wall_ms},
          {"settings", point.settings},
          {"figures", figures_json(point.figures)},
          {"method_versions", point.method_versions},
          {"details", point.details},
          {"segment", point.segment},
          {"provenance", point.provenance}};
}

Json to_json(const RepeatedFigure& figure) {
  return {{"median", figure.median},
          {"min", figure.min},
          {"max", figure.max},
          {"stddev", value_or_null(figure.stddev)},
          {"n", figure.n}};
}

Json to_json(const PointSummary& summary) {
  Json figures = Json::object();
  for (const auto& [metric, figure] : summary.figures) {
    figures[metric] = to_json(figure);
  }
  return {{"name", summary.name},
          {"arm", summary.arm},
          {"kind", summary.kind},
          {"settings", summary.settings},
          {"n_points", summary.n_points},
          {"n_valid", summary.n_valid},
          {"reason_codes", summary.n_invalid},
          {"figures", std::move(figures)}};
}

Result<BenchPoint> read_point(const JsonObject& fields) {
  BenchPoint point;
  const auto object = [&](std::string_view key) {
    const Json* json = fields.find(key);
    return json == nullptr ? Json::object() : *json;
  };
  ASSAY_ASSIGN(point.kind, fields.string("kind"));
  ASSAY_ASSIGN(point.key.name, fields.string("name"));
  ASSAY_ASSIGN(point.key.arm, fields.string_or("arm", ""));
  ASSAY_ASSIGN(point.key.repeat, fields.integer("repeat"));
  ASSAY_ASSIGN(point.started_at_ms, fields.integer("started_at_ms"));
  ASSAY_ASSIGN(point.wall_ms, fields.number("wall_ms"));
  ASSAY_ASSIGN(point.provenance, fields.string("provenance"));
  ASSAY_ASSIGN(const std::int64_t segment, fields.integer_or("segment", 0));
  if (segment < 0) return fields.field_error("segment", "must not be negative");
  point.segment = static_cast<std::size_t>(segment);
  const Json* codes = fields.find("reason_codes");
  if (codes == nullptr) return fields.field_error("reason_codes", "is missing");
  ASSAY_ASSIGN(point.reason_codes, read_codes(*codes, fields.where() + ": field \"reason_codes\""));
  ASSAY_ASSIGN(point.figures, read_figures(object("figures"), fields.where() + ": figures"));
  point.settings = object("settings");
  point.method_versions = object("method_versions");
  point.details = object("details");
  return point;
}

std::string points_text(std::span<const BenchPoint> points) {
  const std::vector<PointSummary> all = summarise_points(points);
  const std::vector<std::size_t> front = pareto_settings(all);
  const std::set<std::size_t> best(front.begin(), front.end());
  std::string text;
  for (const std::string& part :
       {serve_rows(all, best), pass_rows(all, best, "decode"), pass_rows(all, best, "prefill")}) {
    if (!part.empty()) text += (text.empty() ? "" : "\n") + part;
  }
  const auto n_valid = std::count_if(points.begin(), points.end(), [](const BenchPoint& p) { return p.is_valid(); });
  if (!best.empty() && all.size() > 1) {
    text += "\n\"*\": no other setting gives a user and the device more tokens a second.";
  }
  if (n_valid < static_cast<std::ptrdiff_t>(points.size())) {
    text += "\nPoints that are not valid are stored with their reasons and shown in no figure.";
  }
  if (!text.empty() && text.back() != '\n') text += "\n";
  if (const std::string ceilings = ceilings_text(points); !ceilings.empty()) {
    text += (text.empty() ? "" : "\n") + ceilings;
  }
  if (const std::string layers = layers_text(points); !layers.empty()) {
    text += (text.empty() ? "" : "\n") + layers;
  }
  // Kinds that have no table of their own.
  Rows rows = {{"point", "metric", "median", "n"}};
  for (const PointSummary& summary : all) {
    static const std::set<std::string> kWithTable = {"serve",     "decode",     "prefill",
                                                     kLayersKind, kMachineKind, kCollectiveKind};
    if (kWithTable.contains(summary.kind)) continue;
    for (const auto& [metric, figure] : summary.figures) {
      rows.push_back({shown(summary.name), shown(metric), to_text(figure.median), to_text(figure.n)});
    }
  }
  return rows.size() > 1 ? text + (text.empty() ? "" : "\n") + text_table(rows, {1}) : text;
}

std::string environment_fingerprint(const EnvironmentFacts& environment) {
  Json facts = {{"device_kind", environment.device_kind},
                {"device_name", environment.device_name},
                {"cpu_model", environment.cpu_model},
                {"n_cores", value_or_null(environment.n_cores)},
                {"memory_bytes", value_or_null(environment.memory_bytes)},
                {"os", environment.os},
                {"kernel", environment.kernel},
                {"gpu_name", value_or_null(environment.gpu_name)},
                {"n_gpus", value_or_null(environment.n_gpus)},
                {"gpu_driver", value_or_null(environment.gpu_driver)},
                {"cuda_version", value_or_null(environment.cuda_version)},
                {"gpu_clock_mhz", value_or_null(environment.gpu_clock_mhz)},
                {"gpu_power_limit_watts", value_or_null(environment.gpu_power_limit_watts)},
                {"build_git_commit", environment.build_git_commit},
                {"compiler", environment.compiler},
                {"compiler_flags", environment.compiler_flags}};
  // Links that are held back make another machine of it.
  const auto device = environment.details.find("device");
  if (device != environment.details.end() && device->is_object() && device->contains("link_gb_per_s")) {
    facts["link_gb_per_s"] = device->at("link_gb_per_s");
  }
  return sha256_hex(to_json_text(facts));
}

Result<> insert_point(const Database& database, std::int64_t run_key, std::int64_t segment_id,
                      const BenchPoint& point) {
  ASSAY_ASSIGN(auto row, database.prepare(kInsertPoint));
  row.bind(1, run_key).bind(2, segment_id).bind(3, point.kind).bind(4, point.key.name).bind(5, point.key.arm);
  row.bind(6, point.key.repeat).bind(7, point.started_at_ms).bind(8, point.wall_ms).bind(9, point.provenance);
  row.bind(10, to_json_text(Json(point.reason_codes))).bind(11, to_json_text(point.settings));
  row.bind(12, to_json_text(figures_json(point.figures))).bind(13, to_json_text(point.method_versions));
  row.bind(14, to_json_text(point.details));
  const Result<> stored = row.run();
  if (stored) return {};
  return Error{stored.error().kind,
               "point " + point.key.name + ", repeat " + to_text(point.key.repeat) + ": " + stored.error().message};
}

Result<std::vector<BenchPoint>> read_point_rows(const Database& database, std::int64_t run_key,
                                                const std::string& where) {
  std::vector<BenchPoint> points;
  ASSAY_ASSIGN(auto row, database.prepare(kReadPoints));
  row.bind(1, run_key);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    BenchPoint point;
    point.kind = row.text(0);
    point.key = {row.text(1), row.text(2), row.integer(3)};
    point.started_at_ms = row.integer(4);
    point.wall_ms = row.real(5);
    point.provenance = row.text(6);
    ASSAY_ASSIGN(const Json codes, parse_json(row.text(7), where + ": points.reason_codes"));
    ASSAY_ASSIGN(point.reason_codes, read_codes(codes, where + ": points.reason_codes"));
    ASSAY_ASSIGN(point.settings, parse_json(row.text(8), where + ": points.settings"));
    ASSAY_ASSIGN(const Json figures, parse_json(row.text(9), where + ": points.figures"));
    ASSAY_ASSIGN(point.figures, read_figures(figures, where + ": points.figures"));
    ASSAY_ASSIGN(point.method_versions, parse_json(row.text(10), where + ": points.method_versions"));
    ASSAY_ASSIGN(point.details, parse_json(row.text(11), where + ": points.details"));
    point.segment = static_cast<std::size_t>(row.integer(12));
    points.push_back(std::move(point));
    return {};
  }));
  return points;
}

}  // namespace assay::results
