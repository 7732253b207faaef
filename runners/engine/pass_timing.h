#pragma once
// Times whole passes of a model on its device, as the scheduler runs them: for benchmarks of decode and prefill.

#include <cstdint>
#include <functional>
#include <vector>

#include "harness/base/result.h"
#include "runners/engine/executor.h"

namespace assay::runners {

/// What passes took, one after the other.
struct PassTimes {
  std::vector<double> wall_ms;  ///< of each pass: from the end of the one before to its own
  double device_ms = 0;         ///< that the device worked on them, all together; 0 where there is none beside the host
  double idle_ms = 0;           ///< that it waited between them
};

/// Cache pages for sequences of `n_tokens` each, one after the other. Error{environment} if the cache has too few.
Result<std::vector<std::vector<std::int32_t>>> pages_of_sequences(const Executor& executor, int n_sequences,
                                                                  std::int64_t n_tokens);

/// Called when a pass has been run, which then is the only one under way; an error ends what is timed. May be empty.
using AfterPass = std::function<Result<>(const Pass& pass)>;

/// Prefills `n_prompts` prompts of `n_tokens` tokens in passes of at most `chunk_tokens` rows. `first_token` makes the
/// prompts of a repeat others than those before; ids are below `vocab_size`.
Result<PassTimes> time_prefill(Executor& executor, int n_prompts, int n_tokens, int chunk_tokens, int first_token,
                               std::int64_t vocab_size, const std::vector<std::vector<std::int32_t>>& pages,
                               const AfterPass& after_pass = {});

/// Decodes `n_steps` tokens for each of `batch` sequences whose cache holds `context` positions, a pass ahead where the
/// executor takes two at a time and nothing is to be called between; with a temperature at top-p 0.95, else greedy.
Result<PassTimes> time_decode(Executor& executor, int batch, int context, int n_steps, double temperature,
                              const std::vector<std::vector<std::int32_t>>& pages, const AfterPass& after_pass = {});

}  // namespace assay::runners
