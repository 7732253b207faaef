#include "kernels/attention/mla_prefill_attention.cuh"

#include "kernels/attention/mla_cache_test.cuh"
#include "kernels/attention/mla_gather.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

constexpr int kExpandedHead = kMlaNope + kMlaValue;

/// Positions [first, end) of a sequence.
struct Piece {
  std::size_t sequence;
  int first, end;
};

/// Prompts with random queries, cache rows and expanded rows.
struct Problem {
  int heads;
  std::vector<MlaSequence> sequences;
  std::vector<std::vector<Bf16>> q;         // per sequence [n_keys, heads, 192]
  std::vector<std::vector<Bf16>> expanded;  // per sequence [n_keys, heads, 256]
  float scale = 0.0721687836f;

  Problem(int n_heads, const std::vector<int>& n_keys, unsigned seed) : heads(n_heads) {
    std::mt19937 generator(seed);
    for (const int n : n_keys) {
      const auto n_rows = static_cast<std::size_t>(n * heads);
      sequences.push_back(random_mla_sequence(generator, n));
      q.push_back(normal_bf16(generator, n_rows * kMlaHead));
      expanded.push_back(normal_bf16(generator, n_rows * kExpandedHead));
    }
  }
  std::size_t out_size() const { return static_cast<std::size_t>(heads * kMlaValue); }
  Piece whole(std::size_t s) const { return {s, 0, sequences[s].n_keys}; }

  /// One pass over the pieces, `heads_at_once` in a call; a sequence's rows beyond its piece are NaN where they are
  /// another's. One output per piece.
  std::vector<std::vector<Bf16>> run(const std::vector<Piece>& pieces, unsigned seed, int heads_at_once) const {
    std::vector<MlaSequence> cached;
    std::vector<PrefillSpan> spans;
    std::vector<Bf16> queries;
    const auto q_size = static_cast<std::size_t>(heads * kMlaHead);
    for (const Piece& piece : pieces) {
      const auto row = static_cast<std::int32_t>(queries.size() / q_size);
      spans.push_back({row, piece.end - piece.first, piece.first, static_cast<std::int32_t>(cached.size())});
      cached.push_back(sequences[piece.sequence]);
      cached.back().n_keys = piece.end;
      const auto from = q[piece.sequence].begin();
      queries.insert(queries.end(), from + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(piece.first) * q_size),
                     from + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(piece.end) * q_size));
    }
    const MlaCacheOnDevice cache = lay_in_mla_pages(cached, seed);
    std::vector<MlaCachedSequence> gather;
    for (std::size_t i = 0; i < cached.size(); ++i) gather.push_back({cached[i].n_keys, cache.pages[i]});
    const MlaGatherPlan plan = plan_mla_gather(gather);
    const int n_keys = plan.first_row.back();
    const auto gather_pages = on_device(plan.pages);
    const auto gathered = poisoned<Bf16>(static_cast<std::size_t>(n_keys) * kMlaRow);
    must(mla_gather({cache.cache, gather_pages.data(), static_cast<int>(plan.pages.size()), gathered.data()}, nullptr));
    check_gathered(cached, from_device(gathered));

    const auto first_key = on_device(plan.first_row);
    const auto tiles = on_device(plan_prefill(spans));
    const auto device_q = on_device(queries);
    const auto out = poisoned<Bf16>(queries.size() / kMlaHead * kMlaValue);
    for (int first = 0; first < heads; first += heads_at_once) {
      const int n_heads = std::min(heads_at_once, heads - first);
      const auto device_expanded = on_device(expanded_heads(pieces, first, n_heads));
      MlaPrefillAttentionArgs a;
      a.q = device_q.data();
      a.tokens = static_cast<int>(queries.size() / q_size);
      a.heads = heads;
      a.first_head = first;
      a.n_heads = n_heads;
      a.gathered = gathered.data();
      a.expanded = device_expanded.data();
      a.n_keys = n_keys;
      a.first_key = first_key.data();
      a.scale = scale;
      a.tiles = tiles.data();
      a.n_tiles = static_cast<int>(tiles.size());
      a.out = out.data();
      must(mla_prefill_attention(a, nullptr));
      must(check(cudaDeviceSynchronize(), "kernel"));  // expanded goes
    }
    const auto all = from_device(out);
    std::vector<std::vector<Bf16>> parts;
    for (const PrefillSpan& span : spans) {
      const auto from =
          all.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(span.first_row) * out_size());
      parts.emplace_back(from, from + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(span.n_rows) * out_size()));
    }
    return parts;
  }

  static void check_gathered(const std::vector<MlaSequence>& cached, const std::vector<Bf16>& gathered) {
    std::size_t at = 0;
    bool equal = true;
    for (const MlaSequence& s : cached) {
      const std::size_t n = static_cast<std::size_t>(s.n_keys) * kMlaRow;
      equal = equal && same_bits(gathered.data() + at, s.rows.data(), n);
      at += n;
    }
    CHECK(equal);
    CHECK(at == gathered.size());
  }

  /// [keys of all pieces, n_heads, 256].
  std::vector<Bf16> expanded_heads(const std::vector<Piece>& pieces, int first, int n_heads) const {
    std::vector<Bf16> rows;
    for (const Piece& piece : pieces) {
      for (int t = 0; t < piece.end; ++t) {
        const auto from = expanded[piece.sequence].begin() + (t * heads + first) * kExpandedHead;
        rows.insert(rows.end(), from, from + n_heads * kExpandedHead);
      }
    }
    return rows;
  }

  void append_expected(std::size_t s, int position, MlaExpected& out) const {
    for (int h = 0; h < heads; ++h) {
      const Bf16* query = q[s].data() + (position * heads + h) * kMlaHead;
      const auto row = [&](int t) { return expanded[s].data() + (t * heads + h) * kExpandedHead; };
      std::vector<double> scores;
      for (int t = 0; t <= position; ++t) {
        const double sum =
            dot(query, row(t), kMlaNope) + dot(query + kMlaNope, sequences[s].row(t) + kMlaLatent, kMlaRope);
        scores.push_back(sum * static_cast<double>(scale));
      }
      append_mla_expected(
          std::move(scores), kMlaValue, [&](int t) { return row(t) + kMlaNope; }, out);
    }
  }
};

}  // namespace

TEST_CASE("mla_prefill_attention: no worse than 1.5 times plain bfloat16", "[gpu]") {
  const int heads = GENERATE(1, 2, 5);
  const Problem problem(heads, {1, 2, 63, 64, 65, 127, 128, 129, 200, 300}, 157);
  std::vector<Piece> pieces;
  for (std::size_t s = 0; s < problem.sequences.size(); ++s) pieces.push_back(problem.whole(s));
  pieces.push_back({9, 290, 300});  // the end of a prompt whose start is cached
  const auto out = problem.run(pieces, 1, 2);
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    MlaExpected expected;
    for (int p = pieces[i].first; p < pieces[i].end; ++p) problem.append_expected(pieces[i].sequence, p, expected);
    CAPTURE(i);
    const double plain = relative_error_of(to_bf16(expected.plain), expected.exact);
    CHECK(relative_error_of(out[i], expected.exact) <= 1.5 * plain);
  }
}

TEST_CASE("mla_prefill_attention: a sequence of NaN stays alone", "[gpu][invariance]") {
  Problem problem(2, {70, 130, 1}, 163);
  const std::vector<Piece> all{problem.whole(0), problem.whole(1), problem.whole(2)};
  const auto expected = problem.run(all, 1, 2);
  for (auto* rows : {&problem.sequences[1].rows, &problem.q[1], &problem.expanded[1]}) {
    std::fill(rows->begin(), rows->end(), __float2bfloat16(NAN));
  }
  const auto out = problem.run(all, 1, 2);
  CHECK(same_bits(out[0].data(), expected[0].data(), out[0].size()));
  CHECK(same_bits(out[2].data(), expected[2].data(), out[2].size()));
  CHECK(std::isnan(as_float(out[1][0])));
}

TEST_CASE("mla_prefill_attention: the same bits however the prompt and the heads are cut, in any batch and page",
          "[gpu][invariance]") {
  const int heads = GENERATE(3, 16);
  const Problem problem(heads, {900, 333, 64, 1}, 167);
  const std::vector<Piece> all{problem.whole(0), problem.whole(1), problem.whole(2), problem.whole(3)};
  const auto expected = problem.run(all, 1, heads);
  const auto row = [&](std::size_t s, int p) {
    return expected[s].data() + static_cast<std::size_t>(p) * problem.out_size();
  };
  for (const Piece& piece : all) {
    const auto alone = problem.run({piece}, 2, 2);
    CHECK(same_bits(alone[0].data(), row(piece.sequence, 0), alone[0].size()));
  }
  const std::vector<std::vector<int>> cuts{
      {1, 64, 65, 129, 300, 301, 500, 777, 900}, {128, 256, 384, 900}, {899, 900}, {450, 900}};
  for (const auto& ends : cuts) {
    int first = 0;
    for (const int end : ends) {
      // Another prompt's piece rides along, so that the batch changes too.
      const auto parts = problem.run({{1, 100, 333}, {0, first, end}}, static_cast<unsigned>(end), heads);
      CAPTURE(first, end);
      CHECK(same_bits(parts[1].data(), row(0, first), parts[1].size()));
      CHECK(same_bits(parts[0].data(), row(1, 100), parts[0].size()));
      first = end;
    }
  }
}

TEST_CASE("mla_prefill_attention: heads it can't have are refused, no rows are no work", "[gpu]") {
  MlaPrefillAttentionArgs args;
  args.n_tiles = 1;
  args.heads = 4;
  args.first_head = 3;
  args.n_heads = 2;
  CHECK_FALSE(mla_prefill_attention(args, nullptr).has_value());
  args.n_heads = 0;
  CHECK_FALSE(mla_prefill_attention(args, nullptr).has_value());
  args.n_heads = 1;
  CHECK_FALSE(mla_prefill_attention(args, nullptr).has_value());  // no keys
  args.n_tiles = 0;
  CHECK(mla_prefill_attention(args, nullptr).has_value());
  CHECK(mla_gather({}, nullptr).has_value());
}
