#include "results/gpu_rows.h"

#include "results/store.h"

namespace assay::results {

namespace {

constexpr std::string_view kInsert =
    "INSERT INTO gpu_samples (segment_id, gpu, at_ms, sm_clock_mhz, memory_clock_mhz, power_watts, temperature_c, "
    "throttle_reasons, total_energy_joules) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
constexpr std::string_view kSamplesOfSegment =
    "SELECT gpu, at_ms, sm_clock_mhz, memory_clock_mhz, power_watts, temperature_c, throttle_reasons, "
    "total_energy_joules FROM gpu_samples WHERE segment_id = ?1 ORDER BY gpu, gpu_sample_id";

}  // namespace

Result<> insert_gpu_samples(const Database& database, std::int64_t segment_id, std::span<const GpuSample> samples) {
  if (samples.empty()) return {};
  ASSAY_ASSIGN(auto transaction, Transaction::begin(database, Transaction::Kind::write));
  ASSAY_ASSIGN(auto row, database.prepare(kInsert));
  for (const GpuSample& sample : samples) {
    row.bind(1, segment_id).bind(2, sample.gpu).bind(3, sample.at_ms).bind(4, sample.sm_clock_mhz);
    row.bind(5, sample.memory_clock_mhz).bind(6, sample.power_watts).bind(7, sample.temperature_c);
    row.bind(8, sample.throttle_reasons).bind(9, sample.total_energy_joules);
    if (const auto stored = row.run(); !stored) {
      return Error{stored.error().kind, "GPU sample: " + stored.error().message};
    }
  }
  return transaction.commit();
}

Result<> read_gpu_samples(const Database& database, const RunId& run,
                          const std::function<Result<>(std::size_t, const GpuSample&)>& use) {
  ASSAY_ASSIGN(auto segments, database.prepare(kSegmentsOfRun));
  ASSAY_ASSIGN(auto row, database.prepare(kSamplesOfSegment));
  segments.bind(1, run.value);
  for (std::size_t segment = 0;; ++segment) {
    ASSAY_ASSIGN(const bool has_segment, segments.step());
    if (!has_segment) return {};
    row.reset();
    row.bind(1, segments.integer(0));
    while (true) {
      ASSAY_ASSIGN(const bool has_row, row.step());
      if (!has_row) break;
      ASSAY_TRY(use(segment, {.gpu = row.integer(0),
                              .at_ms = row.real(1),
                              .sm_clock_mhz = row.optional_real(2),
                              .memory_clock_mhz = row.optional_real(3),
                              .power_watts = row.optional_real(4),
                              .temperature_c = row.optional_real(5),
                              .throttle_reasons = row.optional_integer(6),
                              .total_energy_joules = row.optional_real(7)}));
    }
  }
}

Result<> Store::for_each_gpu_sample(const RunId& run,
                                    const std::function<Result<>(std::size_t, const GpuSample&)>& use) const {
  return read_gpu_samples(*database_, run, use);
}

}  // namespace assay::results
