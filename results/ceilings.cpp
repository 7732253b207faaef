#include "results/ceilings.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "harness/base/text.h"
#include "results/analysis/moments.h"
#include "results/gpu_activity.h"
#include "results/json_values.h"
#include "results/text_table.h"

namespace assay::results {

namespace {

std::string word_of(const Json& settings, const char* key) {
  const auto at = settings.find(key);
  return at != settings.end() && at->is_string() ? at->get<std::string>() : std::string();
}
std::optional<double> number_of(const Json& object, const char* key) {
  const auto at = object.find(key);
  return at != object.end() && at->is_number() ? std::optional(at->get<double>()) : std::nullopt;
}

/// The one figure of a ceiling's point; the rest of its figures says under which conditions.
const std::pair<const std::string, PointFigure>* ceiling_figure(const BenchPoint& point) {
  for (const char* const metric : {"gb_per_s", "tflops", "time_us", "n_links"}) {
    if (const auto at = point.figures.find(metric); at != point.figures.end()) return &*at;
  }
  return nullptr;
}

std::optional<double> median_of(const std::vector<double>& values) {
  if (values.empty()) return {};
  return *quantile(values, 0.5);  // at least one
}

/// What is collected of a ceiling before it is summed up.
struct CeilingValues {
  Ceiling ceiling;
  std::vector<double> values, clocks, watts;
  std::int64_t throttle_reasons = 0;
};

/// What is collected of a device.
struct DeviceValues {
  std::string device;
  std::vector<CeilingValues> ceilings;
  std::map<std::tuple<std::string, std::string, std::string>, std::size_t> index;  // ceiling, by, metric
  using CurveKey = std::tuple<std::string, std::string, std::int64_t, double>;     // a rate of 0: not held back
  struct SizeValues {
    std::vector<double> time_us, bus_gb_per_s;
  };
  std::vector<CurveKey> curve_order;
  std::map<CurveKey, std::map<std::int64_t, SizeValues>> curves;
};

void add_ceiling(DeviceValues& device, const BenchPoint& point) {
  const auto* figure = ceiling_figure(point);
  if (figure == nullptr) return;
  const std::string ceiling = word_of(point.settings, "ceiling"), by = word_of(point.settings, "by");
  const auto [at, is_new] = device.index.try_emplace({ceiling, by, figure->first}, device.ceilings.size());
  if (is_new) {
    CeilingValues& fresh = device.ceilings.emplace_back();
    fresh.ceiling.ceiling = ceiling;
    fresh.ceiling.by = by;
    fresh.ceiling.metric = figure->first;
    fresh.ceiling.provenance = point.provenance;
    fresh.ceiling.settings = point.settings;
  }
  CeilingValues& values = device.ceilings[at->second];
  values.values.push_back(figure->second.value);
  if (const auto clock = number_of(point.details, "sm_clock_mhz")) values.clocks.push_back(*clock);
  if (const auto watts = number_of(point.details, "power_watts")) values.watts.push_back(*watts);
  if (const auto reasons = point.details.find("throttle_reasons");
      reasons != point.details.end() && reasons->is_number_integer()) {
    values.throttle_reasons |= reasons->get<std::int64_t>();
  }
}

void add_collective(DeviceValues& device, const BenchPoint& point) {
  const auto time_us = point.figures.find("time_us"), bus = point.figures.find("bus_gb_per_s");
  const auto bytes = number_of(point.settings, "bytes"), n_ranks = number_of(point.settings, "n_ranks");
  if (time_us == point.figures.end() || bus == point.figures.end() || !bytes || !n_ranks) return;
  const DeviceValues::CurveKey key{word_of(point.settings, "operation"), word_of(point.settings, "by"),
                                   static_cast<std::int64_t>(*n_ranks),
                                   number_of(point.settings, "link_gb_per_s").value_or(0)};
  if (!device.curves.contains(key)) device.curve_order.push_back(key);
  auto& values = device.curves[key][static_cast<std::int64_t>(*bytes)];
  values.time_us.push_back(time_us->second.value);
  values.bus_gb_per_s.push_back(bus->second.value);
}

CollectiveCurve curve_of(const DeviceValues::CurveKey& key,
                         const std::map<std::int64_t, DeviceValues::SizeValues>& sizes) {
  CollectiveCurve curve;
  double held_to = 0;
  std::tie(curve.operation, curve.by, curve.n_ranks, held_to) = key;
  if (held_to > 0) curve.link_gb_per_s = held_to;
  curve.provenance = held_to > 0 ? "emulated" : "measured";
  for (const auto& [bytes, values] : sizes) {
    curve.sizes.push_back({bytes, repeated_figure(values.time_us), repeated_figure(values.bus_gb_per_s)});
  }
  return curve;
}

MachineCeilings summed_up(const DeviceValues& device) {
  MachineCeilings machine;
  machine.device = device.device;
  for (const CeilingValues& values : device.ceilings) {
    Ceiling ceiling = values.ceiling;
    ceiling.figure = repeated_figure(values.values);
    ceiling.sm_clock_mhz = median_of(values.clocks);
    ceiling.power_watts = median_of(values.watts);
    ceiling.throttled_by = throttle_reason_names(values.throttle_reasons);
    machine.ceilings.push_back(std::move(ceiling));
  }
  for (const auto& key : device.curve_order) machine.collectives.push_back(curve_of(key, device.curves.at(key)));
  return machine;
}

std::string value_cell(double value) { return to_fixed(value, value < 10 ? 2 : value < 1000 ? 1 : 0); }

std::string spread_text(const RepeatedFigure& figure) {
  if (figure.n < 2 || !(figure.median > 0)) return "-";
  return "± " + to_fixed(50 * (figure.max - figure.min) / figure.median, 1) + " %";
}

std::string unit_of(const std::string& metric) {
  return metric == "gb_per_s" ? "GB/s" : metric == "tflops" ? "TFLOP/s" : metric == "time_us" ? "us" : "links";
}

std::string size_cell(std::int64_t n_bytes) {
  constexpr std::int64_t kKiB = 1024, kMiB = 1024 * kKiB;
  if (n_bytes >= kMiB && n_bytes % kMiB == 0) return to_text(n_bytes / kMiB) + " MiB";
  return n_bytes % kKiB == 0 ? to_text(n_bytes / kKiB) + " KiB" : to_text(n_bytes) + " B";
}

std::string machine_table(const MachineCeilings& machine) {
  std::vector<std::vector<std::string>> rows = {
      {"ceiling", "by", "", "", "spread", "clock MHz", "W", "n", "held back by"}};
  for (const Ceiling& c : machine.ceilings) {
    rows.push_back({shown(c.ceiling), shown(c.by), value_cell(c.figure.median), unit_of(c.metric),
                    spread_text(c.figure), c.sm_clock_mhz ? to_fixed(*c.sm_clock_mhz, 0) : "-",
                    c.power_watts ? to_fixed(*c.power_watts, 0) : "-", to_text(c.figure.n),
                    join(c.throttled_by, ", ")});
  }
  return rows.size() > 1 ? text_table(rows, {1, 3, 8}) : "";
}

/// A row a size, ours and NCCL's side by side.
std::string collective_table(const MachineCeilings& machine) {
  using Row = std::map<std::string, const CollectiveSize*>;
  std::vector<std::pair<std::tuple<std::string, std::int64_t, double>, std::map<std::int64_t, Row>>> groups;
  for (const CollectiveCurve& curve : machine.collectives) {
    const std::tuple key{curve.operation, curve.n_ranks, curve.link_gb_per_s.value_or(0)};
    auto at = std::find_if(groups.begin(), groups.end(), [&](const auto& group) { return group.first == key; });
    if (at == groups.end()) at = groups.insert(groups.end(), {key, {}});
    for (const CollectiveSize& size : curve.sizes) at->second[size.bytes][curve.by] = &size;
  }
  std::vector<std::vector<std::string>> rows = {
      {"operation", "ranks", "held to", "bytes", "us", "spread", "GB/s", "NCCL us", "NCCL GB/s", "times as fast"}};
  for (const auto& [key, sizes] : groups) {
    const auto& [operation, n_ranks, held_to] = key;
    for (const auto& [bytes, row] : sizes) {
      const auto cell = [&](const char* by, const RepeatedFigure CollectiveSize::*figure) {
        const auto at = row.find(by);
        return at == row.end() ? std::string("-") : value_cell((at->second->*figure).median);
      };
      const auto own = row.find("own"), nccl = row.find("nccl");
      const bool has_both = own != row.end() && nccl != row.end();
      rows.push_back({shown(operation), to_text(n_ranks), held_to > 0 ? to_fixed(held_to, 0) + " GB/s" : "-",
                      size_cell(bytes), cell("own", &CollectiveSize::time_us),
                      own == row.end() ? "-" : spread_text(own->second->time_us),
                      cell("own", &CollectiveSize::bus_gb_per_s), cell("nccl", &CollectiveSize::time_us),
                      cell("nccl", &CollectiveSize::bus_gb_per_s),
                      has_both ? to_fixed(nccl->second->time_us.median / own->second->time_us.median, 2) : "-"});
    }
  }
  return rows.size() > 1 ? text_table(rows) : "";
}

}  // namespace

std::optional<double> MachineCeilings::best(std::string_view ceiling) const {
  std::optional<double> best;
  for (const Ceiling& one : ceilings) {
    if (one.ceiling != ceiling) continue;
    const bool less_is_better = one.metric == "time_us";
    if (!best || (less_is_better ? one.figure.median < *best : one.figure.median > *best)) best = one.figure.median;
  }
  return best;
}

std::vector<MachineCeilings> ceilings_of(std::span<const BenchPoint> points) {
  std::vector<DeviceValues> devices;
  for (const BenchPoint& point : points) {
    const bool is_ceiling = point.kind == kMachineKind;
    if ((!is_ceiling && point.kind != kCollectiveKind) || !point.is_valid()) continue;
    const std::string name = word_of(point.settings, "device_name");
    auto at = std::find_if(devices.begin(), devices.end(), [&](const DeviceValues& d) { return d.device == name; });
    if (at == devices.end()) at = devices.insert(devices.end(), DeviceValues{name, {}, {}, {}, {}});
    is_ceiling ? add_ceiling(*at, point) : add_collective(*at, point);
  }
  std::vector<MachineCeilings> machines;
  for (const DeviceValues& device : devices) machines.push_back(summed_up(device));
  return machines;
}

Result<std::vector<MachineCeilings>> newest_ceilings(const Store& store) {
  std::vector<MachineCeilings> newest;
  ASSAY_ASSIGN(const std::vector<RunRecord> runs, store.list_runs());  // the one started last first
  for (const RunRecord& run : runs) {
    if (run.facts.model.reference != kMachineReference || run.state != RunState::finished) continue;
    ASSAY_ASSIGN(const std::vector<BenchPoint> points, store.read_points(run.run_id));
    for (MachineCeilings& found : ceilings_of(points)) {
      auto at = std::find_if(newest.begin(), newest.end(), [&](const auto& one) { return one.device == found.device; });
      if (at == newest.end()) at = newest.insert(newest.end(), MachineCeilings{found.device, {}, 0, {}, {}, {}, {}});
      if (at->ceilings.empty() && !found.ceilings.empty()) {
        at->ceilings = std::move(found.ceilings);
        at->run_id = run.run_id;
        at->measured_at_ms = run.started_at_ms;
        at->environment_fingerprint = environment_fingerprint(run.segments.back().environment);
      }
      if (at->collectives.empty() && !found.collectives.empty()) {
        at->collectives = std::move(found.collectives);
        at->collectives_run_id = run.run_id;
      }
    }
  }
  return newest;
}

Result<std::optional<MachineCeilings>> newest_ceilings(const Store& store, std::string_view device) {
  ASSAY_ASSIGN(std::vector<MachineCeilings> all, newest_ceilings(store));
  for (MachineCeilings& machine : all) {
    if (machine.device == device) return std::optional(std::move(machine));
  }
  return std::optional<MachineCeilings>{};
}

Json to_json(const MachineCeilings& machine) {
  Json ceilings = Json::array(), collectives = Json::array();
  for (const Ceiling& c : machine.ceilings) {
    ceilings.push_back({{"ceiling", c.ceiling},
                        {"by", c.by},
                        {"metric", c.metric},
                        {"figure", to_json(c.figure)},
                        {"provenance", c.provenance},
                        {"settings", c.settings},
                        {"sm_clock_mhz", value_or_null(c.sm_clock_mhz)},
                        {"power_watts", value_or_null(c.power_watts)},
                        {"throttled_by", c.throttled_by}});
  }
  for (const CollectiveCurve& curve : machine.collectives) {
    Json sizes = Json::array();
    for (const CollectiveSize& size : curve.sizes) {
      sizes.push_back(
          {{"bytes", size.bytes}, {"time_us", to_json(size.time_us)}, {"bus_gb_per_s", to_json(size.bus_gb_per_s)}});
    }
    collectives.push_back({{"operation", curve.operation},
                           {"by", curve.by},
                           {"n_ranks", curve.n_ranks},
                           {"link_gb_per_s", value_or_null(curve.link_gb_per_s)},
                           {"provenance", curve.provenance},
                           {"sizes", std::move(sizes)}});
  }
  return {{"device", machine.device},
          {"run_id", machine.run_id.value},
          {"measured_at_ms", machine.measured_at_ms},
          {"environment_fingerprint", machine.environment_fingerprint},
          {"collectives_run_id", machine.collectives_run_id.value},
          {"ceilings", std::move(ceilings)},
          {"collectives", std::move(collectives)}};
}

std::string ceilings_text(std::span<const BenchPoint> points) {
  std::string text;
  for (const MachineCeilings& machine : ceilings_of(points)) {
    for (const std::string& table : {machine_table(machine), collective_table(machine)}) {
      if (!table.empty()) text += (text.empty() ? "" : "\n") + shown(machine.device) + "\n" + table;
    }
  }
  return text;
}

}  // namespace assay::results
