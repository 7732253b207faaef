#pragma once
// Who this process is among those that make a run together: said by options, by an MPI launcher, or by a job array.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "harness/base/result.h"

namespace assay::run {

/// One of `ranks` processes, counted from 0.
struct World {
  int rank = 0;
  int ranks = 1;
  std::string said_by =
      {};  ///< "--rank and --ranks", "mpirun", "SLURM_ARRAY_TASK_ID 3 (0 to 7)"; empty if nobody said so
  bool starts_together = false;  ///< by a launcher, all at once; else ranks come and go as a queue lets them
};

/// What a process finds in its environment: a variable's value, or nothing.
using EnvironmentLookup = std::function<std::optional<std::string>(const char* name)>;
/// This process's own.
EnvironmentLookup process_environment();

/// The world by --rank R and --ranks N, both or neither (--ranks 1 alone: a run of its own, whatever started it); else
/// by what OpenMPI's, MPICH's or Intel's launcher set (OMPI_COMM_WORLD_RANK and _SIZE, PMI_RANK and PMI_SIZE); else by
/// a Slurm job array of two tasks or more (SLURM_ARRAY_TASK_ID, _MIN, _MAX, _COUNT). Error{bad_input} for numbers that
/// make no sense, and for an array with gaps. Pure.
Result<World> find_world(std::optional<std::int64_t> rank, std::optional<std::int64_t> ranks,
                         const EnvironmentLookup& environment);

/// The most ranks of a run.
inline constexpr std::int64_t kMostRanks = 10'000;

}  // namespace assay::run
