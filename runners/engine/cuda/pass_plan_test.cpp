// What plans and places of weights come to, without a device.

#include "runners/engine/cuda/pass_plan.h"

#include "runners/engine/cuda/placement.h"
#include "tests/support/catch.h"
#include "tests/support/random.h"

using namespace assay;
using namespace assay::runners;

TEST_CASE("placement: heads are filled up with zeros, halves at the starts of the larger halves") {
  CHECK(repeated(2, {{1, 2}, {2, 3}}) == Axis{0, -1, 1, 2, -1, 3, -1, 4, 5, -1});
  CHECK(filled(3, 3) == Axis{0, 1, 2});
  CHECK(filled(2, 4) == Axis{0, 1, -1, -1});
  std::vector<float> values;
  append_values({1, 2, 3, 4}, repeated(2, {{1, 2}, {1, 2}}), values);
  CHECK(values == std::vector<float>{1, 0, 2, 0, 3, 0, 4, 0});
  const kernels::WeightMatrix w{nullptr, kernels::WeightType::f32, 2, 8, nullptr};
  std::vector<RowSource> rows;
  append_rows(w, filled(2, 3), rows);
  REQUIRE(rows.size() == 3);
  CHECK((rows[1].weight == &w && rows[1].row == 1));
  CHECK(rows[2].weight == nullptr);
}

TEST_CASE("pass plans: no batch has more items of decode attention than there is room for") {
  std::mt19937 generator(229);
  const auto up_to = [&](int n) { return 1 + static_cast<int>(generator() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 2000; ++round) {
    PlanShape shape;
    shape.context_tokens = up_to(40000);
    shape.n_multiprocessors = 132;
    shape.sizes.is_mla = round % 2 == 1;
    shape.sizes.heads = shape.sizes.is_mla ? up_to(128) : 32;
    shape.sizes.kv_heads = 1 << generator() % 4;
    const int n_rows = round % 3 == 0 ? up_to(4) : up_to(300);
    std::vector<std::int32_t> pages(static_cast<std::size_t>(pages_for(shape.context_tokens)));
    std::vector<kernels::DecodeRow> rows;
    for (int i = 0; i < n_rows; ++i) rows.push_back({up_to(static_cast<int>(shape.context_tokens)), pages});
    std::size_t n_items = 0, n_bytes = 0;
    if (shape.sizes.is_mla) {
      const auto plan = kernels::plan_mla_decode(rows, shape.sizes.heads, decode_grain(shape, rows));
      n_items = plan.items.size();
      n_bytes = plan.items.size() * sizeof(plan.items[0]) + plan.pages.size() * sizeof(plan.pages[0]);
    } else {
      n_items = kernels::plan_decode(rows, decode_grain(shape, rows)).items.size();
      n_bytes = n_items * sizeof(kernels::DecodeItem);
    }
    CAPTURE(round, n_rows, shape.context_tokens, shape.sizes.heads, shape.sizes.kv_heads);
    CHECK(n_items <= static_cast<std::size_t>(most_decode_items(shape, n_rows)));
    CHECK(n_bytes + static_cast<std::size_t>(n_rows) * 16 <= generated_bytes(shape, n_rows));
  }
}
