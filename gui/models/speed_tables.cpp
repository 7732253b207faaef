// Times and benchmarks as tables.
#include <map>

#include "gui/models/plain_text.h"
#include "gui/models/speed.h"
#include "harness/base/text.h"

namespace assay::gui {

namespace {

using results::Measurement;

TableCell percentile_cell(const std::optional<double>& value, const results::Percentiles& of, const QString& least) {
  return figure_cell(value, number_text, "n: " + counted(of.n, "sample"),
                     of.n == 0 ? QString("not timed") : counted(of.n, "sample") + "; this percentile needs " + least);
}

bool is_token_rate(const std::string& metric) { return metric.find("tokens_per_s") != std::string::npos; }

}  // namespace

QString conditions_of(const Measurement& figure) {
  QStringList lines;
  for (const auto& [key, value] : figure.details.items()) {
    lines << visible_text(key) + ": " +
                 (value.is_string() ? visible_text(value.get<std::string>()) : visible_text(value.dump()));
  }
  return lines.join('\n');
}

Table percentiles_table(const SpeedAnswer& answer) {
  Table table;
  table.name = "Percentiles of latency";
  table.columns = {
      {"run", "", false},
      {"metric", "milliseconds", false},
      {"n", "samples that know it; with a prompt from the cache there is no time to the first token", true},
      {"p50", "", true},
      {"p90", "needs 10 samples", true},
      {"p99", "needs 100 samples", true},
      {"provenance", "", false}};
  for (const SpeedRun& run : answer.runs) {
    if (run.summary.suites.empty()) continue;  // holds figures alone
    for (const LatencyMetric metric : {LatencyMetric::ttft_ms, LatencyMetric::itl_ms, LatencyMetric::e2e_ms}) {
      const results::Percentiles& of = run.percentiles(metric);
      table.rows.push_back({text_cell(run.title, {}, CellTone::strong), text_cell(latency_metric_text(metric)),
                            figure_cell(static_cast<double>(of.n), number_text), percentile_cell(of.p50, of, "1"),
                            percentile_cell(of.p90, of, "10"), percentile_cell(of.p99, of, "100"),
                            text_cell(visible_text(run.summary.run.facts.provenance))});
    }
  }
  return table;
}

Table device_time_table(const SpeedAnswer& answer) {
  Table table;
  table.name = "What the devices did";
  table.columns = {{"run", "", false},
                   {"wall s", "", true},
                   {"prefill s", "worked on prompts", true},
                   {"decode s", "worked on generated tokens", true},
                   {"waiting s", "for the host, between two passes", true},
                   {"output tokens/s", "of the whole run", true},
                   {"per device", "output tokens/s of a device", true},
                   {"accepted drafts", "of drafted tokens", true}};
  for (const SpeedRun& run : answer.runs) {
    if (run.summary.suites.empty()) continue;  // holds figures alone
    const results::RunSummary& summary = run.summary;
    const auto& time = summary.device_time;
    const QString reason = "no process of the run told its device's time (a CPU has no device beside it)";
    const auto seconds = [&](std::optional<double> ms) {
      return figure_cell(ms ? std::optional(*ms / 1000) : std::nullopt, number_text,
                         "provenance: " + visible_text(summary.run.facts.provenance), reason);
    };
    const auto rate = summary.output_tokens_per_s;
    const QString untimed = "recorded or imported outputs were not timed";
    table.rows.push_back(
        {text_cell(run.title, {}, CellTone::strong), figure_cell(summary.wall_s, number_text),
         seconds(time ? std::optional(time->prefill_ms) : std::nullopt),
         seconds(time ? std::optional(time->decode_ms) : std::nullopt),
         seconds(time ? std::optional(time->idle_ms) : std::nullopt),
         figure_cell(rate, number_text, "provenance: " + visible_text(summary.run.facts.provenance), untimed),
         figure_cell(rate ? std::optional(*rate / run.n_devices()) : std::nullopt, number_text,
                     counted(run.n_devices(), "device"), untimed),
         figure_cell(summary.n_drafted_tokens > 0 ? std::optional(static_cast<double>(summary.n_accepted_tokens) /
                                                                  static_cast<double>(summary.n_drafted_tokens))
                                                  : std::nullopt,
                     share_text, {}, "nothing was drafted")});
  }
  return table;
}

Table token_rates_table(const SpeedAnswer& answer) {
  Table table;
  table.name = "Rates of tokens without samples";
  table.columns = {{"run", "", false},     {"figure", "", false}, {"metric", "", false},    {"value", "", true},
                   {"± stddev", "", true}, {"n", "", true},       {"provenance", "", false}};
  for (const SpeedRun& run : answer.runs) {
    for (const Measurement& figure : run.summary.run.facts.measurements) {
      if (!is_token_rate(figure.metric)) continue;
      table.rows.push_back({text_cell(run.title, {}, CellTone::strong), text_cell(visible_text(figure.name)),
                            text_cell(visible_text(figure.metric)),
                            figure_cell(figure.value, number_text, conditions_of(figure)),
                            figure_cell(figure.stddev, number_text, {}, "not stated"),
                            figure_cell(figure.n ? std::optional(static_cast<double>(*figure.n)) : std::nullopt,
                                        number_text, {}, "not stated"),
                            text_cell(visible_text(run.summary.run.facts.provenance))});
    }
  }
  return table;
}

}  // namespace assay::gui
