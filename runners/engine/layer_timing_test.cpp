#include "runners/engine/layer_timing.h"

#include <fstream>
#include <set>

#include "runners/engine/pass_work.h"
#include "runners/engine/test_executor.h"
#include "runners/formats/test_configs.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::runners;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

/// Two layers of grouped-query attention in bfloat16, the weights random.
Model small_model() {
  Json document = gqa_config("LlamaForCausalLM", "llama", 2, 256, 512, 4, 2, 1024, false);
  document["head_dim"] = 64;
  document["torch_dtype"] = "bfloat16";
  const test_support::TemporaryFolder folder;
  std::ofstream(folder / "config.json") << document.dump();
  LoadOptions options;
  options.weights = WeightSource::dummy;
  auto model = load_model(folder.path(), options);
  if (!model) FAIL(model.error().message);
  return std::move(*model);
}

PassShape one_step(double n_rows, double context) {
  return {PositionRole::generated, n_rows, n_rows * (context + 1), n_rows * (context + 1), n_rows};
}

const OperationForm kGpu{.is_gpu = true, .fp8_blocks = true};

}  // namespace

TEST_CASE("Operation: every one has a word of its own", "[engine][layers]") {
  std::set<std::string_view> words;
  for (int i = 0; i < kNumOperations; ++i) words.insert(to_string(static_cast<Operation>(i)));
  CHECK(words.size() == static_cast<std::size_t>(kNumOperations));
  CHECK_FALSE(words.contains(""));
  CHECK(to_string(Operation::rope_append) == "rope_append");
  CHECK(to_string(Operation::outputs) == "outputs");
}

// By hand: one row behind 1,024; q, k and v are 512 x 256, gate and up 1024 x 256; attention reads 1,025 rows of
// 2 · 128 bfloat16.
TEST_CASE("operation_work: a dense model's operations by hand", "[engine][layers]") {
  const Model model = small_model();
  const PassShape shape = one_step(1, 1024);
  const auto work = [&](Operation operation, int layer = 1) {
    return operation_work(model, kGpu, shape, {layer, operation});
  };
  CHECK(work(Operation::qkv).bytes == 2.0 * 512 * 256 + 2 * 256 + 4 * 512);
  CHECK(work(Operation::qkv).flop == 2.0 * 512 * 256);
  CHECK(work(Operation::gate_up).bytes == 2.0 * 1024 * 256 + 2 * 256 + 2 * 512);
  CHECK(work(Operation::down).bytes == 2.0 * 512 * 256 + 2 * 512 + 8 * 256);
  CHECK(work(Operation::attention).bytes == 1025 * 2.0 * 128 * 2 + 2 * 2 * 256);
  CHECK(work(Operation::attention).flop == 4.0 * 1025 * 256);
  CHECK(work(Operation::attention_norm).bytes == 256 * 6.0);
  CHECK(work(Operation::head, kOutsideLayers).flop == 2.0 * 1024 * 256);
  CHECK(work(Operation::router).bytes == 0);
  CHECK(work(Operation::inputs, kOutsideLayers).bytes == 0);
  CHECK(work(Operation::qkv, 99).bytes == 0);
  // A processor's rows are float32, its cache too, and it adds to the residual stream apart.
  const OperationForm cpu;
  CHECK(operation_work(model, cpu, shape, {0, Operation::down}).bytes == 2.0 * 512 * 256 + 4 * 512 + 4 * 256);
  CHECK(operation_work(model, cpu, shape, {0, Operation::attention}).bytes == 1025 * 4.0 * 128 * 2 + 2 * 4 * 256);
  CHECK(operation_work(model, cpu, shape, {0, Operation::residual}).bytes == 2 * 3 * 4.0 * 256);
}

TEST_CASE("operation_work: products of all operations are those of a whole pass", "[engine][layers]") {
  const Model model = small_model();
  const double rows = 7, context = 300;
  double product_flop = 0, attention_flop = 0;
  for (int layer = kOutsideLayers; layer < 2; ++layer) {
    for (int i = 0; i < kNumOperations; ++i) {
      const auto operation = static_cast<Operation>(i);
      const double flop = operation_work(model, kGpu, one_step(rows, context), {layer, operation}).flop;
      (operation == Operation::attention ? attention_flop : product_flop) += flop;
    }
  }
  const PassWork whole = pass_work(model.config, Fp8Weights::blocks);
  const double norms = 2.0 * rows * 5 * 256;  // its parameters count as operations there
  CHECK_THAT(product_flop, WithinRel(rows * whole.flop_per_token - norms, 1e-12));
  CHECK_THAT(attention_flop, WithinRel(rows * (context + 1) * whole.attention_flop_per_pair, 1e-12));
}

TEST_CASE("operation_work: experts are read as rows hit them, FP8 as it stays", "[engine][layers]") {
  Model model = small_model();
  MoeWeights moe;
  moe.router = {nullptr, kernels::WeightType::f32, 64, 256};
  FfnWeights expert;
  expert.gate_proj = expert.up_proj = {nullptr, kernels::WeightType::f8_e4m3, 128, 256};
  expert.down_proj = {nullptr, kernels::WeightType::f8_e4m3, 256, 128};
  moe.experts.assign(64, expert);
  model.config.num_experts_per_tok = 6;
  model.layers[0].ffn = std::move(moe);
  const auto gate_up = [&](double rows, const OperationForm& form) {
    return operation_work(model, form, one_step(rows, 10), {0, Operation::experts_gate_up});
  };
  const double one_expert = 2.0 * 128 * 256;
  // One row hits six. Its places are six rows in and six out.
  CHECK_THAT(gate_up(1, kGpu).bytes, WithinRel(6 * one_expert + 6 * 2.0 * 256 + 6 * 2.0 * 128, 1e-12));
  CHECK(gate_up(1, kGpu).is_fp8);
  CHECK_FALSE(gate_up(1, {.is_gpu = true, .fp8_blocks = false}).is_fp8);
  CHECK_THAT(gate_up(1, {.is_gpu = true, .fp8_blocks = false}).bytes,
             WithinRel(6 * 2 * one_expert + 6 * 2.0 * 256 + 6 * 2.0 * 128, 1e-12));
  // A thousand rows hit all.
  CHECK_THAT(gate_up(1000, kGpu).bytes, WithinRel(64 * one_expert + 6000 * 2.0 * 256 + 6000 * 2.0 * 128, 1e-9));
  CHECK(gate_up(1000, kGpu).flop == 2.0 * 6000 * one_expert);
}

TEST_CASE("shape_of: keys and pairs of spans, and rows whose logits are made", "[engine][layers]") {
  const std::vector<std::int32_t> tokens(5, 1), pages(1, 0);
  const std::vector<TokenSpan> spans = {{pages, 10, std::span(tokens).first(3)},
                                        {pages, 0, std::span(tokens).first(2)}};
  std::vector<Draw> draws(3);
  draws[0].row = draws[1].row = 2;
  draws[2].row = 4;
  Pass pass;
  pass.spans = spans;
  pass.draws = draws;
  const PassShape shape = shape_of(pass);
  CHECK(shape.n_rows == 5);
  CHECK(shape.n_keys == 13 + 2);
  CHECK(shape.n_pairs == 11 + 12 + 13 + 1 + 2);
  CHECK(shape.n_draws == 2);
}

// The second begins before the first ends, the third is hidden, the fourth comes after a gap of 2.
TEST_CASE("added_us: from the end of all before, gaps counted, hidden ones nothing", "[engine][layers]") {
  const std::vector<kernels::DeviceActivity> activities = {
      {"a", 100, 104}, {"b", 103, 110}, {"c", 105, 109}, {"d", 112, 113}};
  double end_us = 99;  // of what came before
  CHECK(added_us(activities, end_us) == std::vector<double>{5, 6, 0, 3});
  CHECK(end_us == 113);
  CHECK(added_us({}, end_us).empty());
  CHECK(end_us == 113);
}

TEST_CASE("short_kernel_name: the function alone", "[engine][layers]") {
  CHECK(kernels::short_kernel_name(
            "void assay::kernels::(anonymous namespace)::merge_kernel<128, 4>(assay::MergeArgs)") == "merge_kernel");
  CHECK(kernels::short_kernel_name("assay::kernels::embed_kernel(Args)") == "embed_kernel");
  CHECK(kernels::short_kernel_name("plain") == "plain");
  CHECK(kernels::short_kernel_name("") == "");
}

TEST_CASE("watch_on_host: runs of the same operations are put together", "[engine][layers]") {
  OperationMarks marks;
  int n_calls = 0;
  const auto one_pass = [&](const AfterPass& after_pass, bool with_layer) -> Result<> {
    marks.begin(Operation::embed);
    if (with_layer) {
      marks.enter_layer(0);
      marks.begin(Operation::qkv);
      marks.begin(Operation::residual);
      marks.begin(Operation::residual);
      marks.leave_layers();
    }
    marks.begin(Operation::head);
    return after_pass({});
  };
  SECTION("steps of one call") {
    const WatchPlan plan{[&](const AfterPass& after_pass) -> Result<> {
                           ++n_calls;
                           for (int i = 0; i < 4; ++i) ASSAY_TRY(one_pass(after_pass, i > 0));
                           return {};
                         },
                         3, 1, 1};
    const auto times = watch_on_host(marks, plan);
    REQUIRE(times);
    CHECK(n_calls == 1);
    CHECK(times->run_us.size() == 3);
    CHECK(times->shapes.size() == 1);
    REQUIRE(times->operations.size() == 5);
    CHECK(times->operations[1].place == OperationPlace{0, Operation::qkv});
    CHECK(times->operations[3].place == OperationPlace{0, Operation::residual});
    CHECK(times->operations[4].place == OperationPlace{kOutsideLayers, Operation::head});
    for (std::size_t run = 0; run < 3; ++run) {
      double sum_us = 0;
      for (const TimedOperation& one : times->operations) sum_us += one.time_us.at(run);
      CHECK_THAT(sum_us, WithinAbs(times->run_us[run], 1e-6));
    }
    CHECK_FALSE(marks.are_heard());
  }
  SECTION("prompts of two passes each") {
    const WatchPlan plan{[&](const AfterPass& after_pass) -> Result<> {
                           ++n_calls;
                           ASSAY_TRY(one_pass(after_pass, false));
                           return one_pass(after_pass, true);
                         },
                         2, 0, 0};
    const auto times = watch_on_host(marks, plan);
    REQUIRE(times);
    CHECK(n_calls == 2);
    CHECK(times->run_us.size() == 2);
    CHECK(times->shapes.size() == 2);
    REQUIRE(times->operations.size() == 7);
    CHECK(times->operations[1].pass == 0);
    CHECK(times->operations[2].pass == 1);
  }
  SECTION("others are an error") {
    const WatchPlan plan{[&](const AfterPass& after_pass) { return one_pass(after_pass, n_calls++ > 0); }, 2, 0, 0};
    const auto times = watch_on_host(marks, plan);
    REQUIRE_FALSE(times);
    CHECK(times.error().kind == ErrorKind::environment);
    CHECK_THAT(times.error().message, Contains("differ"));
    CHECK_FALSE(marks.are_heard());
  }
}
