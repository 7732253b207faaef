#include "results/layers.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/base/text.h"
#include "results/json_values.h"
#include "results/text_table.h"

namespace assay::results {

namespace {

constexpr std::size_t kMostOperations = 1'000'000;

Result<double> amount(const JsonObject& fields, const char* key) {
  ASSAY_ASSIGN(const double value, fields.number(key));
  if (!std::isfinite(value) || value < 0) return fields.field_error(key, "must be a number of at least 0");
  return value;
}

Result<std::optional<double>> amount_or_null(const JsonObject& fields, const char* key) {
  if (!fields.has(key)) return std::optional<double>{};
  ASSAY_ASSIGN(const double value, amount(fields, key));
  return std::optional(value);
}

Result<std::optional<std::int64_t>> count_or_null(const JsonObject& fields, const char* key) {
  if (!fields.has(key)) return std::optional<std::int64_t>{};
  ASSAY_ASSIGN(const std::int64_t value, fields.integer(key));
  if (value < 0) return fields.field_error(key, "must not be negative");
  return std::optional(value);
}

Result<LayerOperation> read_operation(const JsonObject& fields) {
  LayerOperation operation;
  ASSAY_ASSIGN(operation.pass, fields.integer("pass"));
  ASSAY_ASSIGN(operation.layer, count_or_null(fields, "layer"));
  ASSAY_ASSIGN(operation.operation, fields.string("operation"));
  ASSAY_ASSIGN(operation.start_us, amount(fields, "start_us"));
  ASSAY_ASSIGN(operation.time_us, amount(fields, "time_us"));
  ASSAY_ASSIGN(operation.stddev_us, amount_or_null(fields, "stddev_us"));
  ASSAY_ASSIGN(operation.n_kernels, count_or_null(fields, "n_kernels"));
  ASSAY_ASSIGN(operation.bytes, amount(fields, "bytes"));
  ASSAY_ASSIGN(operation.flop, amount(fields, "flop"));
  ASSAY_ASSIGN(operation.limit_us, amount_or_null(fields, "limit_us"));
  return operation;
}

/// The repeats of a setting that may be believed.
struct SettingPoints {
  const PointSummary* summary = nullptr;
  std::vector<BenchPoint> valid;
};

std::vector<SettingPoints> points_by_setting(std::span<const PointSummary> summaries,
                                             std::span<const BenchPoint> points) {
  std::vector<SettingPoints> settings;
  for (const PointSummary& summary : summaries) {
    if (summary.kind != kLayersKind) continue;
    SettingPoints& setting = settings.emplace_back();
    setting.summary = &summary;
    for (const BenchPoint& point : points) {
      const bool is_its = point.key.name == summary.name && point.key.arm == summary.arm;
      if (is_its && point.is_valid()) setting.valid.push_back(point);
    }
  }
  return settings;
}

std::string ms_words(const PointSummary& summary, const char* metric, const char* words) {
  const auto ms = summary.median(metric);
  return ms ? ", " + to_fixed(*ms, *ms < 10 ? 3 : 2) + " ms " + words : "";
}

/// "decode batch=1 context=1024: 4.130 ms a pass, 4.120 ms on the device, 4.131 ms while it was watched, …"
std::string head_line(const SettingPoints& setting) {
  const PointSummary& summary = *setting.summary;
  std::string line = shown(summary.name) + (summary.arm.empty() ? "" : " (" + shown(summary.arm) + ")");
  if (setting.valid.empty()) return line + ": no valid point\n";
  std::string figures = ms_words(summary, "pass_ms", "unwatched");
  figures += ms_words(summary, "device_ms", "of them on the device");
  figures += ms_words(summary, "traced_ms", "watched");
  figures += ms_words(summary, "sum_ms", "in the operations below");
  return line + ":" + (figures.empty() ? "" : figures.substr(1)) + "\n";
}

std::string limits_line(const BenchPoint& point) {
  const auto limits = point.details.find("limits");
  if (limits == point.details.end() || !limits->is_object()) {
    return "No limits: this device has neither measured ceilings here (assay bench machine) nor a profile.\n";
  }
  const auto rate = [&](const char* key, const char* unit) {
    const auto at = limits->find(key);
    return at != limits->end() && at->is_number() ? ", " + to_fixed(at->get<double>(), *at < 10 ? 3 : 0) + " " + unit
                                                  : std::string();
  };
  const auto word = [&](const char* key) {
    const auto at = limits->find(key);
    return at != limits->end() && at->is_string() ? shown(at->get<std::string>()) : std::string("?");
  };
  return "Limits, " + word("provenance") + " (" + word("from") + ")" + rate("read_gb_per_s", "GB/s") +
         rate("bf16_tflops", "TFLOP/s bf16") + rate("fp8_tflops", "TFLOP/s fp8") + rate("fp32_tflops", "TFLOP/s fp32") +
         ".\n";
}

std::string time_text(double us) { return to_fixed(us, us < 100 ? 2 : us < 10'000 ? 1 : 0); }

std::string time_spread(const RepeatedFigure& figure) {
  if (figure.n < 2 || figure.median <= 0) return "-";
  return "± " + to_fixed(50 * (figure.max - figure.min) / figure.median, 1) + " %";
}

/// An amount in units of `unit`, a dash for none.
std::string amount_text(double value, double unit) {
  if (value <= 0) return "-";
  return to_fixed(value / unit, value < 10 * unit ? 3 : 1);
}

std::string operations_table(const std::vector<OperationSummary>& operations) {
  std::vector<std::vector<std::string>> rows = {
      {"operation", "n", "kernels", "time µs", "share", "spread", "MB", "GFLOP", "limit µs", "of limit"}};
  OperationSummary all;
  all.limit_us = 0;
  for (const OperationSummary& one : operations) {
    const bool has_share = one.limit_us && one.time_us.median > 0;
    rows.push_back({shown(one.operation), to_text(one.n), one.n_kernels ? to_text(*one.n_kernels) : "-",
                    time_text(one.time_us.median), to_fixed(100 * one.share_ratio, 1) + " %", time_spread(one.time_us),
                    amount_text(one.bytes, 1e6), amount_text(one.flop, 1e9),
                    one.limit_us ? time_text(*one.limit_us) : "-",
                    has_share ? to_fixed(100 * *one.limit_us / one.time_us.median, 0) + " %" : "-"});
    all.time_us.median += one.time_us.median;
    all.bytes += one.bytes;
    all.flop += one.flop;
    all.limit_us = *all.limit_us + one.limit_us.value_or(0);
  }
  const bool has_limits = *all.limit_us > 0;
  rows.push_back({"all", "", "", time_text(all.time_us.median), "", "", amount_text(all.bytes, 1e6),
                  amount_text(all.flop, 1e9), has_limits ? time_text(*all.limit_us) : "-",
                  has_limits ? to_fixed(100 * *all.limit_us / all.time_us.median, 0) + " %" : "-"});
  return text_table(rows);
}

/// "decode": words of what could not be read, in the table's place.
std::string words_in_its_place(const Error& error) { return "can't be shown: " + shown(error.message) + "\n"; }

/// Medians over the repeats, by layer (-1: outside) and operation; operations in order of first appearance.
struct LayerGrid {
  std::vector<std::string> operations;
  std::map<std::int64_t, std::map<std::string, std::vector<double>>> time_us;  // by repeat
};

Result<LayerGrid> layer_grid(const std::vector<BenchPoint>& repeats) {
  LayerGrid grid;
  for (std::size_t repeat = 0; repeat < repeats.size(); ++repeat) {
    ASSAY_ASSIGN(const std::vector<LayerOperation> operations, read_operations(repeats[repeat]));
    for (const LayerOperation& one : operations) {
      if (std::find(grid.operations.begin(), grid.operations.end(), one.operation) == grid.operations.end()) {
        grid.operations.push_back(one.operation);
      }
      std::vector<double>& times = grid.time_us[one.layer.value_or(-1)][one.operation];
      times.resize(repeats.size());
      times[repeat] += one.time_us;
    }
  }
  return grid;
}

std::string grid_table(const LayerGrid& grid) {
  std::vector<std::vector<std::string>> rows(1, {"layer", "time µs"});
  rows[0].insert(rows[0].end(), grid.operations.begin(), grid.operations.end());
  for (std::string& head : rows[0]) head = shown(head);
  const auto add_row = [&](std::int64_t layer) {
    const auto at = grid.time_us.find(layer);
    if (at == grid.time_us.end()) return;
    std::vector<std::string> row = {layer < 0 ? "outside" : to_text(layer), ""};
    double sum = 0;
    for (const std::string& operation : grid.operations) {
      const auto times = at->second.find(operation);
      if (times == at->second.end()) {
        row.emplace_back("-");
        continue;
      }
      const double median = repeated_figure(times->second).median;
      sum += median;
      row.push_back(time_text(median));
    }
    row[1] = time_text(sum);
    rows.push_back(std::move(row));
  };
  for (const auto& [layer, times] : grid.time_us) {
    if (layer >= 0) add_row(layer);
  }
  add_row(-1);
  return text_table(rows);
}

}  // namespace

Json to_json(const LayerOperation& operation) {
  return {{"pass", operation.pass},
          {"layer", value_or_null(operation.layer)},
          {"operation", operation.operation},
          {"start_us", operation.start_us},
          {"time_us", operation.time_us},
          {"stddev_us", value_or_null(operation.stddev_us)},
          {"n_kernels", value_or_null(operation.n_kernels)},
          {"bytes", operation.bytes},
          {"flop", operation.flop},
          {"limit_us", value_or_null(operation.limit_us)}};
}

Json to_json(const LimitRates& rates) {
  return {{"read_gb_per_s", value_or_null(rates.read_gb_per_s)},
          {"bf16_tflops", value_or_null(rates.bf16_tflops)},
          {"fp8_tflops", value_or_null(rates.fp8_tflops)},
          {"fp32_tflops", value_or_null(rates.fp32_tflops)},
          {"provenance", rates.provenance},
          {"from", rates.from}};
}

Result<std::vector<LayerOperation>> read_operations(const BenchPoint& point) {
  const std::string where = "point " + point.key.name + ": details.operations";
  const auto list = point.details.find("operations");
  if (list == point.details.end() || !list->is_array()) return bad_input(where, " must be a list");
  if (list->size() > kMostOperations) {
    return bad_input(where, ": has ", list->size(), " entries, at most ", kMostOperations, " are read");
  }
  std::vector<LayerOperation> operations;
  operations.reserve(list->size());
  for (const Json& entry : *list) {
    ASSAY_ASSIGN(const JsonObject fields, JsonObject::of(entry, where + "[" + std::to_string(operations.size()) + "]"));
    ASSAY_ASSIGN(LayerOperation operation, read_operation(fields));
    operations.push_back(std::move(operation));
  }
  return operations;
}

Result<std::vector<OperationSummary>> summarise_operations(std::span<const BenchPoint> repeats) {
  std::vector<OperationSummary> summaries;
  std::vector<std::vector<double>> times;  // of each, by repeat
  for (std::size_t repeat = 0; repeat < repeats.size(); ++repeat) {
    ASSAY_ASSIGN(const std::vector<LayerOperation> operations, read_operations(repeats[repeat]));
    for (const LayerOperation& one : operations) {
      auto at = std::find_if(summaries.begin(), summaries.end(),
                             [&](const OperationSummary& s) { return s.operation == one.operation; });
      const auto index = static_cast<std::size_t>(at - summaries.begin());
      if (at == summaries.end()) {
        OperationSummary& fresh = summaries.emplace_back();
        fresh.operation = one.operation;
        fresh.limit_us = 0;
        times.emplace_back(repeats.size());
      }
      OperationSummary& summary = summaries[index];
      times[index][repeat] += one.time_us;
      if (repeat > 0) continue;  // what must be done is the same in every repeat
      ++summary.n;
      summary.bytes += one.bytes;
      summary.flop += one.flop;
      if (one.n_kernels) summary.n_kernels = summary.n_kernels.value_or(0) + *one.n_kernels;
      summary.limit_us =
          summary.limit_us && one.limit_us ? std::optional(*summary.limit_us + *one.limit_us) : std::nullopt;
    }
  }
  double all_us = 0;
  for (std::size_t i = 0; i < summaries.size(); ++i) {
    summaries[i].time_us = repeated_figure(times[i]);
    all_us += summaries[i].time_us.median;
  }
  for (OperationSummary& summary : summaries) {
    summary.share_ratio = all_us > 0 ? summary.time_us.median / all_us : 0;
  }
  return summaries;
}

std::string layers_text(std::span<const BenchPoint> points) {
  const std::vector<PointSummary> summaries = summarise_points(points);
  std::string text;
  for (const SettingPoints& setting : points_by_setting(summaries, points)) {
    text += (text.empty() ? "" : "\n") + head_line(setting);
    if (setting.valid.empty()) continue;
    const auto operations = summarise_operations(setting.valid);
    text += operations ? operations_table(*operations) + limits_line(setting.valid.front())
                       : words_in_its_place(operations.error());
  }
  return text;
}

std::string layer_by_layer_text(std::span<const BenchPoint> points) {
  const std::vector<PointSummary> summaries = summarise_points(points);
  std::string text;
  for (const SettingPoints& setting : points_by_setting(summaries, points)) {
    if (setting.valid.empty()) continue;
    const auto grid = layer_grid(setting.valid);
    text += (text.empty() ? "" : "\n") + shown(setting.summary->name) + ", layer by layer, µs\n" +
            (grid ? grid_table(*grid) : words_in_its_place(grid.error()));
  }
  return text;
}

}  // namespace assay::results
