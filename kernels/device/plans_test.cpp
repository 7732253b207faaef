// What the CUDA kernels decide on the host: tested where there is no device, too.

#include <algorithm>
#include <numeric>

#include "kernels/attention/decode_attention.cuh"
#include "kernels/attention/mla_decode_attention.cuh"
#include "kernels/attention/mla_gather.cuh"
#include "kernels/attention/prefill_attention.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::kernels;

TEST_CASE("open_device: a device that can't be used is an environment error that says why", "[kernels]") {
  const auto none = open_device(-1);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().kind == ErrorKind::environment);
  CHECK_THAT(none.error().message, Catch::Matchers::Contains("device") || Catch::Matchers::Contains("driver"));
}

TEST_CASE("plan_decode: cuts rows at multiples of 256, or of 2,048", "[kernels]") {
  std::vector<std::int32_t> pages(40);
  std::iota(pages.begin(), pages.end(), 100);
  const std::vector<DecodeRow> rows{{1, pages}, {256, pages}, {2049, pages}};
  const DecodePlan chunks = plan_decode(rows, DecodeGrain::chunk);
  CHECK(chunks.first_item == std::vector<std::int32_t>{0, 1, 2, 11});
  REQUIRE(chunks.items.size() == 11);
  CHECK(chunks.items[3].row == 2);
  CHECK(chunks.items[3].n_keys == 256);
  CHECK(chunks.items[3].starts_span == 0);
  CHECK(chunks.items[3].pages[3] == 107);
  CHECK(chunks.items[10].n_keys == 1);
  CHECK(chunks.items[10].starts_span == 1);
  CHECK(chunks.items[10].pages[0] == 132);
  const DecodePlan spans = plan_decode(rows, DecodeGrain::span);
  CHECK(spans.first_item == std::vector<std::int32_t>{0, 1, 2, 4});
  CHECK(spans.items[2].n_keys == 2048);
  CHECK(spans.items[2].pages[31] == 131);
  CHECK(spans.items[3].starts_span == 1);
}

TEST_CASE("choose_decode_grain: spans where blocks have enough of them, or share them as evenly as chunks",
          "[kernels]") {
  const auto grain = [](std::size_t n_rows, std::int32_t n_keys) {
    return choose_decode_grain(std::vector<DecodeRow>(n_rows, DecodeRow{n_keys, {}}), 8, 132);
  };
  CHECK(grain(1, 1024) == DecodeGrain::chunk);
  CHECK(grain(1, 32768) == DecodeGrain::span);   // 128 spans for 132 blocks
  CHECK(grain(1, 36864) == DecodeGrain::chunk);  // 144: a second round for twelve
  CHECK(grain(12, 1024) == DecodeGrain::chunk);
  CHECK(grain(16, 1024) == DecodeGrain::span);
  CHECK(grain(20, 1024) == DecodeGrain::chunk);
  CHECK(grain(32, 1024) == DecodeGrain::span);
  CHECK(grain(100, 1) == DecodeGrain::span);
  CHECK(grain(0, 1) == DecodeGrain::span);
}

TEST_CASE("plan_mla_decode: few heads have chunks or spans, many have parts that follow from the keys", "[kernels]") {
  std::vector<std::int32_t> pages(400);
  std::iota(pages.begin(), pages.end(), 100);
  const std::vector<DecodeRow> rows{{1, pages}, {2049, pages}, {20000, pages}};
  const MlaDecodePlan chunks = plan_mla_decode(rows, 16, DecodeGrain::chunk);
  CHECK(chunks.first_item == std::vector<std::int32_t>{0, 1, 10, 89});
  CHECK(chunks.pages.size() == 1 + 33 + 313);
  CHECK(chunks.items[2].n_keys == 256);
  CHECK(chunks.items[2].starts_span == 0);
  CHECK(chunks.pages[static_cast<std::size_t>(chunks.items[2].first_page)] == 104);
  CHECK(chunks.items[9].n_keys == 1);
  CHECK(chunks.items[9].starts_span == 1);
  const MlaDecodePlan spans = plan_mla_decode(rows, 16, DecodeGrain::span);
  CHECK(spans.first_item == std::vector<std::int32_t>{0, 1, 3, 13});
  CHECK(spans.pages == chunks.pages);
  const MlaDecodePlan parts = plan_mla_decode(rows, 128, DecodeGrain::span);
  CHECK(parts.first_item == std::vector<std::int32_t>{0, 1, 3, 11});
  CHECK(parts.items[3].n_keys == 40 * 64);  // 313 pages in eight parts
  CHECK(parts.items[10].n_keys == 20000 - 7 * 40 * 64);
  CHECK(parts.items[10].starts_span == 1);
  CHECK(parts.pages[static_cast<std::size_t>(parts.items[10].first_page)] == 100 + 280);
}

TEST_CASE("choose_mla_decode_grain: spans where they share the work out as well as chunks", "[kernels]") {
  const std::vector<std::int32_t> pages(512);
  const auto grain = [&](std::size_t n_rows, std::int32_t n_keys) {
    return choose_mla_decode_grain(std::vector<DecodeRow>(n_rows, DecodeRow{n_keys, pages}), 16, 132);
  };
  CHECK(grain(1, 32768) == DecodeGrain::chunk);
  CHECK(grain(32, 1024) == DecodeGrain::chunk);
  CHECK(grain(34, 8192) == DecodeGrain::chunk);  // 136 spans: a second round for four of them
  CHECK(grain(64, 8192) == DecodeGrain::span);
  CHECK(grain(256, 1024) == DecodeGrain::span);
  CHECK(grain(0, 1) == DecodeGrain::chunk);
}

TEST_CASE("plan_mla_gather: sequences follow one another, page by page", "[kernels]") {
  const std::vector<std::int32_t> first{7, 3}, second{5};
  const MlaGatherPlan plan = plan_mla_gather(std::vector<MlaCachedSequence>{{65, first}, {64, second}});
  CHECK(plan.first_row == std::vector<std::int32_t>{0, 65, 129});
  REQUIRE(plan.pages.size() == 3);
  CHECK(plan.pages[1].page == 3);
  CHECK(plan.pages[1].first_row == 64);
  CHECK(plan.pages[1].n_rows == 1);
  CHECK(plan.pages[2].page == 5);
  CHECK(plan.pages[2].first_row == 65);
  CHECK(plan.pages[2].n_rows == 64);
}

TEST_CASE("plan_prefill: tiles of 128 rows, those with the most keys first", "[kernels]") {
  const auto tiles = plan_prefill(std::vector<PrefillSpan>{{0, 130, 0, 0}, {130, 5, 1000, 1}});
  REQUIRE(tiles.size() == 3);
  CHECK(tiles[0].first_row == 130);
  CHECK(tiles[0].n_cached == 1005);
  CHECK(tiles[1].first_row == 128);
  CHECK(tiles[1].n_rows == 2);
  CHECK(tiles[1].first_position == 128);
  CHECK(tiles[2].n_rows == 128);
  CHECK(tiles[2].n_cached == 130);
}

// Every multiprocessor has work, and the tile is one that exists.
TEST_CASE("choose_matmul_plan: narrow weights are cut small enough for all multiprocessors", "[kernels]") {
  const auto [m_rows, n_out] = GENERATE(table<int, int>(
      {{1, 4096}, {1, 6144}, {8, 28672}, {32, 128256}, {64, 4096}, {128, 4096}, {256, 4096}, {8192, 8192}, {1, 8}}));
  const MatmulPlan plan = choose_matmul_plan(m_rows, n_out, 132);
  const std::vector<MatmulPlan> plans = matmul_plans();
  CHECK(std::find(plans.begin(), plans.end(), plan) != plans.end());
  const int n_tiles = ((n_out + plan.rows - 1) / plan.rows) * ((m_rows + plan.tokens - 1) / plan.tokens);
  if (n_out >= 4096) CHECK(n_tiles >= 120);
}
