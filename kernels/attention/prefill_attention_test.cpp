#include "kernels/attention/prefill_attention.cuh"

#include "kernels/attention/paged_cache_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

/// Positions [first, end) of a sequence.
struct Piece {
  std::size_t sequence;
  int first, end;
};

/// Prompts with random queries, keys and values.
struct Problem {
  AttentionShape shape;
  std::vector<Sequence> sequences;
  std::vector<std::vector<Bf16>> q;  // per sequence [n_keys, heads, d]
  float scale;

  Problem(const AttentionShape& s, const std::vector<int>& n_keys, unsigned seed)
      : shape(s), scale(1 / std::sqrt(static_cast<float>(s.d))) {
    std::mt19937 generator(seed);
    for (const int n : n_keys) {
      sequences.push_back(random_sequence(generator, shape, n));
      q.push_back(normal_bf16(generator, static_cast<std::size_t>(n) * row_size()));
    }
  }
  std::size_t row_size() const { return static_cast<std::size_t>(shape.heads * shape.d); }
  Piece whole(std::size_t s) const { return {s, 0, sequences[s].n_keys}; }

  /// One pass over the pieces; the cache holds each one's keys up to its end and NaN beyond. One output per piece.
  std::vector<std::vector<Bf16>> run(const std::vector<Piece>& pieces, unsigned seed) const {
    std::vector<Sequence> cached;
    std::vector<PrefillSpan> spans;
    std::vector<Bf16> queries;
    for (const Piece& piece : pieces) {
      const auto row = static_cast<std::int32_t>(queries.size() / row_size());
      spans.push_back({row, piece.end - piece.first, piece.first, static_cast<std::int32_t>(cached.size())});
      cached.push_back(sequences[piece.sequence]);
      cached.back().n_keys = piece.end;
      const auto from = q[piece.sequence].begin();
      queries.insert(queries.end(),
                     from + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(piece.first) * row_size()),
                     from + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(piece.end) * row_size()));
    }
    const CacheOnDevice cache = lay_in_pages(cached, shape, seed);
    const auto tiles = on_device(plan_prefill(spans));
    const auto page_table = on_device(cache.page_table);
    const auto device_q = on_device(queries);
    const auto out = poisoned<Bf16>(queries.size());
    PrefillAttentionArgs a;
    a.q = device_q.data();
    a.tokens = static_cast<int>(queries.size() / row_size());
    a.heads = shape.heads;
    a.cache = cache.cache;
    a.page_table = page_table.data();
    a.page_table_stride = cache.page_table_stride;
    a.scale = scale;
    a.tiles = tiles.data();
    a.n_tiles = static_cast<int>(tiles.size());
    a.out = out.data();
    must(prefill_attention(a, nullptr));
    const auto all = from_device(out);
    std::vector<std::vector<Bf16>> parts;
    for (const PrefillSpan& span : spans) {
      const auto from =
          all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(span.first_row) * row_size());
      parts.emplace_back(from, from + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(span.n_rows) * row_size()));
    }
    return parts;
  }
};

}  // namespace

TEST_CASE("prefill_attention: no worse than 1.5 times plain bfloat16, with NaN in all that is unused", "[gpu]") {
  const auto shape = GENERATE(values<AttentionShape>(
      {{2, 2, 64}, {6, 2, 64}, {18, 6, 64}, {4, 1, 128}, {7, 1, 128}, {2, 2, 128}, {16, 4, 128}}));
  const Problem problem(shape, {1, 2, 63, 64, 65, 127, 128, 129, 200, 300}, 103);
  std::vector<Piece> pieces;
  for (std::size_t s = 0; s < problem.sequences.size(); ++s) pieces.push_back(problem.whole(s));
  pieces.push_back({9, 290, 300});  // the end of a prompt whose start is cached
  const auto out = problem.run(pieces, 1);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Expected expected;
    const Piece& piece = pieces[i];
    for (int p = piece.first; p < piece.end; ++p) {
      append_expected(shape, problem.q[piece.sequence].data() + static_cast<std::size_t>(p) * problem.row_size(),
                      problem.sequences[piece.sequence], p + 1, problem.scale, expected);
    }
    CAPTURE(i);
    const double plain = relative_error_of(to_bf16(expected.plain), expected.exact);
    CHECK(relative_error_of(out[i], expected.exact) <= 1.5 * plain);
  }
}

TEST_CASE("prefill_attention: the same bits however the prompt is cut, in any batch and page",
          "[gpu][invariance][heavy]") {
  const auto shape = GENERATE(values<AttentionShape>({{3, 1, 64}, {8, 2, 128}, {7, 1, 128}}));
  const Problem problem(shape, {900, 333, 64, 1}, 107);
  const std::vector<Piece> all{problem.whole(0), problem.whole(1), problem.whole(2), problem.whole(3)};
  const auto expected = problem.run(all, 1);
  const auto row = [&](std::size_t s, int p) {
    return expected[s].data() + static_cast<std::size_t>(p) * problem.row_size();
  };
  for (const Piece& piece : all) {
    const auto alone = problem.run({piece}, 2);
    CHECK(same_bits(alone[0].data(), row(piece.sequence, 0), alone[0].size()));
  }
  const std::vector<std::vector<int>> cuts{
      {1, 64, 65, 129, 300, 301, 500, 777, 900}, {128, 256, 384, 900}, {899, 900}, {450, 900}};
  for (const auto& ends : cuts) {
    int first = 0;
    for (const int end : ends) {
      // Another prompt's piece rides along, so that the batch changes too.
      const auto parts = problem.run({{1, 100, 333}, {0, first, end}}, static_cast<unsigned>(end));
      CAPTURE(first, end);
      CHECK(same_bits(parts[1].data(), row(0, first), parts[1].size()));
      CHECK(same_bits(parts[0].data(), row(1, 100), parts[0].size()));
      first = end;
    }
  }
}

TEST_CASE("prefill_attention: shapes it can't have are refused, no rows are no work", "[gpu]") {
  PrefillAttentionArgs args;
  args.n_tiles = 1;
  args.heads = 6;
  args.cache.kv_heads = 4;
  args.cache.head_dim = 64;
  CHECK_FALSE(prefill_attention(args, nullptr).has_value());
  args.heads = 4;
  args.cache.head_dim = 80;
  CHECK_FALSE(prefill_attention(args, nullptr).has_value());
  args.cache.head_dim = 128;
  args.n_tiles = 0;
  CHECK(prefill_attention(args, nullptr).has_value());
}
