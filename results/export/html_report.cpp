// Stored runs as one page that needs nothing else: no script, no network, charts inline, light and dark.
#include <algorithm>

#include "harness/base/text.h"
#include "results/cost/run_cost.h"
#include "results/export/export_parts.h"
#include "results/export/svg_charts.h"
#include "results/summary.h"

namespace assay::results {

namespace {

constexpr std::size_t kMostPointsOfLine = 600;

/// A run with what its charts draw.
struct ReportedRun {
  RunSummary summary;
  std::string label;  ///< unescaped
  std::vector<double> e2e_ms, ttft_ms, n_output_tokens;
  std::vector<LineSeries> power;  ///< by GPU
};

using Cells = std::vector<std::string>;  // escaped

constexpr std::string_view kStyle = R"(
:root{--page:#f6f7f9;--card:#fff;--ink:#1b2430;--soft:#5b6878;--rule:#dde2e8;--s0:#2f6fb2;--s1:#c2571a;--s2:#3a8a5c;
--s3:#8a4fa3;--s4:#8d7a1f;--o0:#2e8b57;--o1:#c0392b;--o2:#d69e2e;--o3:#7b6fb0;--o4:#5f6b76;--band:#a9c6e6}
@media (prefers-color-scheme:dark){:root{--page:#12161c;--card:#1b212a;--ink:#e6ebf1;--soft:#9aa7b6;--rule:#313a46;
--s0:#6ea8e0;--s1:#e39061;--s2:#6fc394;--s3:#bd8fd3;--s4:#cdb95a;--o0:#4fae7b;--o1:#dd6b5e;--o2:#dcb155;--o3:#9d92cf;
--o4:#8593a1;--band:#34557a}}
*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 60px}h1{font-size:26px;margin:0 0 2px}
h2{font-size:18px;margin:34px 0 10px}h3{font-size:14px;margin:14px 0 4px;color:var(--soft);font-weight:600}
p.lead{color:var(--soft);margin:0 0 18px}
section.card{background:var(--card);border:1px solid var(--rule);border-radius:10px;padding:16px 18px;margin:12px 0;
overflow-x:auto}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(122px,1fr));gap:10px;margin-top:12px}
.tile{border:1px solid var(--rule);border-radius:8px;padding:8px 12px}.tile b{display:block;font-size:19px;
font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:12px}
.tag{display:inline-block;border:1px solid var(--rule);border-radius:20px;padding:0 9px;font-size:12px;
color:var(--soft);margin-left:6px;vertical-align:3px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:13px;margin-top:8px}
th,td{padding:5px 8px;border-bottom:1px solid var(--rule);text-align:right;white-space:nowrap}
th{color:var(--soft);font-weight:600;white-space:normal;vertical-align:bottom}th.l,td.l{text-align:left}
svg{width:100%;height:auto;max-width:760px;display:block}
svg text{font-size:12px;fill:var(--ink)}.tick{fill:var(--soft)!important;font-size:11px!important}
.end{text-anchor:end}.middle{text-anchor:middle}.on{fill:#fff!important;font-size:11px!important}
.grid{stroke:var(--rule)}.axis{stroke:var(--soft)}.interval{fill:var(--band)}.dot{fill:var(--s0)}
rect.s0{fill:var(--s0)}.o0{fill:var(--o0)}.o1{fill:var(--o1)}.o2{fill:var(--o2)}.o3{fill:var(--o3)}.o4{fill:var(--o4)}
.line{fill:none;stroke-width:1.5}.line.s0{stroke:var(--s0)}.line.s1{stroke:var(--s1)}.line.s2{stroke:var(--s2)}
.line.s3{stroke:var(--s3)}.line.s4{stroke:var(--s4)}
footer{color:var(--soft);font-size:12.5px;margin-top:30px}
@media print{body{background:#fff}section.card{break-inside:avoid}}
)";

std::string dash_or(const std::optional<double>& value, int digits, std::string_view unit = "") {
  return value ? to_fixed(*value, digits) + std::string(unit) : "–";
}
std::string dash_or(const std::optional<std::int64_t>& value) { return value ? to_text(*value) : "–"; }
std::string percent_of(double share) { return to_fixed(100 * share, 1) + " %"; }
std::string interval_text(const std::optional<Interval>& ci95) {
  return ci95 ? to_fixed(100 * (*ci95)[0], 1) + " to " + to_fixed(100 * (*ci95)[1], 1) + " %" : "–";
}

/// Money with four significant places however small it is.
std::string dollars(const std::optional<double>& usd) {
  if (!usd) return "–";
  int digits = 2;
  for (double scale = 1; *usd > 0 && *usd < scale && digits < 10; scale /= 10) ++digits;
  return "$" + to_fixed(*usd, digits);
}

/// A standard error in percentage points.
std::string points(const std::optional<double>& error) {
  constexpr double kPointsOfWhole = 100;
  return error ? to_fixed(kPointsOfWhole * *error, 1) : "–";
}

std::string table(const Cells& heading, const std::vector<Cells>& rows, std::size_t n_left = 1) {
  std::string html = "<table><thead><tr>";
  const auto side = [&](std::size_t column) { return column < n_left ? " class=\"l\"" : ""; };
  for (std::size_t c = 0; c < heading.size(); ++c) {
    html += std::string("<th scope=\"col\"") + side(c) + ">" + heading[c] + "</th>";
  }
  html += "</tr></thead><tbody>\n";
  for (const Cells& row : rows) {
    html += "<tr>";
    for (std::size_t c = 0; c < row.size(); ++c) html += std::string("<td") + side(c) + ">" + row[c] + "</td>";
    html += "</tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::string card(std::string_view title, const std::string& content) {
  return "<h2>" + html_escaped(title) + "</h2><section class=\"card\">" + content + "</section>\n";
}

std::string tile(const std::string& value, std::string_view what) {
  return "<div class=\"tile\"><b>" + html_escaped(value) + "</b><span>" + html_escaped(what) + "</span></div>";
}

/// Every n-th point, so that a line of hours stays a small text.
void thin_out(LineSeries& series) {
  const std::size_t stride = series.points.size() / kMostPointsOfLine + 1;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < series.points.size(); i += stride) series.points[kept++] = series.points[i];
  series.points.resize(kept);
}

Result<ReportedRun> read_reported(const Store& store, const RunId& run_id) {
  ReportedRun run;
  ASSAY_ASSIGN(run.summary, summarise(store, run_id));
  const std::string& name = run.summary.run.facts.name;
  run.label = name.empty() ? run_id.value : name;
  const auto add = [](std::vector<double>& values, const std::optional<double>& value) {
    if (value) values.push_back(*value);
  };
  const auto read = store.for_each_sample(run_id, "", SampleParts::facts, [&](const SampleRecord& record) -> Result<> {
    add(run.e2e_ms, record.sample.e2e_ms);
    add(run.ttft_ms, record.sample.ttft_ms);
    if (record.sample.n_output_tokens) {
      run.n_output_tokens.push_back(static_cast<double>(*record.sample.n_output_tokens));
    }
    return {};
  });
  ASSAY_TRY(read);
  std::map<std::int64_t, LineSeries> by_gpu;
  std::vector<double> begin_ms = {0};  // of each segment on a time axis without the pauses between them
  for (const SegmentRecord& segment : run.summary.run.segments) begin_ms.push_back(begin_ms.back() + segment.wall_ms);
  const auto read_gpu =
      store.for_each_gpu_sample(run_id, [&](std::size_t segment, const GpuSample& sample) -> Result<> {
        if (!sample.power_watts) return {};
        constexpr double kMsPerSecond = 1000;
        by_gpu[sample.gpu].points.push_back({(begin_ms[segment] + sample.at_ms) / kMsPerSecond, *sample.power_watts});
        return {};
      });
  ASSAY_TRY(read_gpu);
  for (auto& [gpu, series] : by_gpu) {
    series.label = "GPU " + std::to_string(gpu);
    std::sort(series.points.begin(), series.points.end());
    thin_out(series);
    run.power.push_back(std::move(series));
  }
  return run;
}

std::string run_card(const ReportedRun& reported) {
  const RunSummary& summary = reported.summary;
  const RunRecord& run = summary.run;
  std::string html = "<section class=\"card\"><b>" + html_escaped(reported.label) + "</b><span class=\"tag\">" +
                     to_string(current_state(run)) + "</span><span class=\"tag\">" +
                     html_escaped(run.facts.provenance) + "</span>";
  std::string device = "unknown device";
  if (!run.segments.empty()) device = run.segments.front().environment.device_name;
  html += "<br>" + html_escaped(run.facts.model.name) + " on " + html_escaped(device) + "<br><small>run " +
          html_escaped(run.run_id.value) + " · " + html_escaped(run.facts.model.reference);
  if (!run.facts.model.weights_sha256.empty()) {
    html += " · weights " + html_escaped(run.facts.model.weights_sha256.substr(0, 12));
  }
  for (const auto& [tag, value] : run.facts.tags) html += " · " + html_escaped(tag) + "=" + html_escaped(value);
  html += "</small><div class=\"tiles\">";
  html += tile(dash_or(summary.n_output_tokens), "output tokens");
  html += tile(dash_or(summary.output_tokens_per_s, 1), "output tokens/s");
  html += tile(to_fixed(summary.wall_s, 1) + " s", "wall time");
  html += tile(dollars(summary.usd_total), "cost");
  html += tile(dollars(summary.usd_per_correct), "cost per correct answer");
  html += tile(summary.gpu ? dash_or(summary.gpu->energy_joules, 0, " J") : "–", "energy of the GPUs");
  html += tile(dash_or(summary.joules_per_correct, 1, " J"), "energy per correct answer");
  return html + "</div></section>\n";
}

std::string row_label(const ReportedRun& run, const SuiteSummary& suite, bool is_single) {
  return is_single ? suite.suite.facts.suite : suite.suite.facts.suite + " · " + run.label;
}

std::string accuracy_card(const std::vector<ReportedRun>& runs) {
  std::vector<IntervalRow> chart;
  std::vector<Cells> rows;
  for (const ReportedRun& run : runs) {
    for (const SuiteSummary& suite : run.summary.suites) {
      const std::string name = row_label(run, suite, runs.size() == 1);
      if (suite.accuracy) chart.push_back({name, *suite.accuracy, suite.ci95});
      const auto largest = [](const std::map<std::int64_t, double>& by_k) {
        return by_k.empty() ? "–" : percent_of(by_k.rbegin()->second) + " @" + to_text(by_k.rbegin()->first);
      };
      rows.push_back({html_escaped(suite.suite.facts.suite), html_escaped(run.label), to_text(suite.suite.n_items),
                      to_text(suite.suite.facts.samples), suite.accuracy ? percent_of(*suite.accuracy) : "–",
                      interval_text(suite.ci95), html_escaped(suite.ci95_method), points(suite.stderr_accuracy),
                      points(suite.stderr_fixed_items), largest(suite.pass_at_k), largest(suite.maj_at_k),
                      html_escaped(suite.suite.current_profile)});
    }
  }
  if (rows.empty()) return "";
  return card("Accuracy", (chart.empty() ? "" : interval_chart(chart)) +
                              table({"suite", "run", "items", "samples", "accuracy", "95 % interval", "by", "SE",
                                     "SE, these", "pass@k", "maj@k", "grader"},
                                    rows, 2));
}

std::string outcomes_card(const std::vector<ReportedRun>& runs) {
  const std::vector<std::string> names = {"correct", "incorrect", "no answer", "truncated", "error"};
  std::vector<StackedRow> chart;
  std::vector<Cells> rows;
  for (const ReportedRun& run : runs) {
    for (const SuiteSummary& summary : run.summary.suites) {
      const RunSuiteRecord& suite = summary.suite;
      if (suite.n_samples == 0) continue;
      StackedRow bar{row_label(run, summary, runs.size() == 1), {}};
      Cells row = {html_escaped(suite.facts.suite), html_escaped(run.label),
                   to_text(suite.n_samples) + " of " + to_text(suite.n_items * suite.facts.samples)};
      for (const std::int64_t n :
           {suite.n_correct, suite.n_incorrect, suite.n_no_answer, suite.n_truncated, suite.n_errors}) {
        bar.parts.push_back(static_cast<double>(n) / static_cast<double>(suite.n_samples));
        row.push_back(to_text(n) + " (" + percent_of(bar.parts.back()) + ")");
      }
      chart.push_back(std::move(bar));
      rows.push_back(std::move(row));
    }
  }
  if (rows.empty()) return "";
  Cells heading = {"suite", "run", "stored"};
  heading.insert(heading.end(), names.begin(), names.end());
  return card("Outcomes", stacked_chart(chart, names) + table(heading, rows, 2));
}

std::string latency_card(const std::vector<ReportedRun>& runs) {
  std::string charts;
  std::vector<Cells> rows;
  for (const ReportedRun& run : runs) {
    const auto add = [&](std::string_view name, const Percentiles& percentiles) {
      if (percentiles.n == 0) return;
      rows.push_back({html_escaped(run.label), std::string(name), dash_or(percentiles.p50, 1),
                      dash_or(percentiles.p90, 1), dash_or(percentiles.p99, 1), to_text(percentiles.n)});
    };
    add("time to first token", run.summary.ttft_ms);
    add("between tokens, mean of a sample", run.summary.itl_ms);
    add("end to end", run.summary.e2e_ms);
    if (!run.e2e_ms.empty()) {
      charts += "<h3>" + html_escaped(run.label) + ": end to end</h3>" + histogram(run.e2e_ms, "ms");
    }
    if (!run.ttft_ms.empty()) {
      charts += "<h3>" + html_escaped(run.label) + ": time to first token</h3>" + histogram(run.ttft_ms, "ms");
    }
  }
  if (rows.empty()) return "";
  return card("Latency", charts + table({"run", "ms", "p50", "p90", "p99", "samples"}, rows, 2));
}

std::string length_card(const std::vector<ReportedRun>& runs) {
  std::string charts;
  for (const ReportedRun& run : runs) {
    if (run.n_output_tokens.empty()) continue;
    charts += "<h3>" + html_escaped(run.label) + "</h3>" + histogram(run.n_output_tokens, "output tokens of a sample");
  }
  return charts.empty() ? "" : card("Length of the replies", charts);
}

std::string throughput_card(const std::vector<ReportedRun>& runs) {
  std::vector<BarRow> bars;
  std::vector<Cells> rows;
  for (const ReportedRun& run : runs) {
    const RunSummary& summary = run.summary;
    if (summary.output_tokens_per_s) bars.push_back({run.label, *summary.output_tokens_per_s});
    rows.push_back({html_escaped(run.label), dash_or(summary.output_tokens_per_s, 1),
                    dash_or(summary.requests_per_s, 2), dash_or(summary.n_prompt_tokens),
                    dash_or(summary.n_cached_prompt_tokens), dash_or(summary.n_output_tokens),
                    dollars(summary.usd_per_mtok_input), dollars(summary.usd_per_mtok_output),
                    dash_or(summary.joules_per_output_token, 3)});
  }
  return card("Throughput and cost",
              (bars.empty() ? "" : "<h3>output tokens/s</h3>" + bar_chart(bars, "output tokens/s")) +
                  table({"run", "output tokens/s", "requests/s", "prompt tokens", "cached", "output tokens",
                         "input $/Mtok", "output $/Mtok", "J/output token"},
                        rows));
}

/// The energy of one run, in words; a dash with the reason where it is not known.
std::string net_cell(const NetEnergy& net) {
  if (!net.joules) return "– <small>" + html_escaped(net.reason) + "</small>";
  return dash_or(net.joules, 0, " J") + " <small>idle " + dash_or(net.idle_watts, 1, " W") + ", " +
         html_escaped(net.provenance) + "</small>";
}

std::string energy_card(const std::vector<ReportedRun>& runs) {
  std::vector<BarRow> bars;
  std::vector<Cells> rows;
  for (const ReportedRun& run : runs) {
    if (!run.summary.gpu) continue;
    const GpuActivity& gpu = *run.summary.gpu;
    if (run.summary.joules_per_correct) bars.push_back({run.label, *run.summary.joules_per_correct});
    const auto check = gpu.energy_check;
    rows.push_back(
        {html_escaped(run.label),
         gpu.energy_joules
             ? dash_or(gpu.energy_joules, 0, " J") + " <small>by the " + to_string(*gpu.energy_source) + "</small>"
             : "– <small>" + html_escaped(gpu.energy_reason) + "</small>",
         net_cell(run.summary.net_energy),
         check ? dash_or(check->counter_joules, 0, " J") + " / " + dash_or(check->power_joules, 0, " J") : "–",
         dash_or(run.summary.joules_per_output_token, 3), dash_or(run.summary.joules_per_correct, 1)});
  }
  if (rows.empty()) return "";
  std::string panel;
  if (!bars.empty()) {
    bars.push_back({"a brain: 20 W for 12 minutes (calculated)", kBrainJoulesPerItem});
    panel = "<h3>Twenty watts: joules per correct answer, a comparison of scale, not of skill</h3>" +
            bar_chart(bars, "joules per correct answer") +
            "<p>The brain's bar is arithmetic: 20 W at AIME's pace, 15 items in 180 minutes.</p>";
  }
  return card(
      "Energy of the devices",
      table({"run", "gross", "net of idle", "counter / power over time", "J/output token", "J/correct answer"}, rows) +
          panel);
}

std::string power_card(const std::vector<ReportedRun>& runs) {
  std::string charts;
  for (const ReportedRun& run : runs) {
    if (run.power.empty()) continue;
    charts += "<h3>" + html_escaped(run.label) + "</h3>" + line_chart(run.power, "watts");
    const auto& watts = run.summary.gpu->power_watts;
    if (watts) {
      charts += "<p>" + to_fixed(watts->mean, 0) + " W on average, " + to_fixed(watts->min, 0) + " to " +
                to_fixed(watts->max, 0) + " W; each line is a GPU, pauses between segments are left out.</p>";
    }
  }
  return charts.empty() ? "" : card("GPU power", charts);
}

std::string measurements_card(const std::vector<ReportedRun>& runs) {
  std::vector<Cells> rows;
  for (const ReportedRun& run : runs) {
    for (const Measurement& figure : run.summary.run.facts.measurements) {
      rows.push_back({html_escaped(run.label), html_escaped(figure.name), html_escaped(figure.metric),
                      to_text(figure.value), figure.stddev ? to_text(*figure.stddev) : "–", dash_or(figure.n),
                      html_escaped(run.summary.run.facts.provenance)});
    }
  }
  if (rows.empty()) return "";
  return card("Measurements", table({"run", "name", "metric", "value", "± stddev", "n", "provenance"}, rows, 3));
}

}  // namespace

Result<> export_html(const Store& store, std::span<const RunId> runs, const TextSink& sink) {
  std::vector<ReportedRun> reported;
  for (const RunId& run_id : runs) {
    ASSAY_ASSIGN(ReportedRun run, read_reported(store, run_id));
    reported.push_back(std::move(run));
  }
  std::string title = reported.size() == 1 ? reported[0].label : std::to_string(reported.size()) + " runs";
  std::string html =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>Assay: " +
      html_escaped(title) + "</title>\n<style>" + std::string(kStyle) + "</style></head>\n<body><main>\n<h1>" +
      html_escaped(title) +
      "</h1><p class=\"lead\">Assay report. Every figure carries its run's provenance; a dash is "
      "what is not known.</p>\n";
  for (const ReportedRun& run : reported) html += run_card(run);
  html += accuracy_card(reported) + outcomes_card(reported) + throughput_card(reported) + latency_card(reported) +
          length_card(reported) + energy_card(reported) + power_card(reported) + measurements_card(reported);
  html +=
      "<footer>Accuracy is the mean over items of the mean over samples; intervals hold 95 % for questions like "
      "these, by the method named. Only <i>correct</i> scores; the other outcomes are never merged. Percentiles "
      "appear from 10 samples (p90) and 100 samples (p99) on.</footer>\n</main></body></html>\n";
  return sink(html);
}

}  // namespace assay::results
