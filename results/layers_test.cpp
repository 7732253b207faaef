#include "results/layers.h"

#include <limits>

#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinAbs;

namespace {

LayerOperation operation(std::optional<std::int64_t> layer, const char* word, double start_us, double time_us,
                         double bytes, std::optional<double> limit_us) {
  LayerOperation one;
  one.layer = layer;
  one.operation = word;
  one.start_us = start_us;
  one.time_us = time_us;
  one.n_kernels = 2;
  one.bytes = bytes;
  one.flop = 10 * bytes;
  one.limit_us = limit_us;
  return one;
}

/// Two layers of one product each, and drawing, whose limit is not known; `longer` is added to the first layer.
BenchPoint some_layers(std::int64_t repeat, double longer) {
  BenchPoint point;
  point.key = {"decode batch=1 context=64", "", repeat};
  point.kind = kLayersKind;
  point.figures = {{"pass_ms", {0.07, {}, 16}}, {"sum_ms", {0.06 + longer / 1000, {}, {}}}};
  Json operations = Json::array();
  for (const LayerOperation& one :
       {operation(0, "qkv", 0, 20 + longer, 3e6, 15), operation(1, "qkv", 20 + longer, 30, 3e6, 15),
        operation({}, "sampling", 50 + longer, 10, 0, {})}) {
    operations.push_back(to_json(one));
  }
  LimitRates rates;
  rates.read_gb_per_s = 200;
  rates.bf16_tflops = 1.5;
  rates.provenance = "measured";
  rates.from = "0123456789ab";
  point.details = {{"operations", std::move(operations)}, {"limits", to_json(rates)}};
  return point;
}

}  // namespace

TEST_CASE("layers: a timeline is read back as it was written", "[results][layers]") {
  const auto operations = read_operations(some_layers(0, 0));
  REQUIRE(operations);
  REQUIRE(operations->size() == 3);
  CHECK((*operations)[1].layer == 1);
  CHECK((*operations)[1].start_us == 20);
  CHECK((*operations)[1].flop == 3e7);
  CHECK_FALSE((*operations)[2].layer.has_value());
  CHECK_FALSE((*operations)[2].limit_us.has_value());
  CHECK((*operations)[2].n_kernels == 2);
}

TEST_CASE("layers: a broken timeline names entry and field", "[results][layers]") {
  const auto refusal = [](const Json& operations) {
    BenchPoint point = some_layers(0, 0);
    point.details["operations"] = operations;
    const auto read = read_operations(point);
    REQUIRE_FALSE(read);
    CHECK(read.error().kind == ErrorKind::bad_input);
    CHECK_THAT(layers_text(std::vector{point}), Contains("can't be shown"));
    CHECK_THAT(layer_by_layer_text(std::vector{point}), Contains("can't be shown"));
    return read.error().message;
  };
  const Json good = some_layers(0, 0).details["operations"];
  const auto with = [&](const char* key, const Json& value) {
    Json changed = good;
    changed[1][key] = value;
    return changed;
  };
  CHECK_THAT(refusal(Json(3)), Contains("must be a list"));
  CHECK_THAT(refusal(Json::array({3})), Contains("operations[0]"));
  CHECK_THAT(refusal(with("time_us", -1)), Contains("operations[1]") && Contains("time_us"));
  CHECK_THAT(refusal(with("time_us", "1")), Contains("time_us"));
  CHECK_THAT(refusal(with("layer", -2)), Contains("layer"));
  CHECK_THAT(refusal(with("operation", Json())), Contains("operation"));
  CHECK_THAT(refusal(with("limit_us", std::numeric_limits<double>::infinity())), Contains("limit_us"));
}

TEST_CASE("layers: operations are summed over layers, and their median is taken over repeats", "[results][layers]") {
  const std::vector<BenchPoint> repeats = {some_layers(0, 0), some_layers(1, 6), some_layers(2, 2)};
  const auto summaries = summarise_operations(repeats);
  REQUIRE(summaries);
  REQUIRE(summaries->size() == 2);
  const OperationSummary& qkv = summaries->front();
  CHECK(qkv.operation == "qkv");
  CHECK(qkv.n == 2);
  CHECK(qkv.time_us.median == 52);
  CHECK(qkv.time_us.min == 50);
  CHECK(qkv.time_us.max == 56);
  CHECK(qkv.time_us.n == 3);
  CHECK(qkv.bytes == 6e6);
  CHECK(qkv.limit_us == 30);
  CHECK(qkv.n_kernels == 4);
  CHECK_THAT(qkv.share_ratio, WithinAbs(52.0 / 62, 1e-12));
  CHECK_FALSE(summaries->back().limit_us.has_value());
}

TEST_CASE("layers: tables for people, by operation and by layer", "[results][layers]") {
  std::vector<BenchPoint> points = {some_layers(0, 0), some_layers(1, 6)};
  points[1].reason_codes = {"throttled"};
  const std::string text = points_text(points);
  CHECK_THAT(text, Contains("decode batch=1 context=64: 0.070 ms unwatched"));
  CHECK_THAT(text, Contains("qkv") && Contains("50.00") && Contains("83.3 %") && Contains("60 %"));
  CHECK_THAT(text, Contains("Limits, measured (0123456789ab), 200 GB/s, 1.500 TFLOP/s bf16."));
  CHECK_THAT(text, !Contains("sum_ms"));  // and no table of bare metrics
  const std::string layers = layer_by_layer_text(points);
  CHECK_THAT(layers, Contains("outside") && Contains("10.00") && Contains("20.00") && Contains("30.00"));
  points[0].reason_codes = {"throttled"};
  CHECK_THAT(layers_text(points), Contains("no valid point"));
  CHECK(layer_by_layer_text(points).empty());
  CHECK(layers_text({}).empty());
}
