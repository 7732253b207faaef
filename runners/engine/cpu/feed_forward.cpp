#include "runners/engine/cpu/feed_forward.h"

#include <atomic>
#include <cstring>
#include <mutex>
#include <optional>

#include "kernels/matmul/matmul.h"
#include "runners/engine/cpu/buffers.h"

namespace assay::runners {

namespace {

using kernels::MatmulArgs;

}  // namespace

Result<> FeedForwardPass::run(const LayerWeights& layer, int n_rows, const float* x, float* out) {
  if (const auto* moe = std::get_if<MoeWeights>(&layer.ffn)) return mixture(*moe, n_rows, x, out);
  dense(std::get<FfnWeights>(layer.ffn), n_rows, x, out);
  return {};
}

void FeedForwardPass::dense(const FfnWeights& ffn, int n_rows, const float* x, float* out) {
  const int hidden = ffn.gate_proj.n_in, width = ffn.gate_proj.n_out;
  float *gate = grown(gate_, product(n_rows, width)), *up = grown(up_, product(n_rows, width));
  compute_.begin(Operation::gate_up);
  const MatmulArgs products[] = {{x, hidden, n_rows, ffn.gate_proj, gate, width},
                                 {x, hidden, n_rows, ffn.up_proj, up, width}};
  compute_.multiply(products);
  compute_.for_rows(n_rows, [&](int row) {
    float* g = gate + static_cast<std::ptrdiff_t>(row) * width;
    compute_.ops.swiglu_row(g, up + static_cast<std::ptrdiff_t>(row) * width, width, g);
  });
  compute_.begin(Operation::down);
  compute_.multiply({gate, width, n_rows, ffn.down_proj, out, hidden});
}

Result<> FeedForwardPass::mixture(const MoeWeights& moe, int n_rows, const float* x, float* out) {
  const auto hidden = static_cast<int>(model_.config.hidden_size),
             width = static_cast<int>(model_.config.moe_intermediate_size),
             n_experts = static_cast<int>(model_.config.n_routed_experts),
             per_token = static_cast<int>(model_.config.num_experts_per_tok);

  // 1. Route every row.
  compute_.begin(Operation::router);
  float* logits = grown(router_logits_, product(n_rows, n_experts));
  compute_.multiply({x, hidden, n_rows, moe.router, logits, n_experts});
  slots_.resize(static_cast<std::size_t>(n_rows) * static_cast<std::size_t>(per_token));
  const kernels::RouterArgs router = model_.router_args(moe);
  std::atomic<int> failed_row{-1};
  compute_.for_rows(n_rows, [&](int row) {
    if (!route(compute_.ops, router, logits + static_cast<std::ptrdiff_t>(row) * n_experts,
               slots_.data() + static_cast<std::ptrdiff_t>(row) * per_token)) {
      failed_row = row;
    }
  });
  if (failed_row >= 0) return bad_input("nan_logits: a router logit is not a number");

  // 2. Bring the rows of each expert together.
  compute_.begin(Operation::sort);
  sort_by_expert(n_rows, x);

  // 3. Every expert's network on its rows, and the shared one on all of them.
  compute_.begin(Operation::experts_gate_up);  // the shared one's too
  const int n_sorted = n_rows * per_token;
  float *gate = grown(sorted_gate_, product(n_sorted, width)), *up = grown(sorted_up_, product(n_sorted, width)),
        *output = grown(sorted_output_, product(n_sorted, hidden));
  std::vector<MatmulArgs> first, second;
  for (int e = 0; e < n_experts; ++e) {
    const std::ptrdiff_t begin = expert_begin_[static_cast<std::size_t>(e)];
    const int count = expert_begin_[static_cast<std::size_t>(e) + 1] - static_cast<int>(begin);
    if (count == 0) continue;
    const FfnWeights& expert = moe.experts[static_cast<std::size_t>(e)];
    first.push_back({sorted_x_.data() + begin * hidden, hidden, count, expert.gate_proj, gate + begin * width, width});
    first.push_back({sorted_x_.data() + begin * hidden, hidden, count, expert.up_proj, up + begin * width, width});
    second.push_back({gate + begin * width, width, count, expert.down_proj, output + begin * hidden, hidden});
  }
  float* shared_output = nullptr;
  int shared_width = 0;
  if (moe.shared_experts) {
    shared_width = moe.shared_experts->gate_proj.n_out;
    float *g = grown(gate_, product(n_rows, shared_width)), *u = grown(up_, product(n_rows, shared_width));
    shared_output = grown(shared_output_, product(n_rows, hidden));
    first.push_back({x, hidden, n_rows, moe.shared_experts->gate_proj, g, shared_width});
    first.push_back({x, hidden, n_rows, moe.shared_experts->up_proj, u, shared_width});
    second.push_back({g, shared_width, n_rows, moe.shared_experts->down_proj, shared_output, hidden});
  }
  compute_.multiply(first);
  compute_.for_rows(n_sorted, [&](int row) {
    float* g = gate + static_cast<std::ptrdiff_t>(row) * width;
    compute_.ops.swiglu_row(g, up + static_cast<std::ptrdiff_t>(row) * width, width, g);
  });
  if (moe.shared_experts) {
    compute_.for_rows(n_rows, [&](int row) {
      float* g = gate_.data() + static_cast<std::ptrdiff_t>(row) * shared_width;
      compute_.ops.swiglu_row(g, up_.data() + static_cast<std::ptrdiff_t>(row) * shared_width, shared_width, g);
    });
  }
  compute_.begin(Operation::experts_down);
  compute_.multiply(second);

  // 4. Weigh and add: slots in ascending expert, then the shared expert.
  compute_.begin(Operation::combine);
  compute_.for_rows(n_rows, [&](int row) {
    float* y = out + static_cast<std::ptrdiff_t>(row) * hidden;
    std::memset(y, 0, sizeof(float) * static_cast<std::size_t>(hidden));
    for (int i = 0; i < per_token; ++i) {
      const auto slot = static_cast<std::size_t>(row * per_token + i);
      const float weight = slots_[slot].weight;
      const float* part = output + static_cast<std::ptrdiff_t>(sorted_place_[slot]) * hidden;
      for (int j = 0; j < hidden; ++j) y[j] += weight * part[j];
    }
    if (shared_output == nullptr) return;
    const float* part = shared_output + static_cast<std::ptrdiff_t>(row) * hidden;
    for (int j = 0; j < hidden; ++j) y[j] += part[j];
  });
  return {};
}

void FeedForwardPass::sort_by_expert(int n_rows, const float* x) {
  const auto hidden = static_cast<int>(model_.config.hidden_size);
  const auto n_experts = static_cast<std::size_t>(model_.config.n_routed_experts);
  const auto per_token = static_cast<int>(model_.config.num_experts_per_tok);
  expert_begin_.assign(n_experts + 1, 0);
  for (const kernels::RoutedExpert& slot : slots_) ++expert_begin_[static_cast<std::size_t>(slot.expert) + 1];
  for (std::size_t e = 0; e < n_experts; ++e) expert_begin_[e + 1] += expert_begin_[e];
  std::vector<int> next(expert_begin_.begin(), expert_begin_.end() - 1);
  sorted_place_.resize(slots_.size());
  for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
    sorted_place_[slot] = next[static_cast<std::size_t>(slots_[slot].expert)]++;
  }
  float* sorted = grown(sorted_x_, product(n_rows * per_token, hidden));
  compute_.for_rows(n_rows, [&](int row) {
    for (int i = 0; i < per_token; ++i) {
      const int place = sorted_place_[static_cast<std::size_t>(row * per_token + i)];
      std::memcpy(sorted + static_cast<std::ptrdiff_t>(place) * hidden, x + static_cast<std::ptrdiff_t>(row) * hidden,
                  sizeof(float) * static_cast<std::size_t>(hidden));
    }
  });
}

}  // namespace assay::runners
