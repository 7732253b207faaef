#pragma once
// What other harnesses and benchmarks wrote, as runs. Every imported run names its source in its tags: "source" (the
// format), "source_file" and "source_sha256"; its provenance is `measured` where the file has the samples or timings
// themselves, `published` where it has a score alone.

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "results/store.h"

namespace assay::results {

enum class ImportFormat { assay, lm_eval, inspect, simple_evals, zeroeval, llama_bench, google_benchmark };
/// "assay", "lm-eval", … Error{bad_input} lists them.
Result<ImportFormat> parse_import_format(std::string_view text);
const std::vector<std::string>& import_format_names();

/// What the files themselves may not say.
struct ImportOptions {
  std::string suite;  ///< empty: the task that the file or its name says
  std::string model;  ///< empty: the same of the model
  std::string kind;   ///< of the suite's items ("integer", "choice", …); empty: guessed from the task's name
};

/// A process's work on an imported run.
struct ImportedSegment {
  EnvironmentFacts environment;
  std::int64_t started_at_ms = 0;
  std::optional<std::int64_t> ended_at_ms;  ///< none if the process was killed
  double wall_ms = 0;
  std::optional<DeviceTime> device_time;
  std::vector<GpuSample> gpu_samples;
};

/// A run read from a file.
struct ImportedRun {
  RunId run_id;                                ///< made from the file's content, or the run's own
  RunFacts facts;                              ///< with items and measurements
  std::optional<std::int64_t> finished_at_ms;  ///< none of an unfinished run of ours
  std::vector<ImportedSegment> segments = std::vector<ImportedSegment>(1);  ///< at least one
  std::vector<GradedSample> samples;
  std::vector<BenchPoint> points;               ///< each of its segment
  std::map<SampleKey, std::size_t> segment_of;  ///< of the samples that are not of the first segment
  std::int64_t n_ungraded = 0;  ///< samples on which the file has no verdict: stored as `error` until they are regraded
};

/// Reads a file of any size up to 1 GiB. Error{bad_input}: "FILE[:LINE]: field \"…\" …" for the first thing that is not
/// of the format. `now_ms` is when a run began whose file does not say.
Result<std::vector<ImportedRun>> read_import(ImportFormat format, const std::filesystem::path& file,
                                             const ImportOptions& options, std::int64_t now_ms);

struct ImportOutcome {
  std::int64_t n_samples_added = 0;
  std::int64_t n_points_added = 0;
  bool was_there = false;  ///< with all of its samples and points
};
/// Stores the run in one transaction, or what it has grown by since it was imported; again, it changes nothing.
/// Error{bad_input} if another run has its id: nothing is stored.
Result<ImportOutcome> store_import(Store& store, const ImportedRun& run);

}  // namespace assay::results
