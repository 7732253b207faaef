// Where the time of passes goes on a GPU: every kernel belongs to an operation, in graphs too. Needs CUPTI.

#include <algorithm>
#include <filesystem>

#include "kernels/device/gpu_test.cuh"
#include "runners/engine/pass_engine.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::tests;

namespace {

constexpr int kChunk = 128;

std::unique_ptr<PassEngine> engine_of(const char* model) {
  NativeOptions options;
  options.path = std::filesystem::path(ASSAY_SOURCE_DIR) / model;
  options.model = model;
  options.device = "cuda";
  options.kv_memory_bytes = std::int64_t{1} << 30;
  return must(PassEngine::open(options, {.max_batch = 8, .prefill_chunk_tokens = kChunk}));
}

std::vector<Operation> operations_of(const LayerTimes& times, int pass, int layer) {
  std::vector<Operation> operations;
  for (const TimedOperation& one : times.operations) {
    if (one.pass == pass && one.place.layer == layer) operations.push_back(one.place.operation);
  }
  return operations;
}

void check_times(const LayerTimes& times, std::size_t n_runs) {
  REQUIRE(times.run_us.size() == n_runs);
  for (std::size_t run = 0; run < n_runs; ++run) {
    double sum_us = 0;
    for (const TimedOperation& one : times.operations) {
      CHECK(one.n_kernels > 0);
      CHECK(one.time_us.at(run) >= 0);
      sum_us += one.time_us.at(run);
    }
    CHECK_THAT(sum_us, Catch::Matchers::WithinRel(times.run_us[run], 1e-6));
    CHECK(sum_us > 10);
  }
}

}  // namespace

TEST_CASE("watch_decode: a graph's kernels are those of its operations, and graphs go on behind it", "[gpu][layers]") {
  const auto engine = engine_of("models/reference");
  const auto pages = must(engine->pages(4, 200));
  must(engine->prefill(4, 100, 0, pages));
  must(engine->decode(4, 100, 8, 0, pages));
  for (int repeat = 0; repeat < 2; ++repeat) {
    const LayerTimes times = must(engine->watch_decode(4, 100, 5, 0, pages));
    check_times(times, 5);
    CHECK(times.operations.front().place.operation == Operation::inputs);
    CHECK(times.operations.back().place.operation == Operation::outputs);
    using O = Operation;
    const std::vector<O> expected = {O::attention_norm, O::q_a,         O::q_a_norm,         O::q_b,
                                     O::kv_a,           O::rope_append, O::key_map,          O::attention,
                                     O::merge,          O::value_map,   O::attention_output, O::ffn_norm};
    const std::vector<Operation> first = operations_of(times, 0, 0), second = operations_of(times, 0, 1);
    REQUIRE(first.size() == expected.size() + 2);
    CHECK(std::equal(expected.begin(), expected.end(), first.begin()));
    CHECK(std::equal(expected.begin(), expected.end(), second.begin()));
    CHECK(first.back() == O::down);
    CHECK(second.back() == O::combine);
    CHECK(times.shapes.at(0).n_rows == 4);
    must(engine->decode(4, 100, 8, 0, pages));
  }
}

TEST_CASE("watch_prefill: each of the engine's passes has its timeline", "[gpu][layers]") {
  const auto engine = engine_of("models/reference");
  const auto pages = must(engine->pages(1, 300));
  const LayerTimes times = must(engine->watch_prefill(1, 300, 2, pages));
  check_times(times, 2);
  REQUIRE(times.shapes.size() == 3);
  CHECK(times.shapes[2].n_rows == 300 - 2 * kChunk);
  CHECK(times.shapes[2].n_draws == 1);
  CHECK(times.shapes[0].n_draws == 0);
  const auto in_last = operations_of(times, 2, 3);
  CHECK(std::find(in_last.begin(), in_last.end(), Operation::expand) != in_last.end());
  CHECK(std::find(in_last.begin(), in_last.end(), Operation::merge) == in_last.end());
}
