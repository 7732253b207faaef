#include "results/gpu_activity.h"

#include <algorithm>
#include <cmath>

#include "harness/base/text.h"

namespace assay::results {

namespace {

/// By bit. gpu_idle holds clocks down too, for want of work.
constexpr const char* kReasons[] = {"gpu_idle",
                                    "applications_clocks_setting",
                                    "sw_power_cap",
                                    "hw_slowdown",
                                    "sync_boost",
                                    "sw_thermal_slowdown",
                                    "hw_thermal_slowdown",
                                    "hw_power_brake_slowdown",
                                    "display_clock_setting"};
constexpr double kMsPerSecond = 1000;

/// Of the stretches that have both; none if none has.
std::optional<EnergyCheck> check_energy(const std::vector<StretchEnergy>& stretches) {
  EnergyCheck check;
  double allowed_joules = 0;
  bool has_both = false;
  for (const StretchEnergy& stretch : stretches) {
    if (!stretch.counter_joules || !stretch.power_joules) continue;
    has_both = true;
    check.counter_joules += *stretch.counter_joules;
    check.power_joules += *stretch.power_joules;
    constexpr double kReadingWindowS = 1;
    allowed_joules += stretch.power_spread_watts * std::min(kReadingWindowS, stretch.window_s);
  }
  if (!has_both) return {};
  const double difference = std::abs(check.power_joules - check.counter_joules);
  const double larger = std::max(check.counter_joules, check.power_joules);
  const double base = check.counter_joules > 0 ? check.counter_joules : larger;
  check.difference_ratio = base > 0 ? difference / base : 0;
  check.agrees = difference <= kMostEnergyDifferenceRatio * check.counter_joules + allowed_joules;
  return check;
}

std::string reason_of(EnergyProblem problem, const std::optional<EnergyCheck>& check) {
  switch (problem) {
    case EnergyProblem::no_readings:
      return "a part of the run has no readings of energy or power, or gaps between them";
    case EnergyProblem::too_short:
      return "the run was too short: a counter moves every 100 ms, and at least ten steps are asked for";
    case EnergyProblem::shared_device:
      return "several processes of the run used the same device at a time, and each read all that it drew";
    case EnergyProblem::counter_and_power_differ:
      break;
  }
  return "the counter says " + to_fixed(check->counter_joules, 0) + " J, power over time " +
         to_fixed(check->power_joules, 0) + " J; nothing tells which is right";
}

}  // namespace

std::string to_string(EnergySource source) { return source == EnergySource::counter ? "counter" : "power"; }

std::string to_string(EnergyProblem problem) {
  switch (problem) {
    case EnergyProblem::no_readings:
      return "no_readings";
    case EnergyProblem::too_short:
      return "too_short";
    case EnergyProblem::shared_device:
      return "shared_device";
    case EnergyProblem::counter_and_power_differ:
      break;
  }
  return "counter_and_power_differ";
}

Json energy_check_json(const std::optional<GpuActivity>& activity, const std::string& reason) {
  if (!activity) {
    return {{"is_valid", false},       {"reason_code", "not_measured"}, {"reason", reason}, {"counter_joules", nullptr},
            {"power_joules", nullptr}, {"difference_ratio", nullptr},   {"agrees", nullptr}};
  }
  const auto of_check = [&](auto field) {
    return activity->energy_check ? Json((*activity->energy_check).*field) : Json();
  };
  return {{"is_valid", activity->energy_joules.has_value()},
          {"reason_code", activity->energy_problem ? Json(to_string(*activity->energy_problem)) : Json()},
          {"reason", activity->energy_problem ? Json(activity->energy_reason) : Json()},
          {"counter_joules", of_check(&EnergyCheck::counter_joules)},
          {"power_joules", of_check(&EnergyCheck::power_joules)},
          {"difference_ratio", of_check(&EnergyCheck::difference_ratio)},
          {"agrees", of_check(&EnergyCheck::agrees)}};
}

std::vector<std::string> throttle_reason_names(std::int64_t bits) {
  std::vector<std::string> names;
  for (std::size_t bit = 0; bit < 63; ++bit) {
    if ((bits >> bit & 1) == 0) continue;
    names.push_back(bit < std::size(kReasons) ? kReasons[bit] : std::string("bit_").append(std::to_string(bit)));
  }
  return names;
}

void GpuActivityMeter::Sum::add(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return;
  range.min = range.n == 0 ? *value : std::min(range.min, *value);
  range.max = range.n == 0 ? *value : std::max(range.max, *value);
  ++range.n;
  sum += *value;
}

std::optional<ValueRange> GpuActivityMeter::Sum::finish() const {
  if (range.n == 0) return {};
  ValueRange result = range;
  result.mean = sum / static_cast<double>(range.n);
  return result;
}

void GpuActivityMeter::add(std::size_t segment, const GpuSample& sample) {
  ++n_samples_;
  sm_clock_mhz_.add(sample.sm_clock_mhz);
  memory_clock_mhz_.add(sample.memory_clock_mhz);
  power_watts_.add(sample.power_watts);
  temperature_c_.add(sample.temperature_c);
  if (sample.throttle_reasons) {
    ++n_with_reasons_;
    for (const std::string& name : throttle_reason_names(*sample.throttle_reasons)) ++n_throttled_[name];
  }

  if (stretch_ && (stretch_->segment != segment || stretch_->last.gpu != sample.gpu)) end_stretch();
  if (!stretch_) {
    const double watts = sample.power_watts.value_or(0);
    stretch_ = Stretch{.segment = segment, .first = sample, .last = sample, .least_watts = watts, .most_watts = watts};
  }
  Stretch& s = *stretch_;
  const double elapsed_ms = sample.at_ms - s.last.at_ms;
  s.has_counter = s.has_counter && sample.total_energy_joules &&
                  *sample.total_energy_joules >= s.last.total_energy_joules.value_or(0);
  s.has_power = s.has_power && sample.power_watts && elapsed_ms >= 0 && elapsed_ms <= kMostPowerGapMs;
  if (s.has_power) {
    s.integral_joules += (*s.last.power_watts + *sample.power_watts) / 2 * elapsed_ms / kMsPerSecond;
    s.least_watts = std::min(s.least_watts, *sample.power_watts);
    s.most_watts = std::max(s.most_watts, *sample.power_watts);
  }
  ++s.n_samples;
  s.last = sample;
}

void GpuActivityMeter::end_stretch() {
  const Stretch& s = *stretch_;
  StretchEnergy energy{.segment = s.segment,
                       .gpu = s.last.gpu,
                       .window_s = (s.last.at_ms - s.first.at_ms) / kMsPerSecond,
                       .counter_joules = {},
                       .power_joules = {}};
  if (s.n_samples >= 2 && s.has_counter) {
    energy.counter_joules = *s.last.total_energy_joules - *s.first.total_energy_joules;
  }
  if (s.n_samples >= 2 && s.has_power) {
    energy.power_joules = s.integral_joules;
    energy.power_spread_watts = s.most_watts - s.least_watts;
  }
  stretches_.push_back(energy);
  stretch_.reset();
}

std::optional<EnergyProblem> GpuActivityMeter::find_problem(const std::vector<std::size_t>& segments_at_work,
                                                            DeviceSharing sharing, const GpuActivity& activity) const {
  if (sharing == DeviceSharing::at_once) return EnergyProblem::shared_device;
  const auto is_known = [&](std::size_t segment) {
    bool has_samples = false;
    for (const StretchEnergy& stretch : stretches_) {
      if (stretch.segment != segment) continue;
      if (!stretch.joules()) return false;
      has_samples = true;
    }
    return has_samples;
  };
  if (!std::all_of(segments_at_work.begin(), segments_at_work.end(), is_known)) return EnergyProblem::no_readings;
  double window_s = 0;
  for (const StretchEnergy& stretch : stretches_) window_s += stretch.window_s;
  if (window_s * kMsPerSecond < kLeastEnergyWindowMs * static_cast<double>(stretches_.size())) {
    return EnergyProblem::too_short;
  }
  if (activity.energy_check && !activity.energy_check->agrees) return EnergyProblem::counter_and_power_differ;
  return {};
}

std::optional<GpuActivity> GpuActivityMeter::finish(const std::vector<std::size_t>& segments_at_work,
                                                    DeviceSharing sharing) {
  if (stretch_) end_stretch();
  if (n_samples_ == 0) return {};
  GpuActivity activity;
  activity.n_samples = n_samples_;
  activity.sm_clock_mhz = sm_clock_mhz_.finish();
  activity.memory_clock_mhz = memory_clock_mhz_.finish();
  activity.power_watts = power_watts_.finish();
  activity.temperature_c = temperature_c_.finish();
  for (const auto& [name, n] : n_throttled_) {
    activity.throttled_ratio[name] = static_cast<double>(n) / static_cast<double>(n_with_reasons_);
  }
  activity.stretches = stretches_;
  activity.energy_check = check_energy(stretches_);
  activity.energy_problem = find_problem(segments_at_work, sharing, activity);
  if (activity.energy_problem) {
    activity.energy_reason = reason_of(*activity.energy_problem, activity.energy_check);
    return activity;
  }
  activity.energy_joules = 0;
  activity.energy_source = EnergySource::counter;
  for (const StretchEnergy& stretch : stretches_) {
    if (!stretch.joules()) continue;
    *activity.energy_joules += *stretch.joules();
    if (!stretch.counter_joules) activity.energy_source = EnergySource::power;
  }
  return activity;
}

}  // namespace assay::results
