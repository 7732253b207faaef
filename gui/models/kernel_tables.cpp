// Benchmarks of kernels and collectives, beside what their device gives at most.
#include <algorithm>
#include <map>

#include "gui/models/plain_text.h"
#include "gui/models/speed.h"
#include "harness/base/text.h"

namespace assay::gui {

namespace {

using results::Measurement;

constexpr double kGiga = 1e9, kTera = 1e12;
constexpr double kBothWays = 2;  // profiles count a link's both directions together

std::optional<double> times(const std::optional<double>& value, double factor) {
  return value ? std::optional(*value * factor) : std::nullopt;
}

std::optional<double> detail_number(const Json& details, const char* key) {
  const auto at = details.find(key);
  return at != details.end() && at->is_number() ? std::optional(at->get<double>()) : std::nullopt;
}

bool names_collective(const std::string& text) {
  const std::string name = to_lower_ascii(text);
  for (const char* word : {"all_reduce", "allreduce", "all_gather", "allgather", "reduce_scatter", "all_to_all",
                           "alltoall", "broadcast", "sendrecv", "dispatch", "combine", "nccl"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  return false;
}

/// What it is held against is measured where that is known.
void set_ceilings(KernelPoint& point, const KernelCeilings& ceilings) {
  const bool is_fp8 = to_lower_ascii(point.name.toStdString()).find("fp8") != std::string::npos;
  const auto set = [&](const std::optional<DeviceCeilings>& from, bool is_measured) {
    if (!from) return;
    const auto bytes = point.is_collective ? from->link_bytes_per_s : from->memory_bytes_per_s;
    const auto flop = is_fp8 ? from->fp8_flop_per_s : from->bf16_flop_per_s;
    const bool sets_its_own =
        point.bytes_per_s ? bytes && !point.ceiling_bytes_per_s : flop && !point.ceiling_flop_per_s;
    if (sets_its_own) point.is_ceiling_measured = is_measured;
    if (!point.ceiling_bytes_per_s) point.ceiling_bytes_per_s = bytes;
    if (!point.ceiling_flop_per_s) point.ceiling_flop_per_s = flop;
  };
  set(ceilings.measured, true);
  set(ceilings.published, false);
}

/// The published figure of what a ceiling is called, in its own unit.
std::optional<double> published_of(const results::Ceiling& ceiling, const results::HardwareProfile& profile) {
  if (ceiling.metric == "gb_per_s" &&
      (ceiling.ceiling == "read" || ceiling.ceiling == "write" || ceiling.ceiling == "copy")) {
    return profile.value("memory_bandwidth_gb_per_s");
  }
  if (ceiling.metric == "tflops" && ceiling.ceiling == "bf16") return profile.value("bf16_tflops");
  if (ceiling.metric == "tflops" && ceiling.ceiling == "fp8") return profile.value("fp8_tflops");
  return std::nullopt;
}

const results::HardwareProfile* profile_of_machine(const results::MachineCeilings& machine,
                                                   const std::vector<results::HardwareProfile>& profiles) {
  const auto* gpu = results::match_hardware(profiles, "gpu", machine.device, std::nullopt);
  return gpu != nullptr ? gpu : results::match_hardware(profiles, "cpu", machine.device, std::nullopt);
}

/// The measured ceilings of the profile's device, and the published ones; without a profile the only machine's.
KernelCeilings ceilings_of(const SpeedAnswer& answer, const std::vector<results::HardwareProfile>& profiles,
                           const std::optional<results::HardwareProfile>& profile) {
  KernelCeilings ceilings;
  if (profile) ceilings.published = published_ceilings(*profile);
  for (const results::MachineCeilings& machine : answer.machines) {
    const results::HardwareProfile* of = profile_of_machine(machine, profiles);
    const bool is_meant = profile ? of != nullptr && of->name == profile->name : answer.machines.size() == 1;
    if (is_meant && !ceilings.measured) ceilings.measured = measured_ceilings(machine);
  }
  return ceilings;
}

/// A run's imported benchmarks by name, in their order: those that count bytes or operations.
std::vector<KernelPoint> named_kernels(const SpeedRun& run) {
  std::map<std::string, std::vector<const Measurement*>> by_name;
  std::vector<std::string> order;
  for (const Measurement& figure : run.summary.run.facts.measurements) {
    if (by_name.find(figure.name) == by_name.end()) order.push_back(figure.name);
    by_name[figure.name].push_back(&figure);
  }
  std::vector<KernelPoint> points;
  for (const std::string& name : order) {
    KernelPoint point;
    point.run = run.title;
    point.name = visible_text(name);
    point.provenance = run.summary.run.facts.provenance;
    point.is_collective = names_collective(name);
    for (const Measurement* figure : by_name[name]) {
      if (figure->metric == "bytes_per_s") point.bytes_per_s = figure->value;
      if (figure->metric == "flop_per_s") point.flop_per_s = figure->value;
      if (!point.flop_per_s) point.flop_per_s = detail_number(figure->details, "flop/s");
      if (!point.bytes_per_s) point.bytes_per_s = detail_number(figure->details, "weight_bytes/s");
      point.conditions = conditions_of(*figure);
    }
    if (point.bytes_per_s || point.flop_per_s) points.push_back(std::move(point));
  }
  return points;
}

/// A ceiling's metric as other tables write its unit.
QString unit_of(const std::string& metric) {
  if (metric == "gb_per_s") return "GB/s";
  if (metric == "tflops") return "TFLOP/s";
  if (metric == "time_us") return "µs";
  if (metric == "n_links") return "links";
  return visible_text(metric);
}

}  // namespace

DeviceCeilings published_ceilings(const results::HardwareProfile& profile) {
  return {visible_text(profile.title, 60),
          times(profile.value("memory_bandwidth_gb_per_s"), kGiga),
          times(profile.value("link_gb_per_s"), kGiga / kBothWays),
          times(profile.value("bf16_tflops"), kTera),
          times(profile.value("fp8_tflops"), kTera),
          "published: dense rates; the link one way is half of both directions"};
}

DeviceCeilings measured_ceilings(const results::MachineCeilings& machine) {
  std::optional<double> memory = machine.best("read");
  for (const char* other : {"copy", "write"}) {
    if (const auto rate = machine.best(other); rate && (!memory || *rate > *memory)) memory = rate;
  }
  std::optional<double> link;
  for (const results::CollectiveCurve& curve : machine.collectives) {
    if (curve.operation != "peer_copy" || curve.provenance != "measured") continue;
    for (const results::CollectiveSize& size : curve.sizes) link = std::max(link.value_or(0), size.bus_gb_per_s.median);
  }
  return {visible_text(machine.device, 60),
          times(memory, kGiga),
          times(link, kGiga),
          times(machine.best("bf16"), kTera),
          times(machine.best("fp8"), kTera),
          "measured by \"assay bench machine\", run " + visible_text(machine.run_id.value)};
}

QString KernelCeilings::device() const { return measured ? measured->title : published ? published->title : QString(); }

KernelCeilings kernel_ceilings(const SpeedAnswer& answer, const std::vector<results::HardwareProfile>& profiles,
                               const std::string& name) {
  if (!name.empty()) {
    const auto found = results::find_hardware(profiles, name);
    return ceilings_of(answer, profiles, found ? std::optional(*found) : std::nullopt);
  }
  for (const SpeedRun& run : answer.runs) {
    if (run.profile && !named_kernels(run).empty()) return ceilings_of(answer, profiles, run.profile);
  }
  return ceilings_of(answer, profiles, std::nullopt);
}

std::vector<KernelPoint> kernel_points(const SpeedAnswer& answer, const std::vector<results::HardwareProfile>& profiles,
                                       const std::string& name) {
  std::vector<KernelPoint> points;
  for (const SpeedRun& run : answer.runs) {
    const KernelCeilings ceilings = name.empty() && run.profile ? ceilings_of(answer, profiles, run.profile)
                                                                : kernel_ceilings(answer, profiles, name);
    for (KernelPoint& point : named_kernels(run)) {
      point.device = ceilings.device();
      set_ceilings(point, ceilings);
      points.push_back(std::move(point));
    }
  }
  return points;
}

Table kernels_table(const std::vector<KernelPoint>& points) {
  Table table;
  table.name = "Kernels and collectives";
  table.columns = {
      {"run", "", false},
      {"benchmark", "", false},
      {"bytes/s", "", true},
      {"FLOP/s", "", true},
      {"ceiling", "bandwidth of the memory, of the link one way for a collective, or operations: measured where it was",
       true},
      {"share", "of the ceiling", true},
      {"provenance", "", false}};
  for (const KernelPoint& point : points) {
    // What it counts decides which ceiling it is held against.
    const bool by_bytes = point.bytes_per_s.has_value();
    const auto rate = by_bytes ? point.bytes_per_s : point.flop_per_s;
    const auto ceiling = by_bytes ? point.ceiling_bytes_per_s : point.ceiling_flop_per_s;
    const QString of = QString(!by_bytes             ? "dense operations, "
                               : point.is_collective ? "link, one way, "
                                                     : "memory bandwidth, ") +
                       (point.is_ceiling_measured ? "measured" : "published") +
                       (point.device.isEmpty() ? QString() : ": " + point.device);
    table.rows.push_back(
        {text_cell(point.run, {}, CellTone::strong), text_cell(point.name, point.conditions),
         figure_cell(point.bytes_per_s, bytes_per_s_text, point.conditions, "the benchmark counts no bytes"),
         figure_cell(point.flop_per_s, flop_per_s_text, point.conditions, "the benchmark counts no operations"),
         figure_cell(ceiling, by_bytes ? bytes_per_s_text : flop_per_s_text, of,
                     "no profile of the device is known, or it does not say: choose one above"),
         figure_cell(ceiling ? std::optional(*rate / *ceiling) : std::nullopt, share_text, "of: " + of,
                     "the ceiling is not known"),
         text_cell(visible_text(point.provenance))});
  }
  return table;
}

std::vector<std::pair<QString, results::CollectiveCurve>> collective_curves(const SpeedAnswer& answer) {
  std::vector<std::pair<QString, results::CollectiveCurve>> curves;
  for (const SpeedRun& run : answer.runs) {
    for (const results::MachineCeilings& machine : results::ceilings_of(run.summary.points)) {
      for (const results::CollectiveCurve& curve : machine.collectives) curves.emplace_back(run.title, curve);
    }
  }
  if (!curves.empty()) return curves;
  for (const results::MachineCeilings& machine : answer.machines) {
    for (const results::CollectiveCurve& curve : machine.collectives) {
      curves.emplace_back(visible_text(machine.device, 60), curve);
    }
  }
  return curves;
}

Table ceilings_table(const SpeedAnswer& answer, const std::vector<results::HardwareProfile>& profiles) {
  Table table;
  table.name = "What the machines give at most";
  table.columns = {{"device", "", false},
                   {"ceiling", "", false},
                   {"reached by", "", false},
                   {"measured", "median of the repeats that are believed", true},
                   {"unit", "", false},
                   {"published", "of the device's profile, in the same unit", true},
                   {"share", "measured over published", true},
                   {"repeats", "", true},
                   {"provenance", "", false}};
  for (const results::MachineCeilings& machine : answer.machines) {
    const results::HardwareProfile* profile = profile_of_machine(machine, profiles);
    for (const results::Ceiling& ceiling : machine.ceilings) {
      const auto published = profile != nullptr ? published_of(ceiling, *profile) : std::nullopt;
      QString proof = "median of " + counted(ceiling.figure.n, "repeat") + ", " + number_text(ceiling.figure.min) +
                      " to " + number_text(ceiling.figure.max) + "\nrun " + visible_text(machine.run_id.value) +
                      "\nprovenance: " + visible_text(ceiling.provenance);
      if (ceiling.sm_clock_mhz) proof += "\nclock: " + number_text(*ceiling.sm_clock_mhz) + " MHz";
      if (ceiling.power_watts) proof += "\npower: " + number_text(*ceiling.power_watts) + " W";
      for (const std::string& reason : ceiling.throttled_by) proof += "\nheld down: " + visible_text(reason);
      table.rows.push_back(
          {text_cell(visible_text(machine.device, 60), {}, CellTone::strong), text_cell(visible_text(ceiling.ceiling)),
           text_cell(visible_text(ceiling.by)), figure_cell(ceiling.figure.median, number_text, proof),
           text_cell(unit_of(ceiling.metric), {}, CellTone::muted),
           figure_cell(published, number_text,
                       "published: the profile " + (profile != nullptr ? visible_text(profile->name) : QString()),
                       profile != nullptr ? "the profile has no such figure" : "no profile of this device is known"),
           figure_cell(published ? std::optional(ceiling.figure.median / *published) : std::nullopt, share_text, proof,
                       "nothing is published"),
           figure_cell(static_cast<double>(ceiling.figure.n), number_text),
           text_cell(visible_text(ceiling.provenance))});
    }
  }
  return table;
}

}  // namespace assay::gui
