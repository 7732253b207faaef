#include "runners/engine/native_device.h"

#include "harness/base/data_path.h"
#include "harness/base/log.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;

TEST_CASE("open_native_device: words that name no device, or several, are refused", "[engine][device]") {
  CHECK(open_native_device("cpu").has_value());
  for (const char* word : {"gpu", "cuda:", "cuda:x", "cuda:-1", "cuda:0,1", "cudb:0"}) {
    CAPTURE(word);
    const auto device = open_native_device(word);
    REQUIRE_FALSE(device);
    CHECK(device.error().kind == ErrorKind::bad_input);
  }
}

TEST_CASE("open_native_device: several GPUs are named once each, and as many as there are ranks", "[engine][device]") {
  using Catch::Matchers::Contains;
  const auto refusal = [](const std::string& word, const ParallelOptions& parallel) {
    const auto device = open_native_device(word, "auto", parallel);
    return device ? std::string() : device.error().message;
  };
  CHECK_THAT(refusal("cuda:0,1", {}), Contains("names 2 GPUs") && Contains("--tensor-parallel"));
  CHECK_THAT(refusal("cuda:0,1,2", {2, 1}), Contains("names 3 GPUs, the model is spread over 2"));
  CHECK_THAT(refusal("cuda:1,1", {2, 1}), Contains("names GPU 1 twice"));
  CHECK_THAT(refusal("cuda:0,", {2, 1}), Contains("--device must be"));
  CHECK_THAT(refusal("cpu", {2, 1}), Contains("--tensor-parallel 2") && Contains("--device cuda"));
  CHECK_THAT(refusal("cpu", {1, 1, 165}), Contains("--link-gb-s") && Contains("--tensor-parallel"));
  CHECK_THAT(refusal("cuda", {3, 1}), Contains("must be 1, 2, 4 or 8, is 3"));
  // Where these tests run no GPU is seen.
  const auto none = open_native_device("auto", "auto", {1, 2});
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::environment);
  CHECK_THAT(none.error().message, Contains("--expert-parallel 2"));
}

TEST_CASE("open_native_device: a path of kernels is a GPU's", "[engine][device]") {
  const auto cpu = open_native_device("cpu", "portable");
  REQUIRE_FALSE(cpu);
  CHECK(cpu.error().kind == ErrorKind::bad_input);
  // Where these tests run no GPU is seen: what was asked for by name is not replaced by the CPU.
  const auto none = open_native_device("auto", "portable");
  REQUIRE_FALSE(none);
  CHECK(none.error().kind == ErrorKind::environment);
}

TEST_CASE("load_options_on: the portable kernels multiply no weights in blocks", "[engine][device]") {
  NativeDevice device{CudaDevice{}, true};
  device.cuda->path = "hopper";
  CHECK(load_options_on(device, {}).fp8 == Fp8Weights::blocks);
  CHECK(load_options_on(device, {}).quantized == QuantizedWeights::blocks);
  CHECK(load_options_on(device, {.quantized = QuantizedWeights::widen}).quantized == QuantizedWeights::widen);
  device.cuda->path = "portable";
  CHECK(load_options_on(device, {}).fp8 == Fp8Weights::widen);
  CHECK(load_options_on(device, {}).quantized == QuantizedWeights::widen);
  CHECK(load_options_on({}, {}).fp8 == Fp8Weights::blocks);
  CHECK(load_options_on({}, {}).quantized == QuantizedWeights::blocks);
}

TEST_CASE("settle_device: auto takes the CPU for a model that the GPU's kernels don't run", "[engine][device]") {
  set_log_level(LogLevel::quiet);
  auto model = load_model(*shipped_path("models/reference"));
  REQUIRE(model);
  model->config.kv_lora_rank = 1 << 20;
  NativeDevice device{CudaDevice{}, false};
  CHECK(settle_device(*model, device));
  CHECK_FALSE(device.cuda);
  CHECK(default_limits(device).max_batch == 64);
  NativeDevice named{CudaDevice{}, true};
  CHECK_FALSE(settle_device(*model, named));
}
