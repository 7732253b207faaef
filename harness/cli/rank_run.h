#pragma once
// `assay run` as one of several processes that make a run together.

#include <cstdint>
#include <optional>
#include <vector>

#include "harness/cli/options.h"
#include "harness/cli/run_job.h"
#include "harness/run/mpi.h"
#include "harness/run/world.h"
#include "harness/run/world_file.h"

namespace assay::cli {

/// This process among the others.
struct RankGroup {
  run::World world;
  std::optional<run::MpiGroup> mpi;  ///< where an MPI launcher started all of them
};

/// By --rank and --ranks, else by MPI, else by what launchers and job arrays leave in the environment
/// (run::find_world); nothing for a process that makes its run alone.
Result<std::optional<RankGroup>> join_ranks(std::optional<std::int64_t> rank, std::optional<std::int64_t> ranks);

/// Asks this rank's share into its own database and, as the last to be done or as rank 0 of those that started
/// together, merges all into --db and prints the run. The exit code: 0 also while other ranks are still to come;
/// Error{environment} with the words that start them again where others ended early. Where ranks started together, rank
/// 0 alone speaks.
Result<int> run_rank(RankGroup group, const RunJob& job, std::vector<suites::Suite> suites, const run::RankTerms& terms,
                     const run::StopSignals& signals, const CommonOptions& common);

}  // namespace assay::cli
