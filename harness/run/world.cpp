#include "harness/run/world.h"

#include <cstdlib>

#include "harness/base/text.h"

namespace assay::run {

namespace {

/// The variable as an integer; nothing if it is not set. Error{bad_input} for other text.
Result<std::optional<std::int64_t>> integer_of(const EnvironmentLookup& environment, const char* name) {
  const std::optional<std::string> text = environment(name);
  if (!text || text->empty()) return std::optional<std::int64_t>();
  const auto value = parse_integer(*text);
  if (!value) {
    return bad_input(name, " is ", quoted_excerpt(*text), ", must be an integer; \"--ranks 1\" makes a run of its own");
  }
  return std::optional<std::int64_t>(*value);
}

Result<World> checked(std::int64_t rank, std::int64_t ranks, std::string said_by, bool starts_together) {
  if (ranks < 1 || ranks > kMostRanks) return bad_input(said_by, ": ", ranks, " ranks; must be 1 to ", kMostRanks);
  if (rank < 0 || rank >= ranks) {
    return bad_input(said_by, ": rank ", rank, " of ", ranks, "; ranks count from 0 to ", ranks - 1);
  }
  return World{static_cast<int>(rank), static_cast<int>(ranks), std::move(said_by), starts_together};
}

/// A launcher's pair of variables; nothing if they are not both set.
Result<std::optional<World>> by_launcher(const EnvironmentLookup& environment, const char* rank_name,
                                         const char* size_name) {
  ASSAY_ASSIGN(const auto rank, integer_of(environment, rank_name));
  ASSAY_ASSIGN(const auto ranks, integer_of(environment, size_name));
  if (!rank || !ranks) return std::optional<World>();
  ASSAY_ASSIGN(World world, checked(*rank, *ranks, std::string(rank_name) + " and " + size_name, true));
  return std::optional(std::move(world));
}

/// The task of a Slurm job array of several; nothing otherwise: an array of one task is how a single one is repeated.
Result<std::optional<World>> by_slurm_array(const EnvironmentLookup& environment) {
  ASSAY_ASSIGN(const auto id, integer_of(environment, "SLURM_ARRAY_TASK_ID"));
  ASSAY_ASSIGN(const auto count, integer_of(environment, "SLURM_ARRAY_TASK_COUNT"));
  if (!id || !count || *count < 2) return std::optional<World>();
  ASSAY_ASSIGN(const auto given_least, integer_of(environment, "SLURM_ARRAY_TASK_MIN"));
  ASSAY_ASSIGN(const auto given_most, integer_of(environment, "SLURM_ARRAY_TASK_MAX"));
  const std::int64_t least = given_least.value_or(0);
  const std::int64_t most = given_most.value_or(least + *count - 1);
  if (most - least != *count - 1) {
    return bad_input("SLURM_ARRAY_TASK_ID: the array has ", *count, " tasks from ", least, " to ", most,
                     "; which of them is which rank? Give --rank and --ranks, or --ranks 1 for a run of its own");
  }
  ASSAY_ASSIGN(
      World world,
      checked(*id - least, *count,
              "SLURM_ARRAY_TASK_ID " + to_text(*id) + " (" + to_text(least) + " to " + to_text(most) + ")", false));
  return std::optional(std::move(world));
}

}  // namespace

EnvironmentLookup process_environment() {
  return [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
}

Result<World> find_world(std::optional<std::int64_t> rank, std::optional<std::int64_t> ranks,
                         const EnvironmentLookup& environment) {
  if (ranks == 1 && rank.value_or(0) == 0) return World{};
  if (rank && !ranks) return bad_input("--rank ", *rank, ": --ranks is missing; it takes how many there are");
  if (ranks && !rank) {
    return bad_input("--ranks ", *ranks, ": --rank is missing; in an array job give its index, such as ",
                     "--rank \"$SLURM_ARRAY_TASK_ID\"");
  }
  if (ranks) return checked(*rank, *ranks, "--rank and --ranks", false);
  for (const auto& [rank_name, size_name] :
       {std::pair("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"), std::pair("PMI_RANK", "PMI_SIZE")}) {
    ASSAY_ASSIGN(const std::optional<World> world, by_launcher(environment, rank_name, size_name));
    if (world) return *world;
  }
  ASSAY_ASSIGN(const std::optional<World> world, by_slurm_array(environment));
  return world.value_or(World{});
}

}  // namespace assay::run
