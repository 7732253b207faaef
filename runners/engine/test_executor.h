#pragma once
// What the engine's tests run models on.

#include <deque>

#include "kernels/simd/simd_choice.h"
#include "runners/engine/cpu/cpu_executor.h"
#include "runners/engine/delegating_executor.h"
#include "runners/engine/logits.h"
#include "tests/support/catch.h"

namespace assay::runners {

/// A CPU with its threads and an executor on it, for one model.
class TestExecutor {
 public:
  TestExecutor(const Model& model, const ExecutorOptions& options, int n_threads = 2,
               kernels::SimdLevel level = kernels::best_simd_level())
      : pool_(n_threads) {
    auto made = create_cpu_executor(model, {kernels::cpu_ops(level), pool_}, options);
    if (!made) FAIL(made.error().message);
    executor_ = std::move(*made);
  }
  Executor& operator*() { return *executor_; }
  std::unique_ptr<Executor> take() { return std::move(executor_); }

 private:
  kernels::ThreadPool pool_;
  std::unique_ptr<Executor> executor_;
};

/// An executor that takes two passes at a time, as a GPU does: what a pass draws is known on the host only after the
/// next one was submitted.
class TwoInFlight final : public DelegatingExecutor {
 public:
  TwoInFlight(std::unique_ptr<Executor> executor, std::int64_t context_tokens)
      : DelegatingExecutor(*executor), executor_(std::move(executor)), context_tokens_(context_tokens) {}

  int max_in_flight() const override { return 2; }
  Result<> submit(const Pass& pass) override {
    REQUIRE(results_.size() < 2);
    for (const Draw& draw : pass.draws) REQUIRE(draw.position < context_tokens_);
    std::vector<std::vector<std::int32_t>> tokens;
    std::vector<TokenSpan> spans(pass.spans.begin(), pass.spans.end());
    for (TokenSpan& span : spans) {
      auto& known = tokens.emplace_back(span.tokens.begin(), span.tokens.end());
      for (std::int32_t& token : known) {
        if (token < 0) token = last_drawn_.at(static_cast<std::size_t>(-1 - token)).token;
      }
      span.tokens = known;
    }
    Pass known = pass;
    known.spans = spans;
    ASSAY_TRY(inner().submit(known));
    ASSAY_ASSIGN(PassResult result, inner().collect());
    last_drawn_ = result.drawn;
    results_.push_back(std::move(result));
    return {};
  }
  Result<PassResult> collect() override {
    REQUIRE_FALSE(results_.empty());
    PassResult result = std::move(results_.front());
    results_.pop_front();
    return result;
  }

 private:
  std::unique_ptr<Executor> executor_;
  std::int64_t context_tokens_;
  std::vector<DrawnToken> last_drawn_;
  std::deque<PassResult> results_;
};

/// compute_logits() on the CPU.
inline Result<SequenceLogits> cpu_logits(const Model& model, std::span<const std::int32_t> tokens,
                                         const LogitsOptions& options = {},
                                         kernels::SimdLevel level = kernels::best_simd_level()) {
  TestExecutor executor(model, {.max_batch = 1, .kv_memory_bytes = std::int64_t{1} << 40}, 2, level);
  return compute_logits(model, *executor, tokens, options);
}

}  // namespace assay::runners
