#include "kernels/attention/attention.h"

#include "tests/support/catch.h"
#include "tests/support/random.h"
#include "tests/support/simd_levels.h"

using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Shape {
  int key_width, value_width;
  bool value_in_key;  // MLA's absorbed form: the value is the start of the key row
};

/// Queries over keys laid out in pages of 64 tokens, in any page order.
struct Problem {
  Shape shape;
  std::vector<int> n_keys;
  std::vector<float> queries, keys, values;
  std::vector<const float*> key_chunks, value_chunks;

  Problem(Shape s, std::vector<int> lengths, unsigned seed) : shape(s), n_keys(std::move(lengths)) {
    std::mt19937 generator(seed);
    const int longest = *std::max_element(n_keys.begin(), n_keys.end());
    const auto n_chunks = static_cast<std::size_t>((longest + kChunkTokens - 1) / kChunkTokens);
    queries = normal_floats(generator, n_keys.size() * static_cast<std::size_t>(s.key_width), 0.3f);
    keys = normal_floats(generator, n_chunks * kChunkTokens * static_cast<std::size_t>(s.key_width));
    values = normal_floats(generator, n_chunks * kChunkTokens * static_cast<std::size_t>(s.value_width));
    for (std::size_t c = 0; c < n_chunks; ++c) {
      key_chunks.push_back(keys.data() + c * kChunkTokens * static_cast<std::size_t>(s.key_width));
      value_chunks.push_back(s.value_in_key
                                 ? key_chunks.back()
                                 : values.data() + c * kChunkTokens * static_cast<std::size_t>(s.value_width));
    }
  }

  /// Outputs of queries [first, first + count) computed in one group.
  template <class Attend>
  std::vector<float> run(std::size_t first, std::size_t count, Attend attend) const {
    std::vector<float> out(count * static_cast<std::size_t>(shape.value_width));
    std::vector<const float*> q;
    std::vector<float*> o;
    for (std::size_t i = 0; i < count; ++i) {
      q.push_back(queries.data() + (first + i) * static_cast<std::size_t>(shape.key_width));
      o.push_back(out.data() + i * static_cast<std::size_t>(shape.value_width));
    }
    attend(AttentionArgs{static_cast<int>(count), q.data(), n_keys.data() + first, o.data(), key_chunks.data(),
                         value_chunks.data(), shape.key_width, shape.value_in_key ? shape.key_width : shape.value_width,
                         shape.key_width, shape.value_width, 0.25f});
    return out;
  }

  std::vector<float> run_level(SimdLevel level, std::size_t first, std::size_t count) const {
    std::vector<float> scratch(attention_scratch_floats(shape.value_width));
    return run(first, count, [&](const AttentionArgs& a) { cpu_ops(level).attend(a, scratch.data()); });
  }
};

}  // namespace

TEST_CASE("attention: agrees with float64 in one pass", "[kernels]") {
  const Shape shape = GENERATE(Shape{576, 512, true}, Shape{192, 128, false}, Shape{24, 20, false}, Shape{7, 5, false});
  const auto lengths =
      GENERATE(std::vector<int>{1}, std::vector<int>{64, 65, 63}, std::vector<int>{1, 300, 128, 129, 2, 200});
  const Problem problem(shape, lengths, 42);
  const auto expected = problem.run(0, lengths.size(), attend_ref);
  for (const SimdLevel level : available_levels()) {
    CHECK(relative_error(problem.run_level(level, 0, lengths.size()), expected) < 2e-6);
  }
}

TEST_CASE("attention: a query's bits don't depend on its group or the dispatch level", "[kernels][invariance]") {
  const Shape shape = GENERATE(Shape{576, 512, true}, Shape{192, 128, false}, Shape{24, 20, false});
  const std::vector<int> lengths{130, 131, 132, 1, 64, 200, 65};
  const Problem problem(shape, lengths, 5);
  const auto expected = problem.run_level(SimdLevel::scalar, 0, lengths.size());
  for (const SimdLevel level : available_levels()) {
    CHECK(problem.run_level(level, 0, lengths.size()) == expected);
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      const auto alone = problem.run_level(level, i, 1);
      const auto width = static_cast<std::size_t>(shape.value_width);
      CHECK(std::equal(alone.begin(), alone.end(), expected.begin() + static_cast<std::ptrdiff_t>(i * width)));
    }
  }
}

TEST_CASE("attention: scores of any size neither overflow nor lose the largest", "[kernels]") {
  Problem problem({16, 16, false}, {70}, 3);
  for (float& q : problem.queries) q *= 1e4f;
  const auto out = problem.run_level(best_simd_level(), 0, 1);
  const auto expected = problem.run(0, 1, attend_ref);
  CHECK(relative_error(out, expected) < 1e-5);
}
