#include "runners/engine/executor.h"

#include <algorithm>
#include <numeric>

namespace assay::runners {

Result<int> count_pages(const ExecutorOptions& options, std::int64_t free_bytes, std::int64_t context_tokens,
                        std::int64_t page_bytes) {
  const std::int64_t bytes =
      options.kv_memory_bytes > 0
          ? options.kv_memory_bytes
          : static_cast<std::int64_t>(options.kv_memory_pct / 100 *
                                      static_cast<double>(std::max<std::int64_t>(0, free_bytes)));
  const std::int64_t most = 2 * std::int64_t{options.max_batch} * pages_for(context_tokens);
  const std::int64_t n_pages = std::min(most, bytes / page_bytes);
  if (n_pages < 2) {
    return environment_error("the KV cache needs at least ", 2 * page_bytes, " bytes, ", bytes,
                             " are given or free; give a larger --kv-memory, or a smaller --max-batch or model");
  }
  return static_cast<int>(n_pages);
}

TokenLogprobs logprobs_of(std::span<const float> logits, std::int32_t token, int n_top) {
  const double total = kernels::log_sum_exp(logits);
  TokenLogprobs out{static_cast<double>(logits[static_cast<std::size_t>(token)]) - total, {}};
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto n = std::min<std::size_t>(static_cast<std::size_t>(n_top), order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(), [&](auto a, auto b) {
    const float x = logits[static_cast<std::size_t>(a)], y = logits[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  });
  for (std::size_t i = 0; i < n; ++i) {
    out.top.emplace_back(order[i], static_cast<double>(logits[static_cast<std::size_t>(order[i])]) - total);
  }
  return out;
}

}  // namespace assay::runners
