#include "results/gpu_activity.h"

#include <algorithm>
#include <cmath>

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

}  // namespace

std::string to_string(EnergySource source) { return source == EnergySource::counter ? "counter" : "power"; }

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
    stretch_ = Stretch{.segment = segment, .first = sample, .last = sample};
  }
  Stretch& s = *stretch_;
  const double elapsed_s = (sample.at_ms - s.last.at_ms) / kMsPerSecond;
  s.has_counter = s.has_counter && sample.total_energy_joules &&
                  *sample.total_energy_joules >= s.last.total_energy_joules.value_or(0);
  s.has_power = s.has_power && sample.power_watts && elapsed_s >= 0;
  if (s.has_power) s.integral_joules += (*s.last.power_watts + *sample.power_watts) / 2 * elapsed_s;
  ++s.n_samples;
  s.last = sample;
}

void GpuActivityMeter::end_stretch() {
  const Stretch& s = *stretch_;
  std::optional<double> joules;
  window_ms_ += s.last.at_ms - s.first.at_ms;
  ++n_stretches_;
  if (s.n_samples >= 2 && s.has_counter) {
    joules = *s.last.total_energy_joules - *s.first.total_energy_joules;
  } else if (s.n_samples >= 2 && s.has_power) {
    joules = s.integral_joules;
    source_ = EnergySource::power;
  }
  const auto [at, is_first_gpu] = joules_of_segment_.try_emplace(s.segment, joules);
  if (!is_first_gpu) at->second = at->second && joules ? std::optional(*at->second + *joules) : std::nullopt;
  stretch_.reset();
}

std::optional<GpuActivity> GpuActivityMeter::finish(const std::vector<std::size_t>& segments_at_work) {
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
  const bool all_known = std::all_of(segments_at_work.begin(), segments_at_work.end(), [&](std::size_t segment) {
    const auto at = joules_of_segment_.find(segment);
    return at != joules_of_segment_.end() && at->second;
  });
  if (!all_known) {
    activity.energy_reason = "a part of the run has no readings of energy or power";
    return activity;
  }
  if (window_ms_ < kLeastEnergyWindowMs * static_cast<double>(n_stretches_)) {
    activity.energy_reason =
        "the run was too short: a counter moves every 100 ms, and at least ten steps are asked for";
    return activity;
  }
  double joules = 0;
  for (const auto& [segment, known] : joules_of_segment_) joules += known.value_or(0);
  activity.energy_joules = joules;
  activity.energy_source = source_;
  return activity;
}

}  // namespace assay::results
