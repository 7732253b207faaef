#pragma once
// What the page of speed shows: times of samples, throughput, what the devices did meanwhile, and benchmarks beside
// published ceilings. Read in one go.

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "gui/models/chosen_runs.h"
#include "gui/models/table.h"
#include "results/ceilings.h"
#include "results/hardware/hardware.h"
#include "results/summary.h"

namespace assay::gui {

enum class LatencyMetric { ttft_ms, itl_ms, e2e_ms };
/// "ttft_ms", and back; the first one for other words.
QString latency_metric_text(LatencyMetric metric);
LatencyMetric parse_latency_metric(const QString& text);

/// When a sample waited, read its prompt and wrote; moments count from the start of its segment's generation.
struct SampleSpan {
  QString sample;  ///< "aime-0001, sample 2"
  std::string suite, item;
  std::optional<double> queued_ms, first_token_ms;
  double started_ms = 0, finished_ms = 0;
  std::optional<std::int64_t> n_output_tokens;
};

struct SpeedRun {
  QString title;
  results::RunSummary summary;                    ///< with its measurements
  std::vector<double> ttft_ms, itl_ms, e2e_ms;    ///< of each sample that knows it, sorted
  std::vector<double> output_tokens_per_s_parts;  ///< as results::ComparableRun
  double end_ms = 0;                              ///< of the parts: the last token
  std::vector<SampleSpan> spans;                  ///< in order of start; empty if several processes worked on the run
  std::vector<results::GpuSample> gpu_samples;    ///< of the first segment, by GPU and time
  std::optional<results::HardwareProfile> profile;

  const std::vector<double>& values(LatencyMetric metric) const;
  const results::Percentiles& percentiles(LatencyMetric metric) const;
  int n_devices() const;  ///< what its throughput is divided by
};

struct SpeedAnswer {
  std::string refusal;
  std::vector<SpeedRun> runs;
  std::vector<results::MachineCeilings> machines;  ///< of the runs' databases, the newest of each kind of device
};
SpeedAnswer read_speed(const std::vector<ChosenRun>& runs, std::stop_token stop);

/// The names of the reasons that hold a GPU's clocks down, without those that are no fault: idle, and clocks that were
/// set.
std::vector<std::string> throttle_reasons_of(const results::GpuSample& sample);

/// A row a run: percentiles of all three latencies; those that too few samples support are unknown.
Table percentiles_table(const SpeedAnswer& answer);
/// Device time in prefill, decode and waiting.
Table device_time_table(const SpeedAnswer& answer);

/// A benchmark's row with the rates that tell how near a ceiling it is.
struct KernelPoint {
  QString run, name;
  std::optional<double> bytes_per_s, flop_per_s;
  std::optional<double> ceiling_bytes_per_s;  ///< memory's, or the link's one way for a collective
  std::optional<double> ceiling_flop_per_s;   ///< in BF16, or in FP8 if its name says so
  bool is_ceiling_measured = false;           ///< of the one that it is held against
  bool is_collective = false;                 ///< by its name
  QString device;                             ///< whose ceilings these are; empty if none is known
  std::string provenance;
  QString conditions;
};
/// What a device gives at most; what is not known has no value.
struct DeviceCeilings {
  QString title;
  std::optional<double> memory_bytes_per_s, link_bytes_per_s;  ///< the link's one way
  std::optional<double> bf16_flop_per_s, fp8_flop_per_s;
  QString basis;  ///< where they come from
};
DeviceCeilings published_ceilings(const results::HardwareProfile& profile);
DeviceCeilings measured_ceilings(const results::MachineCeilings& machine);

/// The ceilings that kernels are shown below: measured ones of the profile's device where there are, and published
/// ones.
struct KernelCeilings {
  std::optional<DeviceCeilings> measured, published;
  QString device() const;  ///< whose they are; empty if none is known
};
/// Those of the profile named; of an empty name, of the first run that holds kernels; where none of these is known, the
/// only machine that was measured.
KernelCeilings kernel_ceilings(const SpeedAnswer& answer, const std::vector<results::HardwareProfile>& profiles,
                               const std::string& name);

/// Imported benchmarks of the runs: those with bytes or floating point operations a second. Each is held against its
/// own run's device, or of all that of the profile named.
std::vector<KernelPoint> kernel_points(const SpeedAnswer& answer, const std::vector<results::HardwareProfile>& profiles,
                                       const std::string& name);
/// Curves of collectives with the run or the device that they are of: those of the chosen runs, else of the machines.
std::vector<std::pair<QString, results::CollectiveCurve>> collective_curves(const SpeedAnswer& answer);
/// A row a ceiling of a machine, with what is published of it.
Table ceilings_table(const SpeedAnswer& answer, const std::vector<results::HardwareProfile>& profiles);
/// A row a benchmark, with its share of the ceiling: that of bytes where it counts them, else that of operations.
Table kernels_table(const std::vector<KernelPoint>& points);
/// Under which conditions a figure was measured: a line a field.
QString conditions_of(const results::Measurement& figure);
/// The rows that are rates of tokens: llama-bench's tests, published throughput.
Table token_rates_table(const SpeedAnswer& answer);

}  // namespace assay::gui
