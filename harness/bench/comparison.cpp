#include "harness/bench/comparison.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/base/text.h"
#include "results/analysis/moments.h"
#include "results/analysis/paired.h"
#include "results/text_table.h"

namespace assay::bench {

namespace {

struct Metric {
  const char* name;
  bool is_better_higher;
};

/// Few, since every further one takes from the power of the others: one a question.
std::span<const Metric> metrics_of(const std::string& kind) {
  static constexpr Metric kServe[] = {{"output_tokens_per_s", true}, {"mean_ttft_ms", false}, {"p50_tpot_ms", false}};
  static constexpr Metric kDecode[] = {{"output_tokens_per_s", true}};
  static constexpr Metric kPrefill[] = {{"prompt_tokens_per_s", true}};
  if (kind == "serve") return kServe;
  if (kind == "decode") return kDecode;
  return kPrefill;
}

constexpr std::int64_t kLeastBlocks = 3;

using Arms = std::map<std::string, std::vector<const results::BenchPoint*>>;  // "a" and "b": a block's points

bool is_whole(const Arms& block) {
  for (const char* arm : {"a", "b"}) {
    const auto at = block.find(arm);
    if (at == block.end() || static_cast<std::int64_t>(at->second.size()) != kRepeatsOfBlock) return false;
    for (const results::BenchPoint* point : at->second) {
      if (!point->is_valid()) return false;
    }
  }
  return true;
}

/// The logarithm of the mean over a block's points of an arm; none where one lacks the metric.
std::optional<double> log_mean(const std::vector<const results::BenchPoint*>& points, const std::string& metric) {
  double sum = 0;
  for (const results::BenchPoint* point : points) {
    const auto at = point->figures.find(metric);
    if (at == point->figures.end() || !(at->second.value > 0)) return {};
    sum += at->second.value;
  }
  return std::log(sum / static_cast<double>(points.size()));
}

struct Sides {
  std::vector<double> a, b;  ///< logarithms, a block each
};
Sides sides_of(const std::vector<const Arms*>& blocks, const std::string& metric) {
  Sides sides;
  for (const Arms* block : blocks) {
    const auto a = log_mean(block->at("a"), metric), b = log_mean(block->at("b"), metric);
    if (!a || !b) continue;
    sides.a.push_back(*a);
    sides.b.push_back(*b);
  }
  return sides;
}

/// Holm: the smallest p-value is held against level / m, the next against level / (m - 1), until one is not below.
void decide(std::vector<MetricComparison>& metrics) {
  std::vector<MetricComparison*> by_p;
  for (MetricComparison& metric : metrics) {
    metric.verdict = "no_difference";
    by_p.push_back(&metric);
  }
  std::sort(by_p.begin(), by_p.end(), [](const auto* x, const auto* y) { return x->p_value < y->p_value; });
  for (std::size_t i = 0; i < by_p.size(); ++i) {
    if (by_p[i]->p_value >= kComparisonLevel / static_cast<double>(by_p.size() - i)) return;
    by_p[i]->verdict = (by_p[i]->ratio > 1) == by_p[i]->is_better_higher ? "b_better" : "b_worse";
  }
}

SettingComparison compare_setting(const std::string& name, const std::string& kind,
                                  const std::map<std::int64_t, Arms>& all) {
  SettingComparison comparison;
  comparison.name = name;
  std::vector<const Arms*> blocks;
  for (const auto& [block, arms] : all) {
    if (is_whole(arms)) blocks.push_back(&arms);
    for (const auto& [arm, points] : arms) {
      comparison.n_invalid +=
          std::count_if(points.begin(), points.end(), [](const results::BenchPoint* p) { return !p->is_valid(); });
    }
  }
  comparison.n_blocks = static_cast<std::int64_t>(blocks.size());
  if (comparison.n_blocks < kLeastBlocks) {
    comparison.reason = "only " + to_text(comparison.n_blocks) + " whole blocks with valid points; " +
                        to_text(kLeastBlocks) + " are needed";
    return comparison;
  }
  for (const Metric& metric : metrics_of(kind)) {
    const Sides sides = sides_of(blocks, metric.name);
    if (static_cast<std::int64_t>(sides.a.size()) < kLeastBlocks) continue;
    const auto difference = results::paired_difference(sides.b, sides.a);
    if (!difference) continue;
    const auto p_value = results::p_value_of(*difference);
    const auto interval = results::interval_of(*difference, 1 - kComparisonLevel);
    if (!p_value || !interval) continue;
    comparison.metrics.push_back({metric.name,
                                  metric.is_better_higher,
                                  std::exp(difference->difference),
                                  {std::exp((*interval)[0]), std::exp((*interval)[1])},
                                  *p_value,
                                  ""});
  }
  decide(comparison.metrics);
  const Sides lengths = sides_of(blocks, "mean_output_tokens");
  if (!lengths.a.empty()) {
    const double ratio = std::exp(*results::mean(lengths.b) - *results::mean(lengths.a));
    constexpr double kMostLonger = 1.1, kMostShorter = 0.9;  // MLPerf's bounds on mean output length
    comparison.lengths_differ = ratio > kMostLonger || ratio < kMostShorter;
  }
  return comparison;
}

}  // namespace

std::vector<char> block_order(std::int64_t block) {
  return block % 2 == 0 ? std::vector<char>{'a', 'b', 'b', 'a'} : std::vector<char>{'b', 'a', 'a', 'b'};
}

std::vector<SettingComparison> compare_arms(std::span<const results::BenchPoint> points) {
  std::vector<std::string> order;
  std::map<std::string, std::map<std::int64_t, Arms>> settings;
  std::map<std::string, std::string> kinds;
  for (const results::BenchPoint& point : points) {
    if (point.key.arm.empty()) continue;
    if (!settings.contains(point.key.name)) order.push_back(point.key.name);
    kinds[point.key.name] = point.kind;
    settings[point.key.name][point.key.repeat / kRepeatsOfBlock][point.key.arm].push_back(&point);
  }
  std::vector<SettingComparison> comparisons;
  for (const std::string& name : order) comparisons.push_back(compare_setting(name, kinds[name], settings[name]));
  return comparisons;
}

Json to_json(const SettingComparison& comparison) {
  Json metrics = Json::array();
  for (const MetricComparison& metric : comparison.metrics) {
    metrics.push_back({{"metric", metric.metric},
                       {"ratio", metric.ratio},
                       {"ci99", {metric.interval[0], metric.interval[1]}},
                       {"p_value", metric.p_value},
                       {"verdict", metric.verdict}});
  }
  return {{"name", comparison.name},
          {"n_blocks", comparison.n_blocks},
          {"n_invalid_points", comparison.n_invalid},
          {"metrics", std::move(metrics)},
          {"reason", comparison.reason.empty() ? Json() : Json(comparison.reason)},
          {"lengths_differ", comparison.lengths_differ},
          {"level", kComparisonLevel}};
}

std::string comparison_text(std::span<const SettingComparison> comparisons) {
  std::vector<std::vector<std::string>> rows = {
      {"b against a", "metric", "b / a", "99 % interval", "blocks", "verdict"}};
  std::string remarks;
  for (const SettingComparison& comparison : comparisons) {
    for (const MetricComparison& metric : comparison.metrics) {
      rows.push_back({shown(comparison.name), metric.metric, to_fixed(metric.ratio, 4),
                      to_fixed(metric.interval[0], 4) + " to " + to_fixed(metric.interval[1], 4),
                      to_text(comparison.n_blocks), metric.verdict});
    }
    if (!comparison.reason.empty()) remarks += shown(comparison.name) + ": not compared, " + comparison.reason + ".\n";
    if (comparison.lengths_differ) {
      remarks +=
          shown(comparison.name) + ": mean output lengths differ by more than a tenth; times are not of equal work.\n";
    }
  }
  return (rows.size() > 1 ? results::text_table(rows, {1, 5}) : "") + remarks;
}

}  // namespace assay::bench
