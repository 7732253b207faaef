#include "kernels/attention/mla_decode_attention.cuh"

#include "kernels/attention/mla_cache_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// A query position of a sequence: it sees the first n_keys.
struct Row {
  std::size_t sequence;
  int n_keys;
};

/// Random queries over random sequences.
struct Problem {
  int heads;
  std::vector<MlaSequence> sequences;
  std::vector<Row> rows;
  std::vector<Bf16> q;  // [rows, heads, 576]
  float scale = 0.0721687836f;

  /// A sequence for each number of keys, with a row that sees all of it.
  Problem(int n_heads, const std::vector<int>& n_keys, unsigned seed, float spread = 1) : heads(n_heads) {
    std::mt19937 generator(seed);
    for (const int n : n_keys) {
      rows.push_back({sequences.size(), n});
      sequences.push_back(random_mla_sequence(generator, n));
    }
    q = normal_bf16(generator, n_keys.size() * q_size(), spread);
  }
  std::size_t q_size() const { return static_cast<std::size_t>(heads * kMlaRow); }
  std::size_t out_size() const { return static_cast<std::size_t>(heads * kMlaLatent); }

  MlaExpected expected() const {
    MlaExpected out;
    for (std::size_t r = 0; r < rows.size(); ++r) {
      const MlaSequence& s = sequences[rows[r].sequence];
      for (int h = 0; h < heads; ++h) {
        const Bf16* query = q.data() + r * q_size() + h * kMlaRow;
        std::vector<double> scores;
        for (int t = 0; t < rows[r].n_keys; ++t) {
          scores.push_back(dot(query, s.row(t), kMlaRow) * static_cast<double>(scale));
        }
        append_mla_expected(
            std::move(scores), kMlaLatent, [&](int t) { return s.row(t); }, out);
      }
    }
    return out;
  }

  /// The rows given, in that order, in one call; pages shuffled by `seed`.
  std::vector<Bf16> run(const std::vector<std::size_t>& which, unsigned seed, DecodeGrain grain = DecodeGrain::chunk,
                        int fresh_keys = 1) const {
    std::vector<Bf16> queries;
    const MlaCacheOnDevice cache = lay_in_mla_pages(sequences, seed);
    std::vector<DecodeRow> decode_rows;
    for (const std::size_t r : which) {
      const auto from = q.begin() + static_cast<std::ptrdiff_t>(r * q_size());
      queries.insert(queries.end(), from, from + static_cast<std::ptrdiff_t>(q_size()));
      decode_rows.push_back({rows[r].n_keys, cache.pages[rows[r].sequence]});
    }
    const MlaDecodePlan plan = plan_mla_decode(decode_rows, heads, grain);
    const auto items = on_device(plan.items);
    const auto first_item = on_device(plan.first_item), pages = on_device(plan.pages);
    const auto device_q = on_device(queries);
    const int max_items = static_cast<int>(plan.items.size()) + 5;
    const auto scratch = poisoned<float>(mla_decode_scratch_floats(max_items, heads));
    const auto out = poisoned<Bf16>(which.size() * out_size());
    MlaDecodeAttentionArgs a;
    a.q = device_q.data();
    a.rows = static_cast<int>(which.size());
    a.heads = heads;
    a.cache = cache.cache;
    a.scale = scale;
    a.items = items.data();
    a.first_item = first_item.data();
    a.pages = pages.data();
    a.max_items = max_items;
    a.fresh_keys = fresh_keys;
    a.scratch = scratch.data();
    a.out = out.data();
    must(mla_decode_attention(a, nullptr));
    const auto first = from_device(out);
    must(out.fill_bytes(0xFF));
    must(mla_decode_attention(a, nullptr));  // again, with what the first launch left in scratch
    const auto second = from_device(out);
    CHECK(same_bits(first.data(), second.data(), first.size()));
    return second;
  }

  std::vector<std::size_t> all_rows() const {
    std::vector<std::size_t> all(rows.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    return all;
  }
};

}  // namespace

TEST_CASE("mla_decode_attention: no worse than 1.5 times plain bfloat16, with NaN in all that is unused", "[gpu]") {
  const int heads = GENERATE(1, 2, 4, 16, 20, 64, 128);
  const Problem problem(heads, {1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 129, 191, 192, 193, 255, 256, 257, 300, 512, 1},
                        131);
  const MlaExpected expected = problem.expected();
  const double plain = relative_error_of(to_bf16(expected.plain), expected.exact);
  for (const DecodeGrain grain : {DecodeGrain::chunk, DecodeGrain::span}) {
    CHECK(relative_error_of(problem.run(problem.all_rows(), 1, grain), expected.exact) <= 1.5 * plain);
  }
}

TEST_CASE("mla_decode_attention: a long row is no worse than 1.5 times plain bfloat16", "[gpu]") {
  const int heads = GENERATE(3, 70);
  const Problem problem(heads, {5000}, 137);
  const MlaExpected expected = problem.expected();
  const double plain = relative_error_of(to_bf16(expected.plain), expected.exact);
  for (const DecodeGrain grain : {DecodeGrain::chunk, DecodeGrain::span}) {
    CHECK(relative_error_of(problem.run(problem.all_rows(), 1, grain), expected.exact) <= 1.5 * plain);
  }
}

TEST_CASE("mla_decode_attention: the same bits in every batch, slot and page", "[gpu][invariance][heavy]") {
  const int heads = GENERATE(2, 20, 128);
  std::vector<int> n_keys{1, 40, 64, 200, 256, 300, 640, 2049, 2048, 4500};
  for (int i = 0; i < 100; ++i) n_keys.push_back(1 + 37 * i % 500);  // more work than blocks: every block walks
  const Problem problem(heads, n_keys, 139);
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
    equal = equal && same_bits(mixed.data() + i * problem.out_size(),
                               together.data() + shuffled[i] * problem.out_size(), problem.out_size());
  }
  CHECK(equal);
  for (std::size_t r = 0; r < 10; ++r) {
    for (const DecodeGrain grain : {DecodeGrain::chunk, DecodeGrain::span}) {
      const auto alone = problem.run({r}, 5, grain);
      CHECK(same_bits(alone.data(), together.data() + r * problem.out_size(), alone.size()));
    }
  }
}

TEST_CASE("mla_decode_attention: several rows of one sequence give the bits of each alone", "[gpu][invariance]") {
  const int heads = GENERATE(16, 128);
  Problem problem(heads, {700, 700, 700, 700}, 149);
  for (int i = 0; i < 4; ++i) problem.rows[static_cast<std::size_t>(i)] = {0, 697 + i};
  const auto together = problem.run(problem.all_rows(), 1);
  for (std::size_t r = 0; r < 4; ++r) {
    const auto alone = problem.run({r}, 2);
    CHECK(same_bits(alone.data(), together.data() + r * problem.out_size(), alone.size()));
  }
}

TEST_CASE("mla_decode_attention: scores of any size neither overflow nor lose the largest", "[gpu]") {
  const int heads = GENERATE(16, 128);
  const Problem problem(heads, {700, 3}, 151, 1e3f);
  const MlaExpected expected = problem.expected();
  const double plain = relative_error_of(to_bf16(expected.plain), expected.exact);
  CHECK(relative_error_of(problem.run(problem.all_rows(), 1), expected.exact) <= 1.5 * plain);
}

TEST_CASE("mla_decode_attention: shapes it can't have are refused, no rows are no work", "[gpu]") {
  MlaDecodeAttentionArgs args;
  args.rows = args.max_items = 1;
  CHECK_FALSE(mla_decode_attention(args, nullptr).has_value());
  args.heads = 129;
  CHECK_FALSE(mla_decode_attention(args, nullptr).has_value());
  args.heads = 16;
  args.max_items = 0;
  CHECK_FALSE(mla_decode_attention(args, nullptr).has_value());
  args.rows = 0;
  CHECK(mla_decode_attention(args, nullptr).has_value());
}
