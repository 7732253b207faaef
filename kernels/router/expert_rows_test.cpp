#include "kernels/router/expert_rows.cuh"

#include <cmath>
#include <cstring>

#include "kernels/router/expert_rows_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Shape {
  int tokens, per_token, n_experts, n_used, tile_rows;
  double skew;
};

std::size_t index(int i) { return static_cast<std::size_t>(i); }

}  // namespace

TEST_CASE("expert_rows: sorted by expert and then by token, every pair once", "[gpu][invariance]") {
  const auto shape = GENERATE(values<Shape>({{1, 8, 256, 256, 8, 0},
                                             {3, 2, 5, 5, 8, 0},
                                             {64, 8, 128, 128, 16, 0},
                                             {257, 6, 64, 64, 32, 0.3},
                                             {700, 8, 256, 100, 64, 1},
                                             {2000, 6, 160, 160, 256, 2},
                                             {4096, 8, 256, 256, 128, 0},
                                             {300, 1, 1, 1, 256, 0}}));
  std::mt19937 generator(71);
  const auto slots = random_slots(generator, shape.tokens, shape.per_token, shape.n_used, shape.skew);
  const ExpertRowsOnDevice rows(slots, shape.per_token, shape.n_experts, shape.tile_rows);
  const auto first_place = from_device(rows.first_place), places = from_device(rows.places),
             tokens = from_device(rows.tokens);
  const auto tiles = from_device(rows.tiles);
  const int n_tiles = from_device(rows.n_tiles)[0];

  std::vector<std::int32_t> expected_first{0}, expected_tokens, expected_places(slots.size());
  std::vector<ExpertTile> expected_tiles;
  for (int e = 0; e < shape.n_experts; ++e) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i] != e) continue;
      expected_places[i] = static_cast<std::int32_t>(expected_tokens.size());
      expected_tokens.push_back(static_cast<std::int32_t>(i) / shape.per_token);
    }
    const int begin = expected_first.back(), end = static_cast<int>(expected_tokens.size());
    expected_first.push_back(end);
    for (int at = begin; at < end; at += shape.tile_rows) {
      expected_tiles.push_back({e, at, std::min(shape.tile_rows, end - at), 0});
    }
  }
  CHECK(first_place == expected_first);
  CHECK(places == expected_places);
  CHECK(tokens == expected_tokens);
  REQUIRE(n_tiles == static_cast<int>(expected_tiles.size()));
  CHECK(same_bits(tiles.data(), expected_tiles.data(), expected_tiles.size()));
}

TEST_CASE("expert_rows: a rank's own experts alone, numbered from 0", "[gpu][invariance]") {
  const auto [n_tokens, n_experts, first_own, n_own] =
      GENERATE(table<int, int, int, int>({{1, 64, 0, 32}, {1, 64, 32, 32}, {700, 64, 16, 16}, {257, 8, 7, 1}}));
  constexpr int kPerToken = 6, kTileRows = 16;
  std::mt19937 generator(72);
  const auto slots = random_slots(generator, n_tokens, kPerToken, n_experts, 0.2);
  const ExpertRowsOnDevice rows(slots, kPerToken, n_experts, kTileRows, first_own, n_own);
  std::vector<std::int32_t> expected_first{0}, expected_tokens, expected_places(slots.size(), -1);
  std::vector<ExpertTile> expected_tiles;
  for (int e = 0; e < n_own; ++e) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (slots[i] != first_own + e) continue;
      expected_places[i] = static_cast<std::int32_t>(expected_tokens.size());
      expected_tokens.push_back(static_cast<std::int32_t>(i) / kPerToken);
    }
    const int begin = expected_first.back(), end = static_cast<int>(expected_tokens.size());
    expected_first.push_back(end);
    for (int at = begin; at < end; at += kTileRows) {
      expected_tiles.push_back({e, at, std::min(kTileRows, end - at), 0});
    }
  }
  expected_tokens.resize(slots.size(), 0);  // places that no pair has
  auto first_place = from_device(rows.first_place);
  first_place.resize(index(n_own) + 1);
  CHECK(first_place == expected_first);
  CHECK(from_device(rows.places) == expected_places);
  CHECK(from_device(rows.tokens) == expected_tokens);
  REQUIRE(from_device(rows.n_tiles)[0] == static_cast<int>(expected_tiles.size()));
  CHECK(same_bits(from_device(rows.tiles).data(), expected_tiles.data(), expected_tiles.size()));
  ExpertRowsArgs beyond = rows.args;
  beyond.first_expert = n_experts - n_own + 1;
  CHECK_FALSE(expert_rows(beyond, nullptr).has_value());
}

TEST_CASE("expert_rows: no tokens leave no tiles, and shapes it can't have are refused", "[gpu]") {
  const ExpertRowsOnDevice rows({}, 8, 16, 8);
  CHECK(from_device(rows.n_tiles)[0] == 0);
  CHECK(from_device(rows.first_place) == std::vector<std::int32_t>(17, 0));
  ExpertRowsArgs args = rows.args;
  args.n_experts = 1025;
  CHECK_FALSE(expert_rows(args, nullptr).has_value());
  args = rows.args;
  args.tile_rows = 0;
  CHECK_FALSE(expert_rows(args, nullptr).has_value());
}

TEST_CASE("gather_rows: copies the rows that are asked for", "[gpu]") {
  const int width = GENERATE(8, 40, 2048, 7168);
  std::mt19937 generator(73);
  const auto x = normal_bf16(generator, index(9 * width));
  const std::vector<std::int32_t> rows{8, 0, 3, 3, 7};
  const auto device_x = on_device(x);
  const auto device_rows = on_device(rows);
  const auto y = poisoned<Bf16>(index(6 * width));
  must(gather_rows({device_x.data(), device_rows.data(), 5, width, y.data()}, nullptr));
  const auto gathered = from_device(y);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(same_bits(gathered.data() + i * index(width), x.data() + index(rows[i]) * index(width), index(width)));
  }
  CHECK(std::isnan(as_float(gathered[index(5 * width)])));
  CHECK_FALSE(gather_rows({device_x.data(), device_rows.data(), 5, 12, y.data()}, nullptr).has_value());
}
