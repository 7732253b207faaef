#pragma once
// The base of executors that change a few calls of another one, or own what it needs: every call goes to that one.

#include "runners/engine/executor.h"

namespace assay::runners {

/// Whoever derives from it owns `inner`, which must be there for every call.
class DelegatingExecutor : public Executor {
 public:
  explicit DelegatingExecutor(Executor& inner) : inner_(inner) {}

  int n_pages() const override { return inner_.n_pages(); }
  int max_in_flight() const override { return inner_.max_in_flight(); }
  Result<> submit(const Pass& pass) override { return inner_.submit(pass); }
  Result<PassResult> collect() override { return inner_.collect(); }
  Result<> copy_pages(std::span<const std::pair<std::int32_t, std::int32_t>> pages) override {
    return inner_.copy_pages(pages);
  }
  std::int64_t page_bytes() const override { return inner_.page_bytes(); }
  Result<SavedPages> save_pages(std::span<const std::int32_t> pages) override { return inner_.save_pages(pages); }
  Result<> load_pages(std::span<const std::byte> saved, std::span<const std::int32_t> pages) override {
    return inner_.load_pages(saved, pages);
  }
  Result<> keep_hidden(int row, int slot) override { return inner_.keep_hidden(row, slot); }
  Result<MtpResult> run_mtp(PositionRole role, std::span<const MtpSpan> spans, MtpOutput output) override {
    return inner_.run_mtp(role, spans, output);
  }
  OperationMarks* marks() override { return inner_.marks(); }
  Result<std::optional<LinkReport>> link_report() const override { return inner_.link_report(); }

 protected:
  Executor& inner() { return inner_; }

 private:
  Executor& inner_;
};

}  // namespace assay::runners
