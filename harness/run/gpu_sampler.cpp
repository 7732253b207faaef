#include "harness/run/gpu_sampler.h"

#include <utility>

namespace assay::run {

namespace {

results::GpuSample to_sample(const GpuState& state, double at_ms) {
  results::GpuSample sample;
  sample.at_ms = at_ms;
  sample.sm_clock_mhz = state.sm_clock_mhz;
  sample.memory_clock_mhz = state.memory_clock_mhz;
  sample.power_watts = state.power_watts;
  sample.temperature_c = state.temperature_c;
  if (state.throttle_reasons) sample.throttle_reasons = static_cast<std::int64_t>(*state.throttle_reasons);
  sample.total_energy_joules = state.total_energy_joules;
  return sample;
}

template <class Reader, class Kind>
Reader reader_or_none(std::optional<Kind> reader) {
  if (reader) return Reader(std::move(*reader));
  return Reader();
}

}  // namespace

GpuSampler::GpuSampler(std::optional<GpuReader> reader, std::function<double()> elapsed_ms,
                       std::chrono::milliseconds period)
    : GpuSampler(reader_or_none<Reader>(std::move(reader)), std::move(elapsed_ms), period) {}

GpuSampler::GpuSampler(std::optional<CpuEnergyReader> reader, std::function<double()> elapsed_ms,
                       std::chrono::milliseconds period)
    : GpuSampler(reader_or_none<Reader>(std::move(reader)), std::move(elapsed_ms), period) {}

GpuSampler::GpuSampler(Reader reader, std::function<double()> elapsed_ms, std::chrono::milliseconds period)
    : reader_(std::move(reader)), elapsed_ms_(std::move(elapsed_ms)) {
  if (std::holds_alternative<std::monostate>(reader_)) return;
  // The first sample is of the moment before the run's work.
  samples_.push_back(read());
  thread_ = std::jthread([this, period](const std::stop_token& stop) { sample_until(stop, period); });
}

results::GpuSample GpuSampler::read() {
  if (const auto* gpu = std::get_if<GpuReader>(&reader_)) return to_sample(gpu->read(), elapsed_ms_());
  results::GpuSample sample;
  sample.total_energy_joules = std::get<CpuEnergyReader>(reader_).read();
  sample.at_ms = elapsed_ms_();
  return sample;
}

GpuSampler::~GpuSampler() { stop(); }

std::vector<results::GpuSample> GpuSampler::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(samples_, {});
}

void GpuSampler::stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

void GpuSampler::sample_until(const std::stop_token& stop, std::chrono::milliseconds period) {
  // Moments are counted from the start, so that the time of a reading does not add up.
  auto next = std::chrono::steady_clock::now();
  for (bool stopping = false; !stopping;) {
    next += period;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_until(lock, stop, next, [] { return false; });
    }
    stopping = stop.stop_requested();
    const results::GpuSample sample = read();
    const std::lock_guard lock(mutex_);
    samples_.push_back(sample);
  }
}

}  // namespace assay::run
