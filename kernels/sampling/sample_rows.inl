// Sampling's kernel for a team of blocks a row, the same for every path. Contract in sample_rows.cuh. The file that
// includes it says first, in namespace assay::kernels, what a team is: kBlocks, kThreads, kKeepsRow (whether blocks keep
// their tokens in shared memory or read them again each time), team_rank(), team_arrive(), team_wait() and in_block().
// Every team draws the same tokens.
//
// Top-k and top-p ask the same question: which is the largest value from which on up all tokens together count (top-k)
// or weigh (top-p) enough? A histogram answers it to within a bucket, a finer one of that bucket's values the rest,
// until a bucket is one token or tokens that are all alike. Sums are integers, so that their order is free.
//
// Noise takes float64 logarithms. They are computed only for tokens whose score, estimated in float32, comes close to
// the best estimate seen.

namespace assay::kernels {

namespace {

constexpr int kWarps = kThreads / 32;
constexpr int kBucketBits = 10, kBuckets = 1 << kBucketBits, kBucketsOfBlock = kBuckets / static_cast<int>(kBlocks);
constexpr float kReach = 28;  // weights this far below the largest value are 0: e^-28 < 2^-40; noise spans less, too
constexpr std::uint32_t kAllLanes = 0xFFFFFFFFu;

/// A histogram's answer.
struct Crossing {
  std::uint64_t total;   // of all buckets
  std::uint64_t left;    // what the buckets above this one lack
  std::uint64_t inside;  // of this bucket: at least what they lack
  int bucket;            // or -1: all together is not enough
};

struct Shared {
  uint2 buckets[kBuckets];  // 64-bit sums, low and high word
  std::uint64_t parts[kWarps];
  std::uint64_t slices[kBlocks];  // sums over each block's buckets
  std::uint64_t drawn[kBlocks];   // each block's best score
  Crossing crossing;
  std::uint32_t maxima[kBlocks];
  std::uint32_t part_maxima[kWarps];
  std::uint32_t edges[2];
  std::uint32_t best_estimate;  // as an order
};

/// Unsigned numbers in the order of the floats; minus zero counts as zero.
__device__ std::uint32_t order_of(float value) {
  const std::uint32_t bits = __float_as_uint(value + 0.0f);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
__device__ float value_of(std::uint32_t order) {
  return __uint_as_float(order & 0x80000000u ? order ^ 0x80000000u : ~order);
}

/// The largest value wins, the lower id among equals.
__device__ std::uint64_t rank_of(float value, int id) {
  return static_cast<std::uint64_t>(order_of(value)) << 32 | (0xFFFFFFFFu - static_cast<std::uint32_t>(id));
}
__device__ int id_of(std::uint64_t rank) { return static_cast<int>(0xFFFFFFFFu - static_cast<std::uint32_t>(rank)); }

__device__ void team_sync() {
  team_arrive();
  team_wait();
}

/// The maximum over the team's threads, for all of them. Once in a kernel.
__device__ std::uint32_t team_max(Shared& shared, std::uint32_t value) {
  const unsigned lane = threadIdx.x % 32;
  value = __reduce_max_sync(kAllLanes, value);
  if (lane == 0) shared.part_maxima[threadIdx.x / 32] = value;
  __syncthreads();
  if (threadIdx.x < 32) {
    value = __reduce_max_sync(kAllLanes, lane < kWarps ? shared.part_maxima[lane] : 0);
    if (lane < kBlocks) *in_block(&shared.maxima[team_rank()], lane) = value;
  }
  team_sync();
  return __reduce_max_sync(kAllLanes, shared.maxima[lane % kBlocks]);
}

/// The same of ranks, for the first thread of the first block alone. Once in a kernel.
__device__ std::uint64_t first_thread_max(Shared& shared, std::uint64_t rank) {
  for (int step = 16; step > 0; step /= 2) rank = max(rank, __shfl_xor_sync(kAllLanes, rank, step));
  if (threadIdx.x % 32 == 0) shared.parts[threadIdx.x / 32] = rank;
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 1; i < kWarps; ++i) rank = max(rank, shared.parts[i]);
    *in_block(&shared.drawn[team_rank()], 0) = rank;
  }
  team_sync();
  if (threadIdx.x == 0 && team_rank() == 0) {
    for (unsigned i = 0; i < kBlocks; ++i) rank = max(rank, shared.drawn[i]);
  }
  return rank;
}

/// Division by the temperature, rounded once as IEEE has it. The quotient by the inverse is corrected by its remainder,
/// once to within a unit in the last place and once more to the nearest (Markstein, IBM J. Res. Dev. 34(1), 1990);
/// zeros, infinities and extremes are left to the processor's division.
struct Divisor {
  float value, inverse, least, most;  // what is from least to most may be divided the short way
  __device__ explicit Divisor(float by) : value(by), inverse(1.0f / by), least(0x1p-40f), most(0x1p40f) {
    if (!(by >= 0x1p-20f && by <= 0x1p20f)) most = 0;
  }
  __device__ __noinline__ static float long_way(float x, float by) { return x / by; }
  __device__ float operator()(float x) const {
    if (!(fabsf(x) >= least && fabsf(x) <= most)) return long_way(x, value);
    const float rough = x * inverse, close = fmaf(fmaf(-value, rough, x), inverse, rough);
    return fmaf(fmaf(-value, close, x), inverse, close);
  }
};

/// Four logits, minus infinity for those past the end.
__device__ float4 load_group(const float* logits, int id, int vocab, bool aligned) {
  if (aligned && id + 4 <= vocab) return *reinterpret_cast<const float4*>(logits + id);
  const auto one = [&](int i) { return i < vocab ? logits[i] : -INFINITY; };
  return {one(id), one(id + 1), one(id + 2), one(id + 3)};
}

/// A row as this block sees it: its own tokens' values, four neighbours a group.
struct Row {
  float4* kept;  // divided by the temperature, if blocks keep them
  const float* logits;
  Divisor divided;
  bool divides, aligned;
  int n_groups;
  int first_id;
  int vocab;
  float largest;  // of the whole row, after temperature
  __device__ float4 load(int g) const { return load_group(logits, first_id + 4 * g, vocab, aligned); }
  __device__ float4 after_temperature(const float4& v) const {
    return divides ? float4{divided(v.x), divided(v.y), divided(v.z), divided(v.w)} : v;
  }
  __device__ float4 group(int g) const {
    if constexpr (kKeepsRow) return kept[g];
    return after_temperature(load(g));
  }
  __device__ float below(float value) const { return value - largest; }
  /// e^(value - largest) in steps of 2^-40.
  __device__ std::uint64_t weight(float value) const { return __float2ull_rz(expf(below(value)) * 0x1p40f); }
};

__device__ float largest_of(const float4& v) { return fmaxf(fmaxf(v.x, v.y), fmaxf(v.z, v.w)); }

/// Calls visit(value, id) for this thread's tokens but some that are below `floor`.
template <class Visit>
__device__ void for_each_token(const Row& row, float floor, Visit visit) {
#pragma unroll 1
  for (int g = static_cast<int>(threadIdx.x); g < row.n_groups; g += kThreads) {
    const float4 values = row.group(g);
    if (largest_of(values) < floor) continue;
    const int id = row.first_id + 4 * g;
    visit(values.x, id);
    visit(values.y, id + 1);
    visit(values.z, id + 2);
    visit(values.w, id + 3);
  }
}

constexpr std::uint32_t kNanOrder = 0xFFFFFFFFu;

/// Looks at this block's tokens, and keeps them if blocks do. Returns the order of this thread's largest logit, kNanOrder
/// if any is not a number.
__device__ std::uint32_t load_row(const Row& row) {
  constexpr int kAhead = 4;
  float largest = -INFINITY;
  bool any_nan = false;
  for (int start = static_cast<int>(threadIdx.x); start < row.n_groups; start += kAhead * kThreads) {
    float4 values[kAhead];
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int g = start + i * kThreads;
      if (g < row.n_groups) values[i] = row.load(g);
    }
#pragma unroll
    for (int i = 0; i < kAhead; ++i) {
      const int g = start + i * kThreads;
      if (g >= row.n_groups) break;
      const float4 v = values[i];
      largest = fmaxf(largest, largest_of(v));
      any_nan = any_nan || isnan(v.x) || isnan(v.y) || isnan(v.z) || isnan(v.w);
      if constexpr (kKeepsRow) row.kept[g] = row.after_temperature(v);
    }
  }
  return any_nan ? kNanOrder : order_of(largest);
}

/// Which tokens survive: those of a larger value than `value`, and those equal to it with an id of at most `last_id`.
struct Border {
  float value;
  std::int32_t last_id;
  __device__ bool keeps(float other, int id) const { return other > value || (other == value && id <= last_id); }
};

/// Adds to a 64-bit sum by 32-bit atomics, which shared memory has.
__device__ void add_to(uint2* sum, std::uint64_t value) {
  const auto low = static_cast<std::uint32_t>(value);
  const std::uint32_t before = atomicAdd(&sum->x, low);
  const std::uint32_t high = static_cast<std::uint32_t>(value >> 32) + (before + low < before ? 1 : 0);
  if (high != 0) atomicAdd(&sum->y, high);
}

/// The highest bucket that together with those above it reaches need_of(total), over the whole row. A token belongs to
/// bucket_of(value, id), none if negative, as for all values below `floor`; it counts as measure(value). Buckets are
/// zero before and after.
template <class BucketOf, class Measure, class NeedOf>
__device__ Crossing cross(Shared& shared, const Row& row, float floor, BucketOf bucket_of, Measure measure,
                          NeedOf need_of) {
  for_each_token(row, floor, [&](float value, int id) {
    const int bucket = bucket_of(value, id);
    if (bucket < 0) return;
    const std::uint64_t counts = measure(value);
    if (counts != 0) add_to(&shared.buckets[bucket], counts);
  });
  team_sync();
  // Each block adds up a slice of the buckets, a thread each, from the highest down.
  const unsigned rank = team_rank();
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32;
  const int bucket = kBuckets - 1 - static_cast<int>(rank) * kBucketsOfBlock - thread;
  const bool sums = thread < kBucketsOfBlock;
  std::uint64_t own = 0, up_to = 0;
  if (sums) {
#pragma unroll
    for (unsigned b = 0; b < kBlocks; ++b) {
      const uint2 sum = *in_block(&shared.buckets[bucket], b);
      own += static_cast<std::uint64_t>(sum.y) << 32 | sum.x;
    }
    up_to = own;  // from the warp's first bucket
    for (int step = 1; step < 32; step *= 2) {
      const std::uint64_t before = __shfl_up_sync(kAllLanes, up_to, static_cast<unsigned>(step));
      if (lane >= step) up_to += before;
    }
    if (lane == 31) shared.parts[thread / 32] = up_to;
  }
  __syncthreads();
  if (sums) {
    std::uint64_t slice = 0;
    for (int w = 0; w < kBucketsOfBlock / 32; ++w) {
      if (w == thread / 32) up_to += slice;
      slice += shared.parts[w];
    }
    if (threadIdx.x < kBlocks) *in_block(&shared.slices[rank], threadIdx.x) = slice;
  }
  team_sync();
  for (int i = thread; i < kBuckets; i += kThreads) shared.buckets[i] = {0, 0};  // all have read them
  if (sums) {
    std::uint64_t total = 0;
    for (unsigned b = 0; b < kBlocks; ++b) {
      if (b == rank) up_to += total;
      total += shared.slices[b];
    }
    const std::uint64_t need = need_of(total), above = up_to - own;
    const bool is_crossed = above < need && need <= up_to, is_first = rank == 0 && thread == 0;
    if (is_crossed || (is_first && need > total)) {
      const Crossing crossing = is_crossed ? Crossing{total, need - above, own, bucket} : Crossing{total, 0, 0, -1};
      for (unsigned b = 0; b < kBlocks; ++b) *in_block(&shared.crossing, b) = crossing;
    }
  }
  team_sync();
  return shared.crossing;
}

/// The first histogram's buckets: even steps below the largest value.
__device__ int even_bucket(const Row& row, float value) {
  const float below = row.below(value);
  if (!(below > -kReach)) return -1;
  constexpr float kInteger = 0x1p23f;  // from here on floats are integers: the sum's last bits are the bucket
  return min(kBuckets - 1, __float_as_int(fmaf(below, kBuckets / kReach, kInteger + kBuckets)) - 0x4B000000);
}

/// The lowest order of a value whose even_bucket() is `bucket` or above; one past the largest value's if there is none.
/// By one warp.
__device__ std::uint32_t lowest_order(const Row& row, int bucket) {
  std::uint32_t low = order_of(-INFINITY), high = order_of(row.largest) + 1;  // the answer is above low, up to high
  const std::uint32_t lane = threadIdx.x % 32;
  while (high - low > 1) {
    const std::uint64_t step = (high - low + 31) / 32;
    const auto offset = min((lane + 1) * step, static_cast<std::uint64_t>(high - low));
    const std::uint32_t at = low + static_cast<std::uint32_t>(offset);
    const bool holds = at == high || even_bucket(row, value_of(at)) >= bucket;
    const std::uint32_t first =
        static_cast<std::uint32_t>(__ffs(static_cast<int>(__ballot_sync(kAllLanes, holds)))) - 1;
    const std::uint32_t base = low;
    low = base + static_cast<std::uint32_t>(first * step);
    high = base + static_cast<std::uint32_t>(min((first + 1) * step, static_cast<std::uint64_t>(high - base)));
  }
  return high;
}

/// Where a cut falls: at `value`, or so that all tokens from `value` on stay.
struct Cut {
  bool found;
  bool keeps_all;
  float value;
  Crossing crossing;
};

/// The largest value such that it and all above it together measure need_of(total), among the tokens from `floor` on.
/// `least(value)` is at most what any token counts that lies less than a bucket above that value.
template <class Measure, class Least, class NeedOf>
__device__ Cut find_cut(Shared& shared, const Row& row, float floor, Measure measure, Least least, NeedOf need_of) {
  const auto even = [&](float value, int) { return value >= floor ? even_bucket(row, value) : -1; };
  Crossing c = cross(shared, row, fmaxf(floor, row.largest - kReach), even, measure, need_of);
  const std::uint64_t total = c.total;
  if (c.bucket < 0) return {false, true, floor, c};
  if (threadIdx.x / 32 < 2) {
    const int edge = static_cast<int>(threadIdx.x) / 32;
    const std::uint32_t order = lowest_order(row, c.bucket + edge);
    if (threadIdx.x % 32 == 0) shared.edges[edge] = order;
  }
  __syncthreads();
  std::uint32_t low = max(shared.edges[0], order_of(floor)), high = shared.edges[1] - 1;
  while (true) {
    // No token's order is minus zero's, and as a float that would let zeros in.
    const float lowest = value_of(low), highest = value_of(high == order_of(0.0f) - 1 ? high - 1 : high);
    const bool keeps_all = c.left == c.inside || c.inside < 2 * least(lowest);  // one token alone
    c.total = total;
    if (keeps_all || low == high) return {true, keeps_all, lowest, c};
    const int shift = max(0, 32 - __clz(static_cast<int>(high - low)) - kBucketBits);
    const auto finer = [&](float value, int) {
      return value >= lowest && value <= highest ? static_cast<int>((order_of(value) - low) >> shift) : -1;
    };
    const std::uint64_t need = c.left;
    c = cross(shared, row, lowest, finer, measure, [&](std::uint64_t) { return need; });
    low += static_cast<std::uint32_t>(c.bucket) << shift;
    high = min(high, low + ((1u << shift) - 1));
  }
}

/// The value from which on tokens stay by top-k: the k-th largest, or any lower one that excludes no more.
__device__ float top_k_floor(Shared& shared, const Row& row, int k) {
  const auto one = [](float) { return std::uint64_t{1}; };
  const auto need = [&](std::uint64_t) { return static_cast<std::uint64_t>(k); };
  return find_cut(shared, row, -INFINITY, one, one, need).value;
}

/// The id of the n-th token of this value.
__device__ int nth_equal(Shared& shared, const Row& row, float value, std::uint64_t n) {
  const auto one = [](float) { return std::uint64_t{1}; };
  const auto ids_of = [&](int first, int width, std::uint64_t need) {
    const auto bucket_of = [&](float other, int id) {
      const int bucket = (id - first) / width;
      return other == value && id >= first && bucket < kBuckets ? kBuckets - 1 - bucket : -1;
    };
    return cross(shared, row, value, bucket_of, one, [&](std::uint64_t) { return need; });
  };
  int first = 0, width = (row.vocab + kBuckets - 1) / kBuckets;
  while (true) {
    const Crossing c = ids_of(first, width, n);
    first += (kBuckets - 1 - c.bucket) * width;
    if (width == 1) return first;
    n = c.left;
    width = (width + kBuckets - 1) / kBuckets;
  }
}

/// Of the tokens from `floor` on removes the tail whose cumulative weight is at most 1 - p of the whole; among equals
/// the higher ids go first.
__device__ Border keep_top_p(Shared& shared, const Row& row, float floor, double top_p) {
  const auto removable_of = [&](std::uint64_t total) {
    return static_cast<std::uint64_t>((1 - top_p) * static_cast<double>(total));
  };
  const auto need_of = [&](std::uint64_t total) {
    const std::uint64_t removable = removable_of(total);
    return removable < total ? total - removable : std::uint64_t{1};  // the largest stays
  };
  const auto weight = [&](float value) { return row.weight(value); };
  const auto least = [&](float value) { return row.weight(value) / 64 * 63; };  // whatever e^x rounds to
  const Cut cut = find_cut(shared, row, floor, weight, least, need_of);
  if (cut.keeps_all) return {cut.value, row.vocab};
  const Crossing& c = cut.crossing;
  const std::uint64_t each = row.weight(cut.value), n_equal = c.inside / each;
  const std::uint64_t above = need_of(c.total) - c.left, below = c.total - above - c.inside;
  std::uint64_t n_removed = (removable_of(c.total) - below) / each;
  if (n_removed >= n_equal) n_removed = n_equal - 1;  // only at the largest value, which stays
  if (n_removed == 0) return {cut.value, row.vocab};
  return {cut.value, nth_equal(shared, row, cut.value, n_equal - n_removed)};
}

__device__ float log2_estimate(float x) {
  float y;
  asm("lg2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}
constexpr float kLowestNoise = -2.9f, kHighestNoise = 16.7f;
/// gumbel_noise() of a word to within 2^-14.
__device__ float noise_estimate(std::uint32_t word) {
  constexpr float kLn2 = 0.693147181f;
  const float u = static_cast<float>((word >> 9) * 2 + 1) * 0x1p-24f, rest = 1 - u;  // both exact
  const float near_one = rest * fmaf(rest, fmaf(rest, 1.0f / 3, 0.5f), 1.0f);  // -ln(1 - rest) where that is small
  const float minus_log = rest < 0.02f ? near_one : -kLn2 * log2_estimate(u);
  return -kLn2 * log2_estimate(minus_log);
}

/// This thread's best score with noise among the tokens that the border and min-p keep, as a rank.
__device__ std::uint64_t draw(Shared& shared, const Row& row, const Border& border, const SampleRow& how) {
  const float least_weight = how.min_p > 0 ? __double2float_ru(how.min_p) : 0.0f;
  // Estimates differ from scores by less than half of this.
  const float margin = 1e-3f + 1e-6f * (fabsf(row.largest) + kHighestNoise);
  std::uint64_t drawn = 0;
#pragma unroll 1
  for (int start = static_cast<int>(threadIdx.x) / 32 * 32; start < row.n_groups; start += kThreads) {
    const int g = start + static_cast<int>(threadIdx.x) % 32, id = row.first_id + 4 * g;
    float4 group = {-INFINITY, -INFINITY, -INFINITY, -INFINITY};
    if (g < row.n_groups) group = row.group(g);
    float bound = value_of(*static_cast<volatile std::uint32_t*>(&shared.best_estimate)) - margin;
    const float floor = fmaxf(border.value, bound - kHighestNoise);
    if (!__any_sync(kAllLanes, largest_of(group) >= floor)) continue;
    const float values[4] = {group.x, group.y, group.z, group.w};
    bool kept[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      kept[i] = values[i] >= floor && border.keeps(values[i], id + i);
      if (kept[i] && least_weight > 0) kept[i] = expf(row.below(values[i])) >= least_weight;
    }
    const PhiloxWords words = gumbel_words(how.key, how.position, static_cast<std::uint32_t>(id));
    float estimates[4], best = -INFINITY;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      estimates[i] = kept[i] ? values[i] + noise_estimate(words[static_cast<std::size_t>(i)]) : -INFINITY;
      best = fmaxf(best, estimates[i]);
    }
    const std::uint32_t best_of_warp = __reduce_max_sync(kAllLanes, order_of(best));
    if (value_of(best_of_warp) < bound) continue;
    if (threadIdx.x % 32 == 0) atomicMax(&shared.best_estimate, best_of_warp);
    bound = fmaxf(bound, value_of(best_of_warp) - margin);
    unsigned close = 0;
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) close |= (estimates[i] >= bound ? 1u : 0u) << i;
    while (close != 0) {
      const int i = __ffs(static_cast<int>(close)) - 1;
      close &= close - 1;
      const float value = i == 0 ? group.x : i == 1 ? group.y : i == 2 ? group.z : group.w;
      const float score = value + gumbel_noise(how.key, how.position, static_cast<std::uint32_t>(id + i));
      drawn = max(drawn, rank_of(score, id + i));
    }
  }
  return drawn;
}

/// A team's work. `kept` has room for this block's tokens, if blocks keep them.
__device__ void sample_row(const SampleRowsArgs& a, float4* kept) {
  __shared__ Shared shared;
  hopper::let_next_grid_start();
  team_arrive();
  for (int i = static_cast<int>(threadIdx.x); i < kBuckets; i += kThreads) shared.buckets[i] = {0, 0};
  const int index = static_cast<int>(blockIdx.x / kBlocks), rank = static_cast<int>(team_rank());
  const bool writes = rank == 0 && threadIdx.x == 0;
  const int n_groups = (a.vocab + 3) / 4,
            of_block = (n_groups + static_cast<int>(kBlocks) - 1) / static_cast<int>(kBlocks);
  hopper::wait_for_previous_grid();
  const SampleRow how = a.how[index];
  const float* logits = a.logits + static_cast<std::int64_t>(how.logits_row) * a.logits_stride;
  Row row{kept,
          logits,
          Divisor(how.temperature),
          how.temperature != 0.0f && how.temperature != 1.0f,
          reinterpret_cast<std::uintptr_t>(logits) % sizeof(float4) == 0,
          max(0, min(of_block, n_groups - rank * of_block)),
          4 * rank * of_block,
          a.vocab,
          0.0f};
  std::uint32_t top = load_row(row);
  team_wait();  // all blocks have begun, and their shared memory is there
  top = team_max(shared, top);
  const float largest = value_of(top);
  if (top == kNanOrder || isinf(largest)) {
    if (writes) a.tokens[index] = kNanLogits;
    return;
  }
  std::uint64_t drawn = 0;
  if (how.temperature == 0.0f) {
    for_each_token(row, largest, [&](float value, int id) {
      if (value == largest) drawn = max(drawn, rank_of(value, id));
    });
  } else {
    row.largest = how.temperature == 1.0f ? largest : largest / how.temperature;
    if (threadIdx.x == 0) shared.best_estimate = order_of(row.largest + kLowestNoise);
    Border border{-INFINITY, -1};  // minus infinity itself goes
    if (how.top_k > 0) border.value = top_k_floor(shared, row, how.top_k);
    if (how.top_p < 1) {
      border = keep_top_p(shared, row, border.value, how.top_p);
    } else if (how.top_k > 0) {
      border.last_id = row.vocab;
    }
    __syncthreads();
    drawn = draw(shared, row, border, how);
  }
  drawn = first_thread_max(shared, drawn);
  if (writes) a.tokens[index] = id_of(drawn);
}

}  // namespace

}  // namespace assay::kernels
