#pragma once
// Asks the run's GPU how it is, or a processor's energy counters, about once a second, while a segment runs.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>
#include <variant>
#include <vector>

#include "harness/run/cpu_energy.h"
#include "harness/run/gpu_probe.h"
#include "results/facts.h"

namespace assay::run {

/// A thread of its own with a first sample at once, one each period, and a last one when it is stopped. Without a GPU
/// that can be asked it does nothing. A reading takes well under a millisecond of one CPU and nothing of the GPU.
/// take() may be called from any thread, all else from the owner's.
class GpuSampler {
 public:
  /// `reader`: none, and there is no GPU that can be asked. It is given open, and closed when the sampler goes, since
  /// either takes tenths of a second. `elapsed_ms`: time since the segment began; called on the sampler's thread.
  GpuSampler(std::optional<GpuReader> reader, std::function<double()> elapsed_ms,
             std::chrono::milliseconds period = std::chrono::seconds(1));
  /// The same for processors, whose samples have energy alone.
  GpuSampler(std::optional<CpuEnergyReader> reader, std::function<double()> elapsed_ms,
             std::chrono::milliseconds period = std::chrono::seconds(1));
  ~GpuSampler();
  GpuSampler(const GpuSampler&) = delete;
  GpuSampler& operator=(const GpuSampler&) = delete;

  /// The samples since the last call.
  std::vector<results::GpuSample> take();
  /// Takes the last sample and ends the thread; take() then gives what is left. A second call does nothing.
  void stop();

 private:
  using Reader = std::variant<std::monostate, GpuReader, CpuEnergyReader>;
  GpuSampler(Reader reader, std::function<double()> elapsed_ms, std::chrono::milliseconds period);
  results::GpuSample read();
  void sample_until(const std::stop_token& stop, std::chrono::milliseconds period);

  Reader reader_;  ///< of the thread alone, once that runs
  const std::function<double()> elapsed_ms_;
  std::mutex mutex_;  ///< guards samples_
  std::condition_variable_any wake_;
  std::vector<results::GpuSample> samples_;
  std::jthread thread_;
};

}  // namespace assay::run
