#include "kernels/matmul/grouped_matmul_bf16.cuh"

#include <cmath>
#include <cstring>

#include "kernels/device/handles.cuh"
#include "kernels/router/expert_rows_test.cuh"

using namespace assay;
using namespace assay::kernels;
using namespace assay::tests;

namespace {

struct Shape {
  int tokens, per_token, n_experts, n_used, n_out, n_in;
  double skew;
  int n_places() const { return tokens * per_token; }
};

std::size_t product(std::int64_t a, std::int64_t b) { return static_cast<std::size_t>(a * b); }

/// Random rows that are sorted already, weights of all experts, and a routing that says whose they are.
struct Problem {
  Shape shape;
  std::vector<std::int32_t> slots;
  DeviceBuffer<Bf16> x, w;

  Problem(Shape s, unsigned seed) : shape(s) {
    std::mt19937 generator(seed);
    slots = random_slots(generator, s.tokens, s.per_token, s.n_used, s.skew);
    x = on_device(normal_bf16(generator, product(s.n_places(), s.n_in)));
    w = on_device(normal_bf16(generator, product(s.n_experts, product_of_weight()), 0.1f));
  }
  std::int64_t product_of_weight() const { return std::int64_t{shape.n_out} * shape.n_in; }

  GroupedMatmulBf16Args args(const ExpertRowsOnDevice& rows, Epilogue epilogue, void* y) const {
    GroupedMatmulBf16Args a;
    a.x = x.data();
    a.x_stride = shape.n_in;
    a.n_places = shape.n_places();
    a.w = w.data();
    a.n_experts = shape.n_experts;
    a.n_out = shape.n_out;
    a.n_in = shape.n_in;
    a.epilogue = epilogue;
    a.y = y;
    a.y_stride = epilogue == Epilogue::swiglu_bf16 ? shape.n_out / 2 : shape.n_out;
    a.tiles = rows.args.rows.tiles;
    a.n_tiles = rows.args.rows.n_tiles;
    a.tile_rows = rows.args.tile_rows;
    return a;
  }
  /// The same by one matmul_bf16 an expert.
  void run_one_by_one(const std::vector<std::int32_t>& first_place, Epilogue epilogue, char* y, int width) const {
    const int element = epilogue == Epilogue::store_f32 ? 4 : 2;
    for (int e = 0; e < shape.n_experts; ++e) {
      const auto first = first_place[static_cast<std::size_t>(e)];
      const auto n_rows = first_place[static_cast<std::size_t>(e) + 1] - first;
      must(matmul_bf16({x.data() + product(first, shape.n_in), shape.n_in, n_rows,
                        w.data() + product(e, product_of_weight()), shape.n_out, shape.n_in, epilogue, nullptr,
                        y + product(first, width) * static_cast<std::size_t>(element), width},
                       nullptr));
    }
  }
};

}  // namespace

TEST_CASE("grouped_matmul_bf16: the bits of matmul_bf16 for each expert, in every tile", "[gpu][invariance][heavy]") {
  const auto shape = GENERATE(values<Shape>({{1, 8, 64, 64, 1408, 2048, 0},  // one token
                                             {5, 2, 4, 4, 48, 40, 0},        // a tiny model
                                             {40, 6, 16, 12, 136, 200, 0.5},
                                             {300, 4, 8, 8, 272, 520, 1},
                                             {700, 2, 3, 3, 400, 264, 3},
                                             {600, 4, 8, 8, 2568, 328, 0}}));  // several tiles a multiprocessor
  const Problem problem(shape, 83);
  std::vector<float> expected;
  for (const MatmulPlan& plan : grouped_matmul_plans()) {
    CAPTURE(plan.tokens, plan.groups, plan.rows);
    const ExpertRowsOnDevice rows(problem.slots, shape.per_token, shape.n_experts, plan.tokens);
    if (expected.empty()) {
      const auto y = poisoned<float>(product(shape.n_places(), shape.n_out));
      problem.run_one_by_one(from_device(rows.first_place), Epilogue::store_f32, reinterpret_cast<char*>(y.data()),
                             shape.n_out);
      expected = from_device(y);
    }
    // Poisoned rows follow the last: nothing may be written there.
    const auto y = poisoned<float>(product(shape.n_places() + 3, shape.n_out));
    must(grouped_matmul_bf16(problem.args(rows, Epilogue::store_f32, y.data()), plan, nullptr));
    const auto out = from_device(y);
    CHECK(same_bits(out.data(), expected.data(), expected.size()));
    CHECK(std::all_of(out.begin() + static_cast<std::ptrdiff_t>(expected.size()), out.end(),
                      [](float v) { return std::isnan(v); }));
  }
}

TEST_CASE("grouped_matmul_bf16: bfloat16 and SwiGLU as matmul_bf16 has them", "[gpu]") {
  const auto shape = GENERATE(values<Shape>({{3, 2, 6, 6, 96, 72, 0}, {90, 4, 8, 7, 208, 256, 1}}));
  const auto epilogue = GENERATE(Epilogue::store_bf16, Epilogue::swiglu_bf16);
  const int width = epilogue == Epilogue::swiglu_bf16 ? shape.n_out / 2 : shape.n_out;
  const Problem problem(shape, 89);
  for (const int tile_rows : {8, 64, 128, 256}) {
    CAPTURE(tile_rows);
    const ExpertRowsOnDevice rows(problem.slots, shape.per_token, shape.n_experts, tile_rows);
    const auto y = poisoned<Bf16>(product(shape.n_places(), width)), one_by_one = poisoned<Bf16>(y.size());
    must(grouped_matmul_bf16(problem.args(rows, epilogue, y.data()), nullptr));
    problem.run_one_by_one(from_device(rows.first_place), epilogue, reinterpret_cast<char*>(one_by_one.data()), width);
    const auto expected = from_device(one_by_one);
    CHECK(same_bits(from_device(y).data(), expected.data(), expected.size()));
  }
}

// What another sequence's rows hold must not matter, and a graph captured once serves every routing.
TEST_CASE("grouped_matmul_bf16: a graph serves another routing, and a row of NaN stays alone", "[gpu][invariance]") {
  const Shape shape{30, 2, 8, 8, 64, 264, 0};
  const Problem problem(shape, 97);
  const Stream stream = must(create_stream());
  const ExpertRowsOnDevice rows(problem.slots, shape.per_token, shape.n_experts, 16);
  const auto y = poisoned<float>(product(shape.n_places(), shape.n_out));
  must(check(cudaDeviceSynchronize(), "set-up"));
  const GraphExec graph = must(capture_graph(stream, [&]() -> Result<> {
    ASSAY_TRY(expert_rows(rows.args, stream.get()));
    return grouped_matmul_bf16(problem.args(rows, Epilogue::store_f32, y.data()), stream.get());
  }));
  std::mt19937 generator(101);
  for (const int n_used : {8, 3, 2}) {
    must(rows.slots.upload(random_slots(generator, shape.tokens, shape.per_token, n_used, 1)));
    must(y.fill_bytes(0xFF));
    must(check(cudaDeviceSynchronize(), "set-up"));
    must(check(cudaGraphLaunch(graph.get(), stream.get()), "graph"));
    const auto out = from_device(y);
    const auto expected = poisoned<float>(y.size());
    problem.run_one_by_one(from_device(rows.first_place), Epilogue::store_f32, reinterpret_cast<char*>(expected.data()),
                           shape.n_out);
    CHECK(same_bits(out.data(), from_device(expected).data(), out.size()));
  }
  const auto before = from_device(y);
  std::vector<Bf16> x = from_device(problem.x);
  for (int k = 0; k < shape.n_in; ++k) x[product(7, shape.n_in) + static_cast<std::size_t>(k)] = __float2bfloat16(NAN);
  must(problem.x.upload(x));
  must(check(cudaGraphLaunch(graph.get(), stream.get()), "graph"));
  const auto after = from_device(y);
  CHECK(same_bits(after.data(), before.data(), product(7, shape.n_out)));
  CHECK(std::isnan(after[product(7, shape.n_out)]));
  CHECK(same_bits(after.data() + product(8, shape.n_out), before.data() + product(8, shape.n_out),
                  product(shape.n_places() - 8, shape.n_out)));
}

TEST_CASE("grouped_matmul_bf16: no places are no work, and what it can't do is refused", "[gpu]") {
  const Shape shape{4, 2, 4, 4, 16, 16, 0};
  const Problem problem(shape, 3);
  const ExpertRowsOnDevice rows(problem.slots, 2, 4, 8);
  const auto y = poisoned<float>(128);
  GroupedMatmulBf16Args args = problem.args(rows, Epilogue::store_f32, y.data());
  args.n_places = 0;
  CHECK(grouped_matmul_bf16(args, nullptr).has_value());
  args = problem.args(rows, Epilogue::add_f32, y.data());
  CHECK_FALSE(grouped_matmul_bf16(args, nullptr).has_value());
  args = problem.args(rows, Epilogue::store_f32, y.data());
  args.tile_rows = 24;
  CHECK_FALSE(grouped_matmul_bf16(args, nullptr).has_value());
  args = problem.args(rows, Epilogue::swiglu_bf16, y.data());
  args.n_out = 8;
  CHECK_FALSE(grouped_matmul_bf16(args, nullptr).has_value());
}
