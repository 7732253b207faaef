// What products decide on the host: tested where there is no device, too.

#include <algorithm>

#include "kernels/matmul/grouped_matmul_bf16.cuh"
#include "kernels/matmul/matmul_bf16.cuh"
#include "kernels/matmul/matmul_fp8.cuh"
#include "kernels/matmul/matmul_portable.cuh"
#include "tests/support/catch.h"

using namespace assay::kernels;

TEST_CASE("max_expert_tiles: the most that any routing gives", "[kernels]") {
  CHECK(max_expert_tiles(1, 8, 256, 8) == 9);   // eight experts of one row; the bound is one above
  CHECK(max_expert_tiles(100, 1, 4, 64) == 5);  // 64 + 1 and three others
  CHECK(max_expert_tiles(0, 8, 256, 8) == 0);
}

TEST_CASE("choose_expert_tile_rows: decode gives nearly every expert one tile, prefill the largest", "[kernels]") {
  CHECK(choose_expert_tile_rows(1, 8, 128) == 8);
  CHECK(choose_expert_tile_rows(32, 6, 64) == 8);    // 3.2 rows an expert on average
  CHECK(choose_expert_tile_rows(256, 6, 64) == 64);  // 24 rows
  CHECK(choose_expert_tile_rows(8192, 8, 128) >= 128);
}

TEST_CASE("expected_expert_tiles: one for each expert that is hit, later full tiles and a half one", "[kernels]") {
  CHECK(expected_expert_tiles(8, 128, 8) == 8);
  CHECK(expected_expert_tiles(49152, 64, 256) == 192 + 32);
  CHECK(expected_expert_tiles(0, 64, 8) == 0);
}

// Whatever is chosen was built for.
TEST_CASE("choose_grouped_matmul_plan and the FP8 plans: always one that exists", "[kernels]") {
  const auto grouped = grouped_matmul_plans();
  const auto fp8 = matmul_fp8_plans();
  for (const int tile_rows : {8, 16, 32, 64, 128, 256}) {
    for (const int n_out : {8, 768, 2816, 7168}) {
      for (const int n_tiles : {0, 1, 6, 128, 1000}) {
        CAPTURE(tile_rows, n_out, n_tiles);
        const MatmulPlan plan = choose_grouped_matmul_plan(tile_rows, n_tiles, n_out, 132);
        CHECK(plan.tokens == tile_rows);
        CHECK(std::find(grouped.begin(), grouped.end(), plan) != grouped.end());
        const MatmulFp8Plan fp8_plan = choose_grouped_fp8_plan(tile_rows, n_tiles, n_out, 132);
        CHECK(fp8_plan.tokens == tile_rows);
        CHECK(std::find(fp8.begin(), fp8.end(), fp8_plan) != fp8.end());
      }
    }
  }
  for (const int m_rows : {0, 1, 64, 100, 4096}) {
    const MatmulFp8Plan plan = choose_matmul_fp8_plan(m_rows, 7168, 132);
    CHECK(std::find(fp8.begin(), fp8.end(), plan) != fp8.end());
  }
}

TEST_CASE("choose_matmul_plan: what is chosen was built, and pairs begin where tokens fill two of their tiles",
          "[kernels]") {
  const auto plans = matmul_plans();
  for (const int m : {1, 8, 17, 64, 65, 128, 129, 256, 300, 512, 4096}) {
    for (const int n : {8, 576, 4096, 6144, 28672, 37888, 128256}) {
      for (const int n_batches : {1, 16}) {
        CAPTURE(m, n, n_batches);
        const MatmulPlan plan = choose_matmul_plan(m, n, 132, n_batches);
        CHECK(std::find(plans.begin(), plans.end(), plan) != plans.end());
        if (plan.paired) CHECK((n_batches == 1 && m > plan.tokens));
      }
    }
  }
  // As they were measured: kernels/PERFORMANCE.md, "Product with a bfloat16 weight".
  CHECK(choose_matmul_plan(256, 6144, 132) == MatmulPlan{128, 2, 96, true});
  CHECK(choose_matmul_plan(256, 4096, 132) == MatmulPlan{128, 2, 64, true});
  CHECK(choose_matmul_plan(256, 28672, 132) == MatmulPlan{128, 2, 224, true});
  CHECK(choose_matmul_plan(256, 128256, 132) == MatmulPlan{128, 2, 224, true});
  CHECK(choose_matmul_plan(512, 6144, 132) == MatmulPlan{128, 2, 192, true});
  CHECK(choose_matmul_plan(2048, 4096, 132) == MatmulPlan{128, 2, 256, true});
}

TEST_CASE("portable matmul plans: what is chosen was built, and many rows on a wide weight take the largest",
          "[kernels]") {
  const auto plans = portable_matmul_plans();
  for (const int m : {1, 8, 9, 16, 17, 32, 33, 64, 65, 128, 500, 4096}) {
    for (const int n : {8, 576, 4096, 28672, 128256}) {
      CAPTURE(m, n);
      CHECK(std::find(plans.begin(), plans.end(), choose_portable_matmul_plan(m, n, 108, 1)) != plans.end());
    }
  }
  CHECK(choose_portable_matmul_plan(1, 4096, 132, 1).tokens == 8);
  CHECK(choose_portable_matmul_plan(4096, 4096, 132, 1).tokens == 128);
  const auto grouped = portable_grouped_matmul_plans();
  for (const int tile_rows : {8, 16, 32, 64, 128, 256}) {  // what choose_expert_tile_rows gives
    const MatmulPlan plan{tile_rows, 1, portable_grouped_rows(tile_rows)};
    CHECK(std::find(grouped.begin(), grouped.end(), plan) != grouped.end());
  }
  CHECK(portable_grouped_rows(24) == 0);
}
