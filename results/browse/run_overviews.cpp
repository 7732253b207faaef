#include "results/browse/run_overviews.h"

#include <algorithm>
#include <limits>
#include <thread>
#include <unordered_map>

#include "results/browse/figure_statements.h"
#include "results/gpu_rows.h"
#include "results/run_reader.h"
#include "results/run_time.h"
#include "results/run_totals.h"
#include "results/schema.h"

namespace assay::results {

namespace {

constexpr std::string_view kRuns = "SELECT run_id FROM runs ORDER BY run_key";
constexpr std::string_view kRunsOfItems =
    "SELECT i.item_key, r.run_id FROM runs r CROSS JOIN run_suites rs ON rs.run_key = r.run_key "
    "CROSS JOIN items i ON i.run_suite_id = rs.run_suite_id ORDER BY r.run_key";
// Samples are numbered without gaps.
constexpr std::string_view kNumberOfSamples = "SELECT coalesce(max(sample_key), 0) FROM samples";
constexpr std::string_view kNumberOfGpuSamples = "SELECT coalesce(max(gpu_sample_id), 0) FROM gpu_samples";
// Of the samples, read at the same time. More than there may be processors: where they come from a disk, readers wait.
constexpr int kParts = 4;

/// The places in the list of runs that items belong to.
using RunOfItem = std::unordered_map<std::int64_t, std::size_t>;

Result<std::vector<RunRecord>> read_runs(const Database& database) {
  std::vector<RunRecord> runs;
  ASSAY_ASSIGN(RunReader reader, RunReader::open(database));
  ASSAY_ASSIGN(auto row, database.prepare(kRuns));
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    ASSAY_ASSIGN(auto run, reader.read(RunId(row.text(0))));
    runs.push_back(std::move(run));
    return {};
  }));
  return runs;
}

Result<std::optional<GpuActivity>> read_gpu_activity(const Database& database, const RunRecord& run) {
  GpuActivityMeter gpu;
  ASSAY_TRY(read_gpu_samples(database, run.run_id, [&](std::size_t segment, const GpuSample& sample) -> Result<> {
    gpu.add(segment, sample);
    return {};
  }));
  return gpu.finish(segments_at_work(run), device_sharing(run.segments));
}

/// Both statements have the order of the runs, so a run is found by going forward.
Result<RunOfItem> read_run_of_item(const Database& database, const std::vector<RunRecord>& runs) {
  RunOfItem run_of_item;
  std::size_t run = 0;
  ASSAY_ASSIGN(auto row, database.prepare(kRunsOfItems));
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    const std::string id = row.text(1);
    while (run < runs.size() && runs[run].run_id.value != id) ++run;
    run_of_item.emplace(row.integer(0), run);
    return {};
  }));
  return run_of_item;
}

SampleFacts sample_of(const Statement& row) {
  SampleFacts sample;
  if (row.integer(1) != 0) sample.failure = "failed";
  sample.n_prompt_tokens = row.optional_integer(2);
  sample.n_cached_prompt_tokens = row.optional_integer(3);
  sample.n_output_tokens = row.optional_integer(4);
  sample.n_drafted_tokens = row.integer(5);
  sample.n_accepted_tokens = row.integer(6);
  sample.ttft_ms = row.optional_real(7);
  sample.itl_ms_mean = row.optional_real(8);
  sample.e2e_ms = row.optional_real(9);
  sample.prefill_device_ms = row.optional_real(10);
  sample.decode_device_ms = row.optional_real(11);
  return sample;
}

/// Of the samples with keys from `begin` to before `end`.
Result<std::vector<RunTotals>> read_totals(const Database& database, std::int64_t begin, std::int64_t end,
                                           const RunOfItem& run_of_item, std::size_t n_runs) {
  std::vector<RunTotals> totals(n_runs + 1);  // the last one: of samples that belong to no run
  std::int64_t last_item = 0;
  std::size_t run = n_runs;
  ASSAY_ASSIGN(auto row, database.prepare(figures_sql::kBetween));
  row.bind(1, begin).bind(2, end);
  ASSAY_TRY(for_each_row(row, [&]() -> Result<> {
    if (const std::int64_t item = row.integer(0); item != last_item) {
      const auto found = run_of_item.find(item);
      run = found == run_of_item.end() ? n_runs : found->second;
      last_item = item;
    }
    totals[run].add(sample_of(row), Verdict::incorrect);  // how many are correct is counted in the run's record
    return {};
  }));
  return totals;
}

/// Each part by a connection of its own: samples of runs that nobody is writing don't change.
Result<std::vector<RunTotals>> read_totals(const std::filesystem::path& database, std::int64_t n_samples,
                                           const RunOfItem& run_of_item, std::size_t n_runs,
                                           const std::stop_token& stop) {
  std::vector<Result<std::vector<RunTotals>>> parts(kParts, std::vector<RunTotals>());
  const auto read = [&](int part) -> Result<std::vector<RunTotals>> {
    ASSAY_ASSIGN(const auto opened, open_for_reading(database));
    const std::stop_callback interrupt(stop, [&] { opened->interrupt(); });
    const auto key = [&](int n) { return 1 + n_samples / kParts * n; };
    const bool is_last = part == kParts - 1;
    return read_totals(*opened, part == 0 ? std::numeric_limits<std::int64_t>::min() : key(part),
                       is_last ? std::numeric_limits<std::int64_t>::max() : key(part + 1), run_of_item, n_runs);
  };
  {
    std::vector<std::jthread> readers;
    for (int part = 0; part < kParts; ++part) {
      readers.emplace_back([&, part] { parts[static_cast<std::size_t>(part)] = read(part); });
    }
  }
  std::vector<RunTotals> totals(n_runs + 1);
  for (const Result<std::vector<RunTotals>>& part : parts) {
    if (!part) return part.error();
    for (std::size_t run = 0; run < totals.size(); ++run) totals[run].add((*part)[run]);
  }
  return totals;
}

/// With every planned sample stored, each item has as many as any other, and the mean over items is that over samples.
SuiteSummary overview_of(const RunSuiteRecord& suite) {
  SuiteSummary summary;
  summary.suite = suite;
  if (suite.n_samples == 0 || suite.n_samples != suite.n_items * suite.facts.samples) return summary;
  summary.n_items_sampled = suite.n_items;
  summary.accuracy = static_cast<double>(suite.n_correct) / static_cast<double>(suite.n_samples);
  return summary;
}

Result<RunSummary> overview_of(RunRecord run, std::optional<GpuActivity> gpu, RunTotals& totals) {
  RunSummary summary;
  summary.gpu = std::move(gpu);
  for (const RunSuiteRecord& suite : run.suites) {
    totals.n_correct += suite.n_correct;
    summary.suites.push_back(overview_of(suite));
  }
  summary.run = std::move(run);
  ASSAY_TRY(add_totals(totals, summary));
  return summary;
}

}  // namespace

Result<RunOverviews> read_overviews(const std::filesystem::path& database, const std::stop_token& stop,
                                    std::int64_t most_gpu_samples) {
  ASSAY_ASSIGN(const auto opened, open_for_reading(database));
  const std::stop_callback interrupt(stop, [&] { opened->interrupt(); });
  ASSAY_ASSIGN(auto snapshot, Transaction::begin(*opened, Transaction::Kind::read));
  ASSAY_ASSIGN(std::vector<RunRecord> runs, read_runs(*opened));
  ASSAY_ASSIGN(const RunOfItem run_of_item, read_run_of_item(*opened, runs));
  ASSAY_ASSIGN(const std::int64_t n_samples, opened->query_integer(kNumberOfSamples));
  ASSAY_ASSIGN(const std::int64_t n_gpu_samples, opened->query_integer(kNumberOfGpuSamples));
  RunOverviews overviews;
  overviews.has_energy = n_gpu_samples <= most_gpu_samples;
  std::vector<std::optional<GpuActivity>> gpus(runs.size());
  for (std::size_t i = 0; i < runs.size() && n_gpu_samples > 0 && overviews.has_energy; ++i) {
    ASSAY_ASSIGN(gpus[i], read_gpu_activity(*opened, runs[i]));
  }
  ASSAY_TRY(snapshot.commit());
  ASSAY_ASSIGN(std::vector<RunTotals> totals, read_totals(database, n_samples, run_of_item, runs.size(), stop));
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (runs[i].is_active) continue;
    ASSAY_ASSIGN(auto overview, overview_of(std::move(runs[i]), std::move(gpus[i]), totals[i]));
    overviews.runs.push_back(std::move(overview));
  }
  return overviews;
}

}  // namespace assay::results
