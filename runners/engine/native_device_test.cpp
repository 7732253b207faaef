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
