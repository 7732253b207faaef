#pragma once
// What a process does that has another part of a model than part 0: what part 0 tells it.

#include <filesystem>
#include <optional>
#include <string>

#include "harness/base/result.h"
#include "runners/engine/load_options.h"
#include "runners/engine/parts/part_group.h"

namespace assay::runners {

/// What is this machine's own.
struct FollowOptions {
  std::optional<std::filesystem::path> path = {};  ///< where it has the model; empty: where part 0 has it
  std::string device = "auto";                     ///< auto or cuda: of GPUs, the next that no other part here has
  std::optional<int> n_threads = {};
  LoadProgress on_progress = {};
};

/// Serves part 0, engine after engine, until nothing is to come. An error of its own is told to part 0; so is one
/// returned if part 0, or another part, is gone.
Result<> follow_leader(PartGroup& group, const FollowOptions& options);

}  // namespace assay::runners
