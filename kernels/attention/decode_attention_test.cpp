#include "kernels/attention/decode_attention.cuh"

#include "kernels/attention/paged_cache_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// Random queries over random sequences.
struct Problem {
  AttentionShape shape;
  std::vector<Sequence> sequences;
  std::vector<Bf16> q;  // [rows, heads, d]
  float scale;

  Problem(const AttentionShape& s, const std::vector<int>& n_keys, unsigned seed, float spread = 1)
      : shape(s), scale(1 / std::sqrt(static_cast<float>(s.d))) {
    std::mt19937 generator(seed);
    for (const int n : n_keys) sequences.push_back(random_sequence(generator, shape, n));
    q = normal_bf16(generator, n_keys.size() * row_size(), spread);
  }
  std::size_t row_size() const { return static_cast<std::size_t>(shape.heads * shape.d); }

  Expected expected() const {
    Expected out;
    for (std::size_t r = 0; r < sequences.size(); ++r) {
      append_expected(shape, q.data() + r * row_size(), sequences[r], sequences[r].n_keys, scale, out);
    }
    return out;
  }

  /// The rows given, in that order, in one call; pages shuffled by `seed`.
  std::vector<Bf16> run(const std::vector<std::size_t>& rows, unsigned seed, DecodeGrain grain = DecodeGrain::chunk,
                        int fresh_keys = 1, int n_launches = 2) const {
    std::vector<Sequence> chosen;
    std::vector<Bf16> queries;
    for (const std::size_t r : rows) {
      chosen.push_back(sequences[r]);
      const auto from = q.begin() + static_cast<std::ptrdiff_t>(r * row_size());
      queries.insert(queries.end(), from, from + static_cast<std::ptrdiff_t>(row_size()));
    }
    const CacheOnDevice cache = lay_in_pages(chosen, shape, seed);
    std::vector<DecodeRow> decode_rows;
    for (std::size_t i = 0; i < chosen.size(); ++i) decode_rows.push_back({chosen[i].n_keys, cache.pages(i)});
    const DecodePlan plan = plan_decode(decode_rows, grain);
    const auto items = on_device(plan.items);
    const auto first_item = on_device(plan.first_item);
    const auto device_q = on_device(queries);
    const int max_items = static_cast<int>(plan.items.size()) + 5;
    const auto scratch = poisoned<float>(decode_scratch_floats(max_items, shape.heads, shape.d));
    const auto out = poisoned<Bf16>(queries.size());
    DecodeAttentionArgs a;
    a.q = device_q.data();
    a.rows = static_cast<int>(rows.size());
    a.heads = shape.heads;
    a.cache = cache.cache;
    a.scale = scale;
    a.items = items.data();
    a.first_item = first_item.data();
    a.max_items = max_items;
    a.fresh_keys = fresh_keys;
    const auto dealt = on_device(std::vector<unsigned>{0});
    a.dealt = dealt.data();
    a.scratch = scratch.data();
    a.out = out.data();
    must(decode_attention(a, nullptr));
    const auto results = from_device(out);
    bool is_same = true;
    for (int i = 1; i < n_launches; ++i) {  // again, with what the launches before left in scratch
      must(out.fill_bytes(0xFF));
      must(decode_attention(a, nullptr));
      const auto again = from_device(out);
      is_same = is_same && same_bits(results.data(), again.data(), again.size());
    }
    CHECK(is_same);
    CHECK(from_device(dealt) == std::vector<unsigned>{0});
    return results;
  }

  std::vector<std::size_t> all_rows() const {
    std::vector<std::size_t> rows(sequences.size());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    return rows;
  }
};

/// Pages arrive in any order where many are under way, and a last chunk of one page is soon done with.
void check_short_last_chunks(int n_rows, int n_launches) {
  std::vector<int> n_keys;
  for (int i = 0; i < n_rows; ++i) n_keys.push_back(1025 + i % 16);
  const Problem problem({8, 2, 128}, n_keys, 91);
  const auto in_chunks = problem.run(problem.all_rows(), 1);
  const auto in_spans = problem.run(problem.all_rows(), 2, DecodeGrain::span, 1, n_launches);
  CHECK(same_bits(in_chunks.data(), in_spans.data(), in_chunks.size()));
}

}  // namespace

TEST_CASE("decode_attention: no worse than 1.5 times plain bfloat16, with NaN in all that is unused", "[gpu]") {
  const auto shape = GENERATE(values<AttentionShape>(
      {{4, 4, 64}, {9, 3, 64}, {8, 2, 128}, {28, 4, 128}, {32, 8, 128}, {16, 1, 128}, {12, 1, 64}}));
  const Problem problem(shape, {1, 2, 15, 16, 17, 63, 64, 65, 127, 255, 256, 257, 300, 512, 777, 1}, 83);
  const Expected expected = problem.expected();
  const double plain = relative_error_of(to_bf16(expected.plain), expected.exact);
  for (const DecodeGrain grain : {DecodeGrain::chunk, DecodeGrain::span}) {
    CHECK(relative_error_of(problem.run(problem.all_rows(), 1, grain), expected.exact) <= 1.5 * plain);
  }
}

TEST_CASE("decode_attention: the same bits of a long row in chunks and in spans", "[gpu][invariance]") {
  const auto shape = GENERATE(values<AttentionShape>({{9, 3, 64}, {8, 2, 128}, {16, 1, 128}}));
  const Problem problem(shape, {4170, 64, 700}, 87);
  const auto in_chunks = problem.run(problem.all_rows(), 1);
  const auto in_spans = problem.run(problem.all_rows(), 2, DecodeGrain::span);
  CHECK(same_bits(in_chunks.data(), in_spans.data(), in_chunks.size()));
}

TEST_CASE("decode_attention: the same bits of rows with a short last chunk", "[gpu][invariance]") {
  check_short_last_chunks(16, 3);
}

TEST_CASE("decode_attention: the same bits in every launch of many rows with a short last chunk",
          "[gpu][invariance][heavy]") {
  check_short_last_chunks(140, 200);
}

TEST_CASE("decode_attention: the same bits in every batch, slot and page", "[gpu][invariance][heavy]") {
  const auto shape = GENERATE(values<AttentionShape>({{9, 3, 64}, {28, 4, 128}, {32, 8, 128}}));
  std::vector<int> n_keys{1, 40, 64, 200, 256, 300, 640, 2049, 2048, 4500};
  for (int i = 0; i < 120; ++i) n_keys.push_back(1 + 37 * i % 500);  // more work than blocks: every block walks
  const Problem problem(shape, n_keys, 89);
  const auto together = problem.run(problem.all_rows(), 1);
  const auto elsewhere = problem.run(problem.all_rows(), 2);
  CHECK(same_bits(together.data(), elsewhere.data(), together.size()));
  for (const int fresh_keys : {1, 70, std::numeric_limits<int>::max()}) {
    const auto in_spans = problem.run(problem.all_rows(), 3, DecodeGrain::span, fresh_keys);
    CHECK(same_bits(together.data(), in_spans.data(), together.size()));
  }
  auto shuffled = problem.all_rows();
  std::mt19937 generator(3);
  std::shuffle(shuffled.begin(), shuffled.end(), generator);
  const auto mixed = problem.run(shuffled, 4);
  bool equal = true;
  for (std::size_t i = 0; i < shuffled.size(); ++i) {
    equal = equal && same_bits(mixed.data() + i * problem.row_size(),
                               together.data() + shuffled[i] * problem.row_size(), problem.row_size());
  }
  CHECK(equal);
  for (std::size_t r = 0; r < 10; ++r) {
    for (const DecodeGrain grain : {DecodeGrain::chunk, DecodeGrain::span}) {
      const auto alone = problem.run({r}, 5, grain);
      CHECK(same_bits(alone.data(), together.data() + r * problem.row_size(), alone.size()));
    }
  }
}

TEST_CASE("decode_attention: scores of any size neither overflow nor lose the largest", "[gpu]") {
  const Problem problem({8, 2, 128}, {700, 3}, 97, 1e3f);
  const Expected expected = problem.expected();
  const double plain = relative_error_of(to_bf16(expected.plain), expected.exact);
  CHECK(relative_error_of(problem.run(problem.all_rows(), 1), expected.exact) <= 1.5 * plain);
}

TEST_CASE("decode_attention: shapes it can't have are refused, no rows are no work", "[gpu]") {
  DecodeAttentionArgs args;
  args.rows = args.max_items = 1;
  args.heads = 6;
  args.cache.kv_heads = 4;
  args.cache.head_dim = 64;
  CHECK_FALSE(decode_attention(args, nullptr).has_value());
  args.heads = 68;
  CHECK_FALSE(decode_attention(args, nullptr).has_value());
  args.heads = 4;
  args.cache.head_dim = 96;
  CHECK_FALSE(decode_attention(args, nullptr).has_value());
  args.cache.head_dim = 64;
  args.max_items = 0;
  CHECK_FALSE(decode_attention(args, nullptr).has_value());
  args.rows = 0;
  CHECK(decode_attention(args, nullptr).has_value());
}
