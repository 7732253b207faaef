#include "runners/engine/cpu/cpu_executor.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "runners/engine/cpu/forward.h"
#include "runners/engine/cpu/kv_cache.h"
#include "runners/engine/host.h"

namespace assay::runners {

namespace {

using Clock = std::chrono::steady_clock;

double since_ms(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

class CpuExecutor final : public Executor {
 public:
  CpuExecutor(const Model& model, const Compute& compute, const ExecutorOptions& options, KvCache cache)
      : compute_{compute.ops, compute.pool, &marks_, compute.columns},
        cache_(std::move(cache)),
        forward_(model, cache_, compute_),
        vocab_(static_cast<std::size_t>(model.config.vocab_size)),
        hidden_size_(static_cast<std::size_t>(model.config.hidden_size)),
        kept_(static_cast<std::size_t>(options.max_batch) + 1) {
    compute_.pool.reserve_scratch(kernels::sampling_scratch_floats(vocab_));
  }

  int n_pages() const override { return cache_.n_pages(); }
  int max_in_flight() const override { return 1; }
  OperationMarks* marks() override { return &marks_; }

  /// The whole pass is run here: there is nothing else that could be done meanwhile.
  Result<> submit(const Pass& pass) override;
  Result<PassResult> collect() override { return std::exchange(result_, {}); }

  Result<> copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) override {
    for (const auto& [from, to] : pages) cache_.copy(from, to);
    return {};
  }
  std::int64_t page_bytes() const override { return static_cast<std::int64_t>(cache_.page_bytes()); }
  Result<SavedPages> save_pages(std::span<const std::int32_t> pages) override {
    SavedPages saved(pages.size() * cache_.page_bytes());
    for (std::size_t i = 0; i < pages.size(); ++i) {
      std::memcpy(saved.bytes().data() + i * cache_.page_bytes(), cache_.bytes(pages[i]).data(), cache_.page_bytes());
    }
    return saved;
  }
  Result<> load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) override {
    for (std::size_t i = 0; i < pages.size(); ++i) {
      std::memcpy(cache_.bytes(pages[i]).data(), saved.data() + i * cache_.page_bytes(), cache_.page_bytes());
    }
    return {};
  }
  Result<> keep_hidden(int row, int slot) override {
    const auto state = hidden_.subspan(static_cast<std::size_t>(row) * hidden_size_, hidden_size_);
    kept_[static_cast<std::size_t>(slot)].assign(state.begin(), state.end());
    return {};
  }
  Result<MtpResult> run_mtp(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) override;

 private:
  void draw(std::span<const Draw> draws);

  OperationMarks marks_;
  Compute compute_;
  KvCache cache_;
  Forward forward_;
  std::size_t vocab_, hidden_size_;
  std::span<const float> hidden_;         // of the last pass
  std::vector<std::vector<float>> kept_;  // hidden states by slot
  std::vector<float> rows_, logits_;
  PassResult result_;
};

Result<> CpuExecutor::submit(const Pass& pass) {
  const Clock::time_point start = Clock::now();
  ASSAY_ASSIGN(hidden_, forward_.run(pass.spans, pass.role, pass.observe));
  if (pass.wants_states) {
    result_.hidden.assign(hidden_.begin(), hidden_.end());
    result_.logits.resize(hidden_.size() / hidden_size_ * vocab_);
    forward_.logits(hidden_.data(), count_rows(pass.spans), result_.logits.data());
  }
  draw(pass.draws);
  result_.device_ms = since_ms(start);
  return {};
}

/// Draws of one row share its logits.
void CpuExecutor::draw(std::span<const Draw> draws) {
  std::vector<std::size_t> logits_row;
  rows_.clear();
  for (std::size_t i = 0; i < draws.size(); ++i) {
    if (i == 0 || draws[i].row != draws[i - 1].row) {
      const auto state = hidden_.subspan(static_cast<std::size_t>(draws[i].row) * hidden_size_, hidden_size_);
      rows_.insert(rows_.end(), state.begin(), state.end());
    }
    logits_row.push_back(rows_.size() / hidden_size_ - 1);
  }
  const std::size_t n_rows = rows_.size() / hidden_size_;
  logits_.resize(n_rows * vocab_);
  forward_.logits(rows_.data(), static_cast<int>(n_rows), logits_.data());
  compute_.begin(Operation::sampling);
  result_.drawn.resize(draws.size());
  compute_.pool.for_each(static_cast<int>(draws.size()), [&](int which, float* scratch) {
    const auto i = static_cast<std::size_t>(which);
    const Draw& d = draws[i];
    const std::span<const float> logits = std::span(logits_).subspan(logits_row[i] * vocab_, vocab_);
    const Result<std::int32_t> token =
        kernels::sample_token(compute_.ops, logits, d.sampling, d.key, d.position, scratch);
    result_.drawn[i].token = token ? *token : -1;
    if (token && d.wants_logprobs()) {
      result_.drawn[i].logprobs = logprobs_of(logits, d.given >= 0 ? d.given : *token, d.n_logprobs);
    }
  });
}

Result<MtpResult> CpuExecutor::run_mtp(PositionRole role, std::span<const MtpSpan> mtp_spans, MtpOutput output) {
  const Clock::time_point start = Clock::now();
  std::vector<TokenSpan> spans;
  rows_.clear();
  for (const MtpSpan& s : mtp_spans) {
    const auto first = static_cast<std::size_t>(s.first_hidden), n = s.span.tokens.size();
    const auto states = s.source == MtpSpan::Source::kept ? std::span<const float>(kept_[first])
                                                          : hidden_.subspan(first * hidden_size_, n * hidden_size_);
    rows_.insert(rows_.end(), states.begin(), states.end());
    spans.push_back(s.span);
  }
  ASSAY_ASSIGN(std::span<const float> hidden, forward_.run_mtp(spans, role, rows_.data()));
  if (output == MtpOutput::drafts) {
    std::size_t end = 0;
    rows_.clear();
    for (const TokenSpan& span : spans) {
      end += span.tokens.size();
      const auto last = hidden.subspan((end - 1) * hidden_size_, hidden_size_);
      rows_.insert(rows_.end(), last.begin(), last.end());
    }
    hidden = rows_;
  }
  MtpResult result;
  if (output != MtpOutput::cache_rows) {
    const std::size_t n_rows = hidden.size() / hidden_size_;
    result.logits.resize(n_rows * vocab_);
    forward_.logits(hidden.data(), static_cast<int>(n_rows), result.logits.data());
  }
  if (output == MtpOutput::drafts) {
    for (std::size_t i = 0; i < spans.size(); ++i) {
      result.drafts.push_back(
          kernels::argmax(compute_.ops, std::span<const float>(result.logits).subspan(i * vocab_, vocab_)));
    }
  }
  result.device_ms = since_ms(start);
  return result;
}

}  // namespace

Result<std::unique_ptr<Executor>> create_cpu_executor(const Model& model, const Compute& compute,
                                                      const ExecutorOptions& options,
                                                      const std::function<Result<int>(int fitting)>& settle_pages) {
  const std::size_t page_bytes = KvCache::page_bytes(model.n_cache_layers(), model.cache_row_width());
  ASSAY_ASSIGN(int n_pages, count_pages(options, available_memory_bytes(), model.config.max_position_embeddings,
                                        static_cast<std::int64_t>(page_bytes)));
  if (settle_pages) {
    ASSAY_ASSIGN(n_pages, settle_pages(n_pages));
  }
  ASSAY_ASSIGN(KvCache cache, KvCache::create(n_pages, model.n_cache_layers(), model.cache_row_width()));
  return std::unique_ptr<Executor>(std::make_unique<CpuExecutor>(model, compute, options, std::move(cache)));
}

}  // namespace assay::runners
