// A block a row. Contract in sample_rows.cuh.
//
// Top-p looks at few tokens: one whose weight is at most (1 - p) / vocab of the whole is removed in any case, since all
// such together weigh no more than 1 - p. What is left usually fits a short list, where each token adds up what is
// removed before it. If it doesn't, the border is searched by halving over all logits.

#include "kernels/sampling/sample_rows.cuh"

#include <cuda_runtime.h>

#include "kernels/device/hopper.cuh"
#include "kernels/device/launch.cuh"

namespace assay::kernels {

namespace {

constexpr int kThreads = 1024, kWarps = kThreads / 32;
constexpr int kListTokens = kThreads;  // one a thread

struct Candidate {
  std::uint64_t weight;
  std::uint32_t order;  // of its value
  std::int32_t id;
};

struct Shared {
  std::uint64_t parts[kWarps];
  Candidate list[kListTokens];
  int n_listed;
};

/// Unsigned numbers in the order of the floats; minus zero counts as zero.
__device__ std::uint32_t order_of(float value) {
  const std::uint32_t bits = __float_as_uint(value + 0.0f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

template <class Combine>
__device__ std::uint64_t block_reduce(Shared& shared, std::uint64_t value, Combine combine) {
  for (int step = 16; step > 0; step /= 2) value = combine(value, __shfl_xor_sync(0xFFFFFFFFu, value, step));
  __syncthreads();  // the parts of the reduction before have been read
  if (threadIdx.x % 32 == 0) shared.parts[threadIdx.x / 32] = value;
  __syncthreads();
  value = shared.parts[0];
  for (int i = 1; i < kWarps; ++i) value = combine(value, shared.parts[i]);
  return value;
}
__device__ std::uint64_t block_sum(Shared& shared, std::uint64_t value) {
  return block_reduce(shared, value, [](std::uint64_t a, std::uint64_t b) { return a + b; });
}
__device__ std::uint64_t block_max(Shared& shared, std::uint64_t value) {
  return block_reduce(shared, value, [](std::uint64_t a, std::uint64_t b) { return a > b ? a : b; });
}

/// The largest value wins, the lower id among equals.
__device__ std::uint64_t rank_of(float value, int id) {
  return static_cast<std::uint64_t>(order_of(value)) << 32 | (0xFFFFFFFFu - static_cast<std::uint32_t>(id));
}
__device__ int id_of(std::uint64_t rank) { return static_cast<int>(0xFFFFFFFFu - static_cast<std::uint32_t>(rank)); }

/// One row's logits after temperature.
struct Row {
  const float* logits;
  int vocab;
  float temperature;
  float largest;  // after temperature
  /// e^(value - largest) in steps of 2^-40.
  __device__ std::uint64_t weight(float value) const { return __float2ull_rz(expf(value - largest) * 0x1p40f); }
};

/// Calls visit(value, id) for this thread's tokens, after temperature; several are read before the first is used.
template <class Visit>
__device__ void for_each_token(const Row& row, Visit visit) {
  constexpr int kAhead = 4;
  for (int start = static_cast<int>(threadIdx.x); start < row.vocab; start += kAhead * kThreads) {
    float values[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int id = start + i * kThreads;
      values[i] = id < row.vocab ? row.logits[id] : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int id = start + i * kThreads;
      if (id < row.vocab) visit(row.temperature == 1.0f ? values[i] : values[i] / row.temperature, id);
    }
  }
}

/// Which tokens survive: those of a larger order than `order`, and those equal to it with an id of at most `last_id`.
struct Border {
  std::uint32_t order;
  std::int32_t last_id;
  __device__ bool keeps(std::uint32_t other, int id) const {
    return other > order || (other == order && id <= last_id);
  }
};

/// The sum of count(value, id) over the tokens that the border keeps.
template <class Count>
__device__ std::uint64_t sum_over(Shared& shared, const Row& row, const Border& border, Count count) {
  std::uint64_t sum = 0;
  for_each_token(row, [&](float value, int id) {
    if (border.keeps(order_of(value), id)) sum += count(value, id);
  });
  return block_sum(shared, sum);
}

/// The largest x in [low, high] with holds(x); holds(low) is true, and what holds for x holds below it.
template <class Holds>
__device__ std::uint32_t last_that_holds(std::uint32_t low, std::uint32_t high, Holds holds) {
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2 + 1;
    if (holds(middle)) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

/// Lists the tokens for which keep(value, id, weight) holds, in any order, and returns how many there are; those that
/// don't fit are only counted.
template <class Keep>
__device__ int list_tokens(Shared& shared, const Row& row, Keep keep) {
  if (threadIdx.x == 0) shared.n_listed = 0;
  __syncthreads();
  for_each_token(row, [&](float value, int id) {
    const std::uint64_t weight = row.weight(value);
    if (!keep(value, id, weight)) return;
    const int at = atomicAdd(&shared.n_listed, 1);
    if (at < kListTokens) shared.list[at] = {weight, order_of(value), id};
  });
  __syncthreads();
  return shared.n_listed;
}

/// Keeps the values not below the k-th largest: halves the range of values until what is left fits the list.
__device__ Border keep_top_k(Shared& shared, const Row& row, const Border& border, int k) {
  const auto one = [](float, int) { return std::uint64_t{1}; };
  if (k <= 0) return border;
  const auto wanted = static_cast<std::uint64_t>(k);
  Border at = border;
  std::uint64_t n = sum_over(shared, row, at, one);
  if (wanted >= n) return border;
  std::uint32_t high = order_of(row.largest);
  while (n > kListTokens && at.order < high) {
    const std::uint32_t middle = at.order + (high - at.order) / 2 + 1;
    const std::uint64_t n_above = sum_over(shared, row, {middle, row.vocab}, one);
    if (n_above >= wanted) {
      at = {middle, row.vocab};
      n = n_above;
    } else {
      high = middle - 1;
    }
  }
  if (n > kListTokens) return at;  // so many equals at the border, which stay
  const int n_listed =
      list_tokens(shared, row, [&](float value, int id, std::uint64_t) { return at.keeps(order_of(value), id); });
  std::uint64_t kth = 0;
  if (static_cast<int>(threadIdx.x) < n_listed) {
    const std::uint32_t own = shared.list[threadIdx.x].order;
    std::uint64_t n_larger = 0, n_equal = 0;
    for (int i = 0; i < n_listed; ++i) {
      n_larger += shared.list[i].order > own;
      n_equal += shared.list[i].order == own;
    }
    if (n_larger < wanted && wanted <= n_larger + n_equal) kth = own;
  }
  return {static_cast<std::uint32_t>(block_max(shared, kth)), row.vocab};
}

/// Top-p by halving: first the value at the border, then how many of its equals go.
__device__ Border search_top_p(Shared& shared, const Row& row, const Border& border, std::uint64_t removable,
                               std::uint64_t total) {
  const auto weight = [&](float value, int) { return row.weight(value); };
  const std::uint32_t order = last_that_holds(border.order, order_of(row.largest), [&](std::uint32_t x) {
    return total - sum_over(shared, row, {x, row.vocab}, weight) <= removable;  // all below x may go
  });
  const std::uint64_t below = total - sum_over(shared, row, {order, row.vocab}, weight);
  const auto equal = [&](float value, int) { return std::uint64_t{order_of(value) == order}; };
  const std::uint64_t n_equal = sum_over(shared, row, {order, row.vocab}, equal);
  const std::uint64_t equal_weight = sum_over(shared, row, {order, row.vocab}, [&](float value, int) {
    return order_of(value) == order ? row.weight(value) : std::uint64_t{0};
  });
  const std::uint64_t each = equal_weight / n_equal;
  std::uint64_t n_removed = each == 0 ? n_equal : (removable - below) / each;
  if (n_removed >= n_equal) n_removed = n_equal - 1;  // only at the largest value, which stays
  if (n_removed == 0) return {order, row.vocab};
  const std::uint64_t n_kept = n_equal - n_removed;
  // The last id up to which fewer than n_kept equals have been seen, and one on.
  const std::uint32_t before = last_that_holds(0, static_cast<std::uint32_t>(row.vocab), [&](std::uint32_t n_ids) {
    return sum_over(shared, row, {order, row.vocab}, [&](float value, int id) {
             return std::uint64_t{order_of(value) == order && id < static_cast<int>(n_ids)};
           }) < n_kept;
  });
  return {order, static_cast<std::int32_t>(before)};
}

/// Removes the tail whose cumulative weight is at most 1 - p of the whole; among equals the higher ids go first.
__device__ Border keep_top_p(Shared& shared, const Row& row, const Border& border, double top_p) {
  if (top_p >= 1) return border;
  const std::uint64_t total = sum_over(shared, row, border, [&](float value, int) { return row.weight(value); });
  const auto removable = static_cast<std::uint64_t>((1 - top_p) * static_cast<double>(total));
  constexpr std::uint64_t kLargestWeight = 1ull << 40;
  std::uint64_t surely_removed = removable / static_cast<std::uint64_t>(row.vocab);
  if (surely_removed >= kLargestWeight) surely_removed = kLargestWeight - 1;  // the largest stays
  std::uint64_t listed = 0;
  const int n = list_tokens(shared, row, [&](float value, int id, std::uint64_t weight) {
    const bool keep = border.keeps(order_of(value), id) && weight > surely_removed;
    if (keep) listed += weight;
    return keep;
  });
  listed = block_sum(shared, listed);
  if (n > kListTokens) return search_top_p(shared, row, border, removable, total);
  // Each token of the list adds up itself and what goes before it; the lowest that stays is the border.
  std::uint64_t lowest = ~std::uint64_t{0};
  if (static_cast<int>(threadIdx.x) < n) {
    const Candidate own = shared.list[threadIdx.x];
    std::uint64_t removed = total - listed + own.weight;
    bool is_largest = true;
    for (int i = 0; i < n; ++i) {
      const Candidate other = shared.list[i];
      const bool goes_before = other.order < own.order || (other.order == own.order && other.id > own.id);
      if (goes_before) removed += other.weight;
      is_largest = is_largest && (goes_before || other.id == own.id);
    }
    if (removed > removable || is_largest) {
      lowest = static_cast<std::uint64_t>(own.order) << 32 | (0xFFFFFFFFu - static_cast<std::uint32_t>(own.id));
    }
  }
  lowest = block_reduce(shared, lowest, [](std::uint64_t a, std::uint64_t b) { return a < b ? a : b; });
  return {static_cast<std::uint32_t>(lowest >> 32), id_of(lowest)};
}

__global__ void __launch_bounds__(kThreads) sample_kernel(SampleRowsArgs a) {
  __shared__ Shared shared;
  hopper::let_next_grid_start();
  hopper::wait_for_previous_grid();
  const SampleRow how = a.how[blockIdx.x];
  Row row{a.logits + static_cast<std::int64_t>(how.logits_row) * a.logits_stride, a.vocab, 1.0f, 0.0f};
  std::uint64_t best = 0, any_nan = 0;
  for_each_token(row, [&](float logit, int id) {
    if (isnan(logit)) any_nan = 1;
    const std::uint64_t rank = rank_of(logit, id);
    best = rank > best ? rank : best;
  });
  any_nan = block_max(shared, any_nan);
  best = block_max(shared, best);
  const int largest_id = id_of(best);
  const bool bad = any_nan != 0 || isinf(row.logits[largest_id]);
  if (bad || how.temperature == 0.0f) {
    if (threadIdx.x == 0) a.tokens[blockIdx.x] = bad ? kNanLogits : largest_id;
    return;
  }
  row.temperature = how.temperature;
  row.largest = how.temperature == 1.0f ? row.logits[largest_id] : row.logits[largest_id] / how.temperature;
  Border border{order_of(-INFINITY), -1};  // minus infinity itself goes
  border = keep_top_k(shared, row, border, how.top_k);
  border = keep_top_p(shared, row, border, how.top_p);
  std::uint64_t drawn = 0;
  for_each_token(row, [&](float value, int id) {
    if (!border.keeps(order_of(value), id)) return;
    if (how.min_p > 0 && static_cast<double>(expf(value - row.largest)) < how.min_p) return;
    const float score = value + gumbel_noise(how.key, how.position, static_cast<std::uint32_t>(id));
    const std::uint64_t rank = rank_of(score, id);
    drawn = rank > drawn ? rank : drawn;
  });
  drawn = block_max(shared, drawn);
  if (threadIdx.x == 0) a.tokens[blockIdx.x] = id_of(drawn);
}

}  // namespace

Result<> sample_rows(const SampleRowsArgs& args, cudaStream_t stream) {
  if (args.vocab < 1 || args.logits_stride < args.vocab) {
    return bad_input("sample_rows: vocab is ", args.vocab, " and rows lie ", args.logits_stride, " apart");
  }
  if (args.rows == 0) return {};
  return launch("sample_rows", sample_kernel, {dim3(static_cast<unsigned>(args.rows)), kThreads}, stream, args);
}

}  // namespace assay::kernels
