#pragma once
// --across and --part: one engine whose model is spread over several processes, on one host or many. Part 0 is the
// command; the other parts follow it, and end when it ends.

#include <memory>
#include <optional>
#include <string>

#include "harness/cli/options.h"
#include "harness/run/mpi.h"
#include "harness/run/open_runner.h"
#include "harness/run/stop_signals.h"
#include "harness/run/world.h"
#include "runners/engine/parts/part_group.h"

namespace assay::cli {

struct AcrossWords {
  std::string where;  ///< empty: one process; mpi; HOST:PORT
  std::optional<std::int64_t> part;
  bool operator==(const AcrossWords&) const = default;
};
void add_across_options(CLI::App& app, AcrossWords& words);

/// Which part this process is: --part, or else what mpirun or srun says; 0 without --across. Error{bad_input} if nobody
/// says it, or for --part without --across. Pure.
Result<int> part_of(const AcrossWords& words, const run::EnvironmentLookup& environment);

/// The model's parts meet, as many as it is spread over; null without --across. By part 0, before it opens the model,
/// which is opened with `runner.parts` then. Error{bad_input} for a model that can't be spread so, and for another
/// number of processes.
Result<std::unique_ptr<runners::PartGroup>> lead_parts(const AcrossWords& words, const run::RunnerOptions& runner,
                                                       const run::StopSignals& signals);

/// What a part of its own says of itself; all else is part 0's.
struct FollowWords {
  std::string model;  ///< where this host has it; empty: where part 0 has it
  std::string device = "auto";
  std::optional<std::int64_t> threads = {};
};
/// Another part: serves part 0 until that has ended. The exit code.
Result<int> follow_part(const AcrossWords& words, int part, const FollowWords& own);

}  // namespace assay::cli
