#include "results/idle_power.h"

#include <cmath>
#include <map>

#include "results/json_values.h"

namespace assay::results {

namespace {

constexpr double kMostIdleWatts = 1e6;  // as gpu_samples.power_watts

/// A number from 0 to the bound; none if it is absent or anything else.
std::optional<double> idle_number(const Json& object, const char* key, double most) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number()) return {};
  const double value = at->get<double>();
  return value >= 0 && value <= most ? std::optional(value) : std::nullopt;
}

NetEnergy no_net_energy(std::string reason) {
  NetEnergy net;
  net.reason = std::move(reason);
  return net;
}

/// Takes idle energy off; a run that drew less than its devices do when idle was not measured well.
NetEnergy take_off(double joules, double idle_joules, double time_s, std::string provenance) {
  NetEnergy net;
  net.idle_watts = time_s > 0 ? std::optional(idle_joules / time_s) : std::nullopt;
  net.provenance = std::move(provenance);
  if (idle_joules > joules) {
    net.reason = "the " + net.provenance + " idle power is more than the run drew";
    return net;
  }
  net.joules = joules - idle_joules;
  return net;
}

}  // namespace

Json to_json(const IdlePower& idle) {
  return {{"watts", value_or_null(idle.watts)},
          {"source", idle.source ? Json(to_string(*idle.source)) : Json()},
          {"n_readings", idle.n_readings},
          {"window_ms", idle.window_ms},
          {"reason", idle.reason.empty() ? Json() : Json(idle.reason)},
          {"provenance", idle.watts ? Json("measured") : Json()}};
}

IdlePower idle_power_of(const EnvironmentFacts& environment) {
  IdlePower idle;
  idle.reason = "the devices' idle power was not measured before the run";
  const auto stored = environment.details.find("idle_power");
  if (stored == environment.details.end() || !stored->is_object()) return idle;
  idle.watts = idle_number(*stored, "watts", kMostIdleWatts);
  idle.window_ms = idle_number(*stored, "window_ms", 1e15).value_or(0);
  idle.n_readings = static_cast<std::int64_t>(idle_number(*stored, "n_readings", 1e9).value_or(0));
  if (idle.watts) {
    idle.reason.clear();
    const auto source = stored->find("source");
    const bool is_counter = source != stored->end() && *source == "counter";
    idle.source = is_counter ? EnergySource::counter : EnergySource::power;
    return idle;
  }
  const auto reason = stored->find("reason");
  if (reason != stored->end() && reason->is_string()) idle.reason = reason->get<std::string>();
  return idle;
}

NetEnergy net_of_idle(const GpuActivity& activity, const std::vector<SegmentRecord>& segments,
                      const std::optional<double>& stated_watts) {
  if (!activity.energy_joules) return no_net_energy(activity.energy_reason);
  std::map<std::size_t, double> longest_s;  // of a segment's devices
  double idle_joules = 0;
  double device_s = 0;
  for (const StretchEnergy& stretch : activity.stretches) {
    if (!stretch.joules()) continue;
    double& segment_s = longest_s[stretch.segment];
    segment_s = std::max(segment_s, stretch.window_s);
    if (stated_watts) continue;
    if (stretch.segment >= segments.size()) return no_net_energy("the run's segments are not known");
    const IdlePower idle = idle_power_of(segments[stretch.segment].environment);
    if (!idle.watts) return no_net_energy(idle.reason);
    idle_joules += *idle.watts * stretch.window_s;
    device_s += stretch.window_s;
  }
  if (!stated_watts) return take_off(*activity.energy_joules, idle_joules, device_s, "measured");
  for (const auto& [segment, window_s] : longest_s) device_s += window_s;
  return take_off(*activity.energy_joules, *stated_watts * device_s, device_s, "stated");
}

}  // namespace assay::results
