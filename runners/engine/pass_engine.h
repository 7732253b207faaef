#pragma once
// A model on its device for passes alone: no tokenizer, no chat template, no scheduler. What benchmarks of decode and
// prefill run.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/base/result.h"
#include "runners/engine/layer_timing.h"
#include "runners/engine/native_runner.h"
#include "runners/engine/pass_timing.h"
#include "runners/runner.h"

namespace assay::runners {

struct PassLimits {
  std::int64_t max_batch = 1;
  std::int64_t prefill_chunk_tokens = 0;  ///< rows of a prefill pass; 0: what the engine takes by itself
};

class PassEngine {
 public:
  /// Of `options`, what concerns scheduling and chat is not used; with dummy weights the folder need hold config.json
  /// alone. Errors as open_native_runner() says.
  static Result<std::unique_ptr<PassEngine>> open(const NativeOptions& options, const PassLimits& limits);
  ~PassEngine();

  ModelFacts model_facts() const;
  DeviceFacts device_facts() const;
  bool is_cuda() const;
  std::int64_t max_position_embeddings() const;

  /// Pages for the sequences of what follows, as pages_of_sequences() gives them.
  using Pages = std::vector<std::vector<std::int32_t>>;
  Result<Pages> pages(int n_sequences, std::int64_t n_tokens) const;
  Result<PassTimes> prefill(int n_prompts, int n_tokens, int first_token, const Pages& pages);
  Result<PassTimes> decode(int batch, int context, int n_steps, double temperature, const Pages& pages);

  /// Positions behind `context` that watch_decode() takes in all.
  int watched_steps(int n_runs) const;
  /// Where the time of a decoding step goes, watched n_runs times, and of prompts. Error{bad_input} for a model over
  /// several GPUs; Error{environment} where a GPU's records can't be had.
  Result<LayerTimes> watch_decode(int batch, int context, int n_runs, double temperature, const Pages& pages);
  Result<LayerTimes> watch_prefill(int n_prompts, int n_tokens, int n_runs, const Pages& pages);
  /// What the operation must move and compute in a pass of this shape.
  OperationWork work_of(const OperationPlace& place, const PassShape& shape) const;
  int prefill_chunk_tokens() const;

  /// As Runner::link_report().
  Result<std::optional<LinkReport>> link_report() const;

 private:
  struct Parts;
  explicit PassEngine(std::unique_ptr<Parts> parts);
  Result<LayerTimes> watch(const WatchedPasses& labelled, const WatchPlan& plan);
  std::unique_ptr<Parts> parts_;
};

}  // namespace assay::runners
