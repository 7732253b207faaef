#pragma once
// A model that is ready to run: weights on their device, tokenizer, chat template, scheduler. The two native runners,
// native_runner.h and native_live_runner.h, are this and a loop.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "harness/base/result.h"
#include "kernels/simd/simd_choice.h"
#include "runners/engine/model.h"
#include "runners/engine/native_device.h"
#include "runners/engine/native_runner.h"
#include "runners/engine/scheduler.h"
#include "runners/formats/chat/chat_template.h"
#include "runners/formats/tokenizer/tokenizer.h"

namespace assay::runners {

/// A request as the scheduler takes it, with what its completion needs besides.
struct Prepared {
  TokenRequest request;
  std::string prompt_sha256;
  std::string prefill;
};

/// All const members may be called by any thread; the scheduler belongs to one.
class NativeEngine {
 public:
  /// Loads a model. Errors as open_native_runner() says.
  static Result<std::unique_ptr<NativeEngine>> open(const NativeOptions& options, Workload workload);

  ModelFacts model_facts() const;
  DeviceFacts device_facts() const;
  const Tokenizer& tokenizer() const { return tokenizer_; }
  Scheduler& scheduler() { return *scheduler_; }

  /// Renders and tokenizes. Error{bad_input} if the chat template can't.
  Result<Prepared> prepare(const Request& request) const;
  /// The same, and checks that it can be served. The error names the request.
  Result<Prepared> prepare_checked(const Request& request) const;
  /// `text` is the output's, decoded.
  Completion complete(const Request& request, const Prepared& prepared, TokenOutput output, std::string text) const;

 private:
  NativeEngine(NativeOptions options, std::unique_ptr<Model> model, Tokenizer tokenizer, Result<ChatTemplate> chat,
               std::string config_sha256, NativeDevice device, kernels::SimdLevel level, int n_threads);
  Result<> start(Workload workload);
  Result<> run_canary_on(Executor& executor, int chunk_tokens);

  NativeOptions options_;
  std::unique_ptr<Model> model_;
  Tokenizer tokenizer_;
  Result<ChatTemplate> chat_;   // why there is none matters only once a chat has to be rendered
  std::string weights_sha256_;  // empty for dummy weights
  std::string config_sha256_;   // of config.json; for dummy weights alone
  NativeDevice device_;
  kernels::SimdLevel level_;
  kernels::ThreadPool pool_;
  int max_batch_ = 0;
  std::optional<Json> canary_;
  std::unique_ptr<Scheduler> scheduler_;
};

}  // namespace assay::runners
