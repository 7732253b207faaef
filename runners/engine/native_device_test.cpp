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
