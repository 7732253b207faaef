#include "harness/run/open_runner.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::run;

TEST_CASE("parse_kv_memory: bytes, units and shares", "[run]") {
  CHECK(parse_kv_memory("4096")->bytes == 4096);
  CHECK(parse_kv_memory("2GiB")->bytes == 2147483648);
  CHECK(parse_kv_memory("1.5 MB")->bytes == 1500000);
  CHECK(parse_kv_memory("80%")->pct == 80.0);
  CHECK_FALSE(parse_kv_memory("80%")->bytes.has_value());
  for (const char* wrong : {"", "0", "-1", "101%", "0%", "%", "GiB", "1XB", "nan", "1e300", "1e300GiB"}) {
    INFO(wrong);
    CHECK_FALSE(parse_kv_memory(wrong));
  }
}

TEST_CASE("reference_kind: by spelling", "[run]") {
  CHECK(reference_kind("replay:a.jsonl") == ReferenceKind::replay);
  CHECK(reference_kind("http://127.0.0.1:8000/v1#m") == ReferenceKind::endpoint);
  CHECK(reference_kind("https://host/v1#m") == ReferenceKind::endpoint);
  CHECK(reference_kind("./m.gguf") == ReferenceKind::model);
  CHECK(reference_kind("reference") == ReferenceKind::model);
  CHECK(reference_kind("./folder") == ReferenceKind::model);
}

TEST_CASE("open_runner: references that can't be served say what can", "[run]") {
  const auto message = [](const char* reference) {
    RunnerOptions options;
    options.model = reference;
    const auto runner = open_runner(options, ProgressStyle::none);
    REQUIRE_FALSE(runner);
    CHECK(runner.error().kind == ErrorKind::bad_input);
    return runner.error().message;
  };
  using Catch::Matchers::Contains;
  CHECK_THAT(message("http://127.0.0.1/v1#m"), Contains("endpoints"));
  CHECK_THAT(message("m.gguf"), Contains("GGUF"));
  CHECK_THAT(message("no-such-model"), Contains("no-such-model") && Contains("reference"));
  CHECK_THAT(message("replay:/nonexistent/a.jsonl"), Contains("/nonexistent/a.jsonl"));
}
