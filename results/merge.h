#pragma once
// Runs of other databases joined into one: those that other machines made, or that went on elsewhere.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "harness/base/result.h"

namespace assay::results {

/// What one file gave.
struct MergedFile {
  std::filesystem::path file;
  std::int64_t n_runs_new = 0;
  std::int64_t n_runs_grown = 0;      ///< were there and got something that they had not
  std::int64_t n_runs_unchanged = 0;  ///< were there with all that the file has of them
  std::int64_t n_samples_added = 0, n_gradings_added = 0, n_gpu_samples_added = 0, n_points_added = 0;
};

/// Called with the samples that were looked at and their number in all files; an Error from it ends the merge.
using MergeProgress = std::function<Result<>(std::int64_t n_done, std::int64_t n_total)>;

/// Joins the runs of `from` into the database `into`, which is made if it is missing. A run is known by its id: one
/// that is there already gets the samples, verdicts, gradings, segments, GPU samples and points that it lacks, and its
/// end; parts of a run that together hold all of its samples make it a finished one. Merging a file again adds nothing.
/// All in one transaction: at an Error, a stop or a kill nothing of it is stored. Error{bad_input} for a conflict (the
/// same id, but other facts; the same sample, but other content), naming run and place, and for files that are no
/// databases of ours; Error{environment} for one too old to be read, and while another process writes one of these
/// runs into `into`.
Result<std::vector<MergedFile>> merge_databases(const std::filesystem::path& into,
                                                std::span<const std::filesystem::path> from,
                                                const MergeProgress& progress);

}  // namespace assay::results
