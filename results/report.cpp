#include "results/report.h"

#include <charconv>

#include "harness/base/text.h"
#include "results/cost/run_cost.h"
#include "results/endpoint_use.h"
#include "results/run_time.h"
#include "results/text_table.h"

namespace assay::results {

namespace {

using Rows = std::vector<std::vector<std::string>>;

std::string percent(double ratio) { return to_fixed(100 * ratio, 1) + " %"; }

/// A standard error in percentage points.
std::string points_or_dash(const std::optional<double>& error) { return error ? to_fixed(100 * *error, 1) : "-"; }

std::string interval(const Interval& ci95) {
  return to_fixed(100 * ci95[0], 1) + " to " + to_fixed(100 * ci95[1], 1) + " %";
}

/// What is not known is a dash, never 0.
std::string fixed_or_dash(const std::optional<double>& value, int digits) {
  return value ? to_fixed(*value, digits) : "-";
}
std::string count_or_dash(const std::optional<std::int64_t>& value) { return value ? to_text(*value) : "-"; }

/// Money with four significant places however small it is.
std::string usd_or_dash(const std::optional<double>& usd) {
  if (!usd) return "-";
  int digits = 2;
  for (double scale = 1; *usd > 0 && *usd < scale && digits < 10; scale /= 10) ++digits;
  return std::string("$").append(to_fixed(*usd, digits));
}

std::string heading(const RunRecord& run) {
  std::string text = "Run " + shown(run.run_id.value);
  if (!run.facts.name.empty()) text += "  " + shown(run.facts.name);
  text += "  (" + to_string(current_state(run)) + ")";
  return text + "  " + run.facts.provenance + "\n";
}

/// "1.3e-07": a figure whose power of ten is what matters.
std::string scientific(double value) {
  char buffer[32];
  const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific, 1);
  return code == std::errc() ? std::string(buffer, end) : "-";
}

/// A row for each canary that differs from the one before: equal rows were computed alike, to the bit.
void add_canaries(const RunRecord& run, Rows& rows) {
  std::vector<std::string> last;
  for (const SegmentRecord& segment : run.segments) {
    const Json canary = canary_of(segment.environment);
    if (canary.is_null()) continue;
    const auto text = [&](const char* key) {
      const auto at = canary.find(key);
      return at != canary.end() && at->is_string() ? at->get<std::string>() : std::string("-");
    };
    std::vector<std::string> row = {"canary", "logits " + shown(text("logits_sha256").substr(0, 12))};
    if (canary.contains("failure")) row = {"canary", shown(text("failure"))};
    const auto divergence = canary.find("mean_kl_divergence");
    if (divergence != canary.end() && divergence->is_number()) {
      row.push_back("KL " + scientific(divergence->get<double>()) + " from the stored reference");
    }
    if (row != last) rows.push_back(row);
    last = row;
  }
}

/// "held back to 165 GB/s one way"; empty where they weren't.
std::string held_link_text(const RunRecord& run) {
  if (run.segments.empty()) return {};
  const Json& details = run.segments.front().environment.details;
  const auto device = details.find("device");
  if (device == details.end() || !device->is_object()) return {};
  const auto rate = device->find("link_gb_per_s");
  if (rate == device->end() || !rate->is_number()) return {};
  return "held back to " + to_text(rate->get<double>()) + " GB/s one way";
}

std::string machine(const RunRecord& run) {
  Rows rows = {{"model", shown(run.facts.model.name), shown(run.facts.model.reference)}};
  if (!run.facts.model.weights_sha256.empty()) {
    rows[0].push_back("weights " + shown(run.facts.model.weights_sha256.substr(0, 12)));
  }
  for (const SegmentRecord& segment : run.segments) {
    const EnvironmentFacts& environment = segment.environment;
    std::vector<std::string> row = {"hardware", shown(environment.device_kind), shown(environment.device_name),
                                    shown(environment.os)};
    if (rows.size() == 1 || row != rows.back()) rows.push_back(std::move(row));
  }
  if (const std::string link = held_link_text(run); !link.empty()) rows.push_back({"links", link});
  if (const Ranks ranks = ranks_of(run.segments); ranks.n_ranks > 1) {
    rows.push_back(
        {"ranks", to_text(ranks.n_ranks), "on " + to_text(ranks.n_hosts) + (ranks.n_hosts == 1 ? " host" : " hosts")});
  }
  if (const auto use = endpoint_use(run)) rows.push_back({"sent", sent_text(*use)});
  if (run.facts.hardware_profile) rows.push_back({"profile", shown(*run.facts.hardware_profile)});
  if (!run.segments.empty()) {
    const EnvironmentFacts& environment = run.segments.front().environment;
    rows.push_back({"build", shown(environment.build_version), shown(environment.build_git_commit)});
  }
  add_canaries(run, rows);
  return text_table(rows, {1, 2, 3});
}

/// A suite with more tags than this is shown as a whole; a row for each would bury the result.
constexpr std::size_t kMostTags = 20;

std::string accuracy(const RunSummary& summary) {
  Rows rows = {{"suite", "items", "samples", "accuracy", "95 % interval", "by", "SE", "SE, these", "pass@k", "maj@k"}};
  for (const SuiteSummary& suite : summary.suites) {
    const auto largest_k = [](const std::map<std::int64_t, double>& by_k) {
      return by_k.empty() ? std::string("-") : percent(by_k.rbegin()->second) + " @" + to_text(by_k.rbegin()->first);
    };
    rows.push_back({shown(suite.suite.facts.suite), to_text(suite.suite.n_items), to_text(suite.suite.facts.samples),
                    suite.accuracy ? percent(*suite.accuracy) : "-", suite.ci95 ? interval(*suite.ci95) : "-",
                    suite.ci95_method, points_or_dash(suite.stderr_accuracy), points_or_dash(suite.stderr_fixed_items),
                    largest_k(suite.pass_at_k), largest_k(suite.maj_at_k)});
    if (suite.by_tag.size() > kMostTags) {
      rows.push_back({"  (" + to_text(static_cast<std::int64_t>(suite.by_tag.size())) + " tags: see --json)"});
      continue;
    }
    for (const TagSummary& tag : suite.by_tag) {
      rows.push_back({"  " + (tag.tag.empty() ? "(no tag)" : shown(tag.tag)), to_text(tag.n_items), "",
                      percent(tag.accuracy), interval(tag.ci95)});
    }
  }
  return text_table(rows, {5});
}

/// The accuracy if the samples that gave no usable answer were all wrong, and if they were all right.
std::string possible(const std::optional<Interval>& bounds) {
  if (!bounds) return "-";
  return (*bounds)[0] == (*bounds)[1] ? percent((*bounds)[0]) : interval(*bounds);
}

/// How many of the stored samples, and what share: "12 (5.0 %)"; no share of none.
std::string rate(std::int64_t n, const RunSuiteRecord& suite) {
  if (n == 0) return "0";
  return to_text(n) + " (" + percent(static_cast<double>(n) / static_cast<double>(suite.n_samples)) + ")";
}

std::string outcomes(const RunSummary& summary) {
  Rows rows = {{"suite", "stored", "correct", "incorrect", "no answer", "truncated", "errors", "possible", "grader"}};
  for (const SuiteSummary& summarised : summary.suites) {
    const RunSuiteRecord& suite = summarised.suite;
    rows.push_back({shown(suite.facts.suite),
                    to_text(suite.n_samples) + "/" + to_text(suite.n_items * suite.facts.samples),
                    rate(suite.n_correct, suite), rate(suite.n_incorrect, suite), rate(suite.n_no_answer, suite),
                    rate(suite.n_truncated, suite), rate(suite.n_errors, suite), possible(summarised.accuracy_bounds),
                    shown(suite.current_profile)});
  }
  return text_table(rows, {8});
}

std::string latency(const RunSummary& summary) {
  Rows rows = {{"ms", "p50", "p90", "p99", "n"}};
  const auto add = [&](std::string name, const Percentiles& percentiles) {
    rows.push_back({std::move(name), fixed_or_dash(percentiles.p50, 1), fixed_or_dash(percentiles.p90, 1),
                    fixed_or_dash(percentiles.p99, 1), to_text(percentiles.n)});
  };
  add("TTFT", summary.ttft_ms);
  add("ITL (mean of a sample)", summary.itl_ms);
  add("E2E", summary.e2e_ms);
  return text_table(rows);
}

/// The mean, and the least and the largest in brackets.
std::string mean_and_range(const std::optional<ValueRange>& range, const std::string& unit) {
  if (!range) return "- " + unit;
  return to_fixed(range->mean, 0) + " " + unit + " (" + to_fixed(range->min, 0) + " to " + to_fixed(range->max, 0) +
         ")";
}

/// Why clocks were held down, and for what share of the time; an idle GPU is no throttled one.
std::string throttling(const GpuActivity& gpu) {
  std::string text;
  for (const auto& [reason, ratio] : gpu.throttled_ratio) {
    if (reason != "gpu_idle") text += (text.empty() ? "" : ", ") + shown(reason) + " " + percent(ratio);
  }
  return text.empty() ? "not throttled" : "throttled: " + text;
}

void add_gpu(const RunSummary& summary, Rows& rows) {
  if (!summary.gpu) return;
  const GpuActivity& gpu = *summary.gpu;
  if (gpu.is_gpu()) {
    rows.push_back({"device", "SM " + mean_and_range(gpu.sm_clock_mhz, "MHz"), mean_and_range(gpu.power_watts, "W"),
                    mean_and_range(gpu.temperature_c, "°C"), throttling(gpu)});
  }
  if (!gpu.energy_joules) {
    rows.push_back({"energy", "- (" + gpu.energy_reason + ")"});
    return;
  }
  rows.push_back({"energy", to_fixed(*gpu.energy_joules, 0) + " J total",
                  fixed_or_dash(summary.joules_per_output_token, 3) + " J/output token",
                  fixed_or_dash(summary.joules_per_correct, 1) + " J per correct",
                  (gpu.is_gpu() ? "by the GPU's " : "by the processors' ") + to_string(*gpu.energy_source)});
  const NetEnergy& net = summary.net_energy;
  rows.push_back({"net of idle", net.joules ? to_fixed(*net.joules, 0) + " J" : "- (" + shown(net.reason) + ")"});
  if (net.joules) rows.back().push_back("idle " + fixed_or_dash(net.idle_watts, 1) + " W, " + net.provenance);
  if (gpu.energy_check) {
    rows.push_back({"cross-check", to_fixed(gpu.energy_check->power_joules, 0) + " J",
                    "power over time, " + percent(gpu.energy_check->difference_ratio) + " apart"});
  }
}

std::string why_no_cost(const RunRecord& run) {
  if (run.facts.price_usd_per_gpu_hour) return "recorded outputs were not timed";
  if (!endpoint_use(run)) return "no --price-usd-per-gpu-hour";
  return "the endpoint's price is not known, or not all token counts";
}

std::string amounts(const RunSummary& summary) {
  Rows rows = {
      {"tokens", "prompt " + count_or_dash(summary.n_prompt_tokens),
       "cached " + count_or_dash(summary.n_cached_prompt_tokens), "output " + count_or_dash(summary.n_output_tokens)},
      {"throughput", fixed_or_dash(summary.output_tokens_per_s, 1) + " output tokens/s",
       fixed_or_dash(summary.requests_per_s, 2) + " requests/s", "wall " + to_fixed(summary.wall_s, 1) + " s"}};
  if (const auto& device = summary.device_time) {
    constexpr double kMsPerSecond = 1000;
    const double all_ms = device->prefill_ms + device->decode_ms + device->idle_ms;
    rows.push_back({"device", "prefill " + to_fixed(device->prefill_ms / kMsPerSecond, 1) + " s",
                    "decode " + to_fixed(device->decode_ms / kMsPerSecond, 1) + " s",
                    all_ms > 0 ? "waiting " + to_fixed(100 * device->idle_ms / all_ms, 1) + " %" : "-"});
  }
  add_gpu(summary, rows);
  if (summary.joules_per_correct) {
    rows.push_back({"twenty watts", fixed_or_dash(summary.joules_per_correct, 1) + " J per correct",
                    "a brain at 20 W for 12 min: " + to_fixed(kBrainJoulesPerItem, 0) + " J",
                    "scale, not skill (calculated)"});
  }
  if (summary.n_drafted_tokens > 0) {
    rows.push_back({"speculation", "drafted " + to_text(summary.n_drafted_tokens),
                    "accepted " + to_text(summary.n_accepted_tokens)});
  }
  if (summary.usd_total) {
    rows.push_back({"cost", usd_or_dash(summary.usd_total) + " total",
                    usd_or_dash(summary.usd_per_correct) + " per correct",
                    usd_or_dash(summary.usd_per_mtok_input) + "/Mtok input",
                    usd_or_dash(summary.usd_per_mtok_output) + "/Mtok output"});
    if (const auto& price = summary.endpoint_price) {
      rows.push_back({"price sheet", shown(price->provider + " " + price->model), shown(price->citation.source),
                      "read " + price->citation.date, "failed attempts not counted"});
    }
  } else {
    rows.push_back({"cost", "- (" + why_no_cost(summary.run) + ")"});
  }
  return text_table(rows, {1, 2, 3, 4});
}

/// Six significant digits: "13170.7", "0.000213".
std::string significant(double value) {
  char buffer[32];
  const auto [end, code] = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, 6);
  return code == std::errc() ? std::string(buffer, end) : "-";
}

/// Rows of another program's benchmarks, and published scores.
std::string measurements(const RunFacts& facts) {
  if (facts.measurements.empty()) return "";
  Rows rows = {{"measurement", "metric", "value", "± stddev", "n"}};
  for (const Measurement& figure : facts.measurements) {
    rows.push_back({shown(figure.name), shown(figure.metric), significant(figure.value),
                    figure.stddev ? significant(*figure.stddev) : "-", count_or_dash(figure.n)});
  }
  return "\n" + text_table(rows, {1});
}

}  // namespace

std::string report_text(const RunSummary& summary) {
  const std::string points = points_text(summary.points);
  const std::string shown_points = points.empty() ? "" : "\n" + points;
  const std::string head = heading(summary.run) + machine(summary.run);
  if (summary.suites.empty()) return head + shown_points + measurements(summary.run.facts);
  return head + "\n" + accuracy(summary) + "\n" + outcomes(summary) + "\n" + latency(summary) + "\n" +
         amounts(summary) + shown_points + measurements(summary.run.facts);
}

}  // namespace assay::results
