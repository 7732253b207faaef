#include "gui/models/pass_timeline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

#include "gui/models/plain_text.h"

namespace assay::gui {

namespace {

constexpr std::size_t kMostOperations = 100'000;
constexpr std::int64_t kMostLayers = 100'000;
constexpr double kMostUs = 1e12;

struct OperationFacts {
  const char* word;
  PassPart part;
};
/// In the order of a pass.
constexpr std::array<OperationFacts, 30> kOperations = {{
    {"inputs", PassPart::ends},
    {"embed", PassPart::ends},
    {"attention_norm", PassPart::norms},
    {"qkv", PassPart::products},
    {"q_a", PassPart::products},
    {"q_a_norm", PassPart::norms},
    {"q_b", PassPart::products},
    {"kv_a", PassPart::products},
    {"rope_append", PassPart::cache},
    {"key_map", PassPart::products},
    {"expand", PassPart::products},
    {"attention", PassPart::attention},
    {"merge", PassPart::attention},
    {"value_map", PassPart::products},
    {"attention_output", PassPart::products},
    {"ffn_norm", PassPart::norms},
    {"gate_up", PassPart::feed_forward},
    {"down", PassPart::feed_forward},
    {"router", PassPart::routing},
    {"sort", PassPart::routing},
    {"experts_gate_up", PassPart::experts},
    {"experts_down", PassPart::experts},
    {"shared_gate_up", PassPart::experts},
    {"shared_down", PassPart::experts},
    {"combine", PassPart::routing},
    {"residual", PassPart::norms},
    {"final_norm", PassPart::norms},
    {"head", PassPart::ends},
    {"sampling", PassPart::ends},
    {"outputs", PassPart::ends},
}};

std::size_t operation_place(const std::string& operation) {
  const auto found = std::find_if(kOperations.begin(), kOperations.end(),
                                  [&](const OperationFacts& facts) { return operation == facts.word; });
  return static_cast<std::size_t>(found - kOperations.begin());
}

std::optional<double> stored_number(const Json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number()) return std::nullopt;
  const double value = at->get<double>();
  return std::isfinite(value) && value >= 0 ? std::optional(value) : std::nullopt;
}

std::optional<std::int64_t> stored_count(const Json& object, const char* key) {
  const auto value = stored_number(object, key);
  return value && *value < 1e15 ? std::optional(static_cast<std::int64_t>(*value)) : std::nullopt;
}

std::string stored_text(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

Result<LayerOperation> read_operation(const Json& json, const std::string& where) {
  if (!json.is_object()) return bad_input(where, " must be an object");
  LayerOperation operation;
  operation.operation = stored_text(json, "operation");
  if (operation.operation.empty()) return bad_input(where, ".operation must be a word");
  const auto layer = json.find("layer");
  if (layer != json.end() && !layer->is_null()) {
    const auto number = stored_count(json, "layer");
    if (!number || *number > kMostLayers) return bad_input(where, ".layer must be a number from 0, or null");
    operation.layer = static_cast<int>(*number);
  }
  operation.pass = static_cast<int>(std::min<std::int64_t>(stored_count(json, "pass").value_or(0), kMostLayers));
  const auto start = stored_number(json, "start_us"), time = stored_number(json, "time_us");
  if (!start || *start > kMostUs) return bad_input(where, ".start_us must be a time from 0");
  if (!time || *time > kMostUs) return bad_input(where, ".time_us must be a time from 0");
  operation.start_us = *start;
  operation.time_us = *time;
  operation.stddev_us = stored_number(json, "stddev_us");
  operation.limit_us = stored_number(json, "limit_us");
  operation.bytes = stored_number(json, "bytes");
  operation.flop = stored_number(json, "flop");
  operation.n_kernels = stored_count(json, "n_kernels");
  return operation;
}

Result<std::vector<LayerOperation>> read_operations(const results::BenchPoint& point) {
  const auto listed = point.details.find("operations");
  if (listed == point.details.end() || !listed->is_array() || listed->empty()) {
    return bad_input("details.operations must be a list");
  }
  if (listed->size() > kMostOperations) return bad_input("details.operations has ", listed->size(), " entries");
  std::vector<LayerOperation> operations;
  for (std::size_t i = 0; i < listed->size(); ++i) {
    ASSAY_ASSIGN(operations.emplace_back(),
                 read_operation((*listed)[i], "details.operations[" + std::to_string(i) + "]"));
  }
  std::stable_sort(operations.begin(), operations.end(),
                   [](const LayerOperation& a, const LayerOperation& b) { return a.start_us < b.start_us; });
  return operations;
}

double traced_ms(const results::BenchPoint& point) {
  for (const char* metric : {"traced_ms", "sum_ms", "pass_ms"}) {
    const auto at = point.figures.find(metric);
    if (at != point.figures.end()) return at->second.value;
  }
  return point.wall_ms;
}

/// The believed repeat in the middle; nullptr if there is none.
const results::BenchPoint* middle_repeat(const std::vector<results::BenchPoint>& points,
                                         const results::PointSummary& summary) {
  std::vector<const results::BenchPoint*> repeats;
  for (const results::BenchPoint& point : points) {
    const bool is_meant = point.kind == "layers" && point.key.name == summary.name && point.key.arm == summary.arm;
    if (is_meant && point.is_valid()) repeats.push_back(&point);
  }
  if (repeats.empty()) return nullptr;
  std::stable_sort(repeats.begin(), repeats.end(), [](const results::BenchPoint* a, const results::BenchPoint* b) {
    return traced_ms(*a) < traced_ms(*b);
  });
  return repeats[(repeats.size() - 1) / 2];
}

void read_ceilings(const results::BenchPoint& point, PassTimeline& timeline) {
  const auto limits = point.details.find("limits");
  if (limits == point.details.end() || !limits->is_object()) return;
  QStringList rates;
  if (const auto rate = stored_number(*limits, "read_gb_per_s")) rates << bytes_per_s_text(*rate * 1e9) + " read";
  for (const auto& [key, name] : {std::pair("bf16_tflops", "BF16"), {"fp8_tflops", "FP8"}, {"fp32_tflops", "FP32"}}) {
    if (const auto rate = stored_number(*limits, key)) rates << flop_per_s_text(*rate * 1e12) + " in " + name;
  }
  if (rates.isEmpty()) return;
  const std::string provenance = stored_text(*limits, "provenance");
  timeline.are_ceilings_measured = provenance == "measured";
  timeline.ceilings = rates.join(", ") + "; " + visible_text(provenance.empty() ? "no provenance" : provenance, 40);
  if (const std::string from = stored_text(*limits, "from"); !from.empty()) {
    timeline.ceilings += (timeline.are_ceilings_measured ? " in run " : " in profile ") + visible_text(from, 60);
  }
}

QString hardware_of(const results::RunRecord& run, const results::BenchPoint& point) {
  if (point.segment >= run.segments.size()) return {};
  return visible_text(run.segments[point.segment].environment.device_name, 80);
}

template <class Value>
void add_known(std::optional<Value>& sum, const std::optional<Value>& value) {
  sum = sum && value ? std::optional(*sum + *value) : std::nullopt;
}

}  // namespace

QString pass_part_text(PassPart part) {
  switch (part) {
    case PassPart::products:
      return "attention's products";
    case PassPart::attention:
      return "attention";
    case PassPart::cache:
      return "rotation and cache";
    case PassPart::feed_forward:
      return "feed-forward";
    case PassPart::experts:
      return "experts";
    case PassPart::routing:
      return "routing";
    case PassPart::norms:
      return "norms and sums";
    case PassPart::ends:
      return "ends of the pass";
    case PassPart::other:
      break;
  }
  return "other";
}

PassPart part_of(const std::string& operation) {
  const std::size_t place = operation_place(operation);
  return place < kOperations.size() ? kOperations[place].part : PassPart::other;
}

PassTimelines pass_timelines(const std::vector<BenchedRun>& runs) {
  PassTimelines all;
  for (const BenchedRun& run : runs) {
    const results::RunSummary& summary = *run.summary;
    for (results::PointSummary& point : results::summarise_points(summary.points)) {
      if (point.kind != "layers") continue;
      const QString title = run.title + (point.arm.empty() ? QString() : " (" + visible_text(point.arm, 10) + ")");
      const QString name = title + ", " + visible_text(point.name, 80);
      if (!point.n_invalid.empty()) all.not_shown << name + ": " + invalid_text(point);
      const results::BenchPoint* middle = middle_repeat(summary.points, point);
      if (middle == nullptr) continue;
      auto operations = read_operations(*middle);
      if (!operations) {
        all.not_shown << name + ": " + visible_text(operations.error().message, 200);
        continue;
      }
      PassTimeline& timeline = all.timelines.emplace_back();
      timeline.run_id = QString::fromStdString(summary.run.run_id.value);
      timeline.title = title;
      timeline.hardware = hardware_of(summary.run, *middle);
      timeline.provenance = middle->provenance;
      timeline.operations = std::move(*operations);
      timeline.n_passes = stored_count(middle->details, "n_passes");
      timeline.clock = visible_text(stored_text(middle->details, "clock"), 40);
      read_ceilings(*middle, timeline);
      timeline.point = std::move(point);
    }
  }
  return all;
}

QStringList pass_names(const PassTimelines& timelines) {
  QStringList names;
  for (const PassTimeline& timeline : timelines.timelines) {
    const QString name = QString::fromStdString(timeline.point.name);
    if (!names.contains(name)) names << name;
  }
  return names;
}

std::vector<const PassTimeline*> timelines_of(const PassTimelines& timelines, const QString& name) {
  std::vector<const PassTimeline*> found;
  for (const PassTimeline& timeline : timelines.timelines) {
    if (QString::fromStdString(timeline.point.name) == name) found.push_back(&timeline);
  }
  return found;
}

std::vector<OperationSum> operation_sums(const PassTimeline& timeline) {
  std::vector<OperationSum> sums;
  std::map<std::string, std::size_t> known;
  std::map<std::string, std::set<int>> layers;
  std::map<std::string, double> times_us;
  for (const LayerOperation& each : timeline.operations) {
    const auto [at, is_new] = known.try_emplace(each.operation, sums.size());
    if (is_new) sums.push_back({each.operation, {}, 0.0, 0.0, 0.0, 0, 0});
    OperationSum& sum = sums[at->second];
    add_known(sum.limit_us, each.limit_us);
    add_known(sum.bytes, each.bytes);
    add_known(sum.flop, each.flop);
    add_known(sum.n_kernels, each.n_kernels);
    if (each.layer) layers[each.operation].insert(*each.layer);
    times_us[each.operation] += each.time_us;
  }
  for (OperationSum& sum : sums) {
    sum.n_layers = static_cast<std::int64_t>(layers[sum.operation].size());
    const auto figure = timeline.point.figures.find(sum.operation + "_us");
    sum.time_us =
        figure != timeline.point.figures.end() ? figure->second : results::repeated_figure({times_us[sum.operation]});
  }
  std::stable_sort(sums.begin(), sums.end(), [](const OperationSum& a, const OperationSum& b) {
    return operation_place(a.operation) < operation_place(b.operation);
  });
  return sums;
}

std::vector<std::string> operations_of(const std::vector<const PassTimeline*>& timelines) {
  std::vector<std::string> operations;
  for (const PassTimeline* timeline : timelines) {
    for (const LayerOperation& each : timeline->operations) {
      if (std::find(operations.begin(), operations.end(), each.operation) == operations.end()) {
        operations.push_back(each.operation);
      }
    }
  }
  std::stable_sort(operations.begin(), operations.end(),
                   [](const std::string& a, const std::string& b) { return operation_place(a) < operation_place(b); });
  return operations;
}

std::optional<LimitedTime> limited_time(const PassTimeline& timeline) {
  std::optional<LimitedTime> all;
  for (const LayerOperation& each : timeline.operations) {
    if (!each.limit_us) continue;
    if (!all) all.emplace();
    all->time_us += each.time_us;
    all->limit_us += *each.limit_us;
  }
  return all;
}

}  // namespace assay::gui
