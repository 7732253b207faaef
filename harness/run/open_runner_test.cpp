#include "harness/run/open_runner.h"

#include <cstdlib>

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

TEST_CASE("endpoint_options: patience and the key come from the words and the environment", "[run]") {
  using Catch::Matchers::Contains;
  RunnerOptions options;
  options.model = "https://host/v1#m";
  options.max_batch = 3;
  options.endpoint = {
      .api_key_env = "ASSAY_TEST_KEY", .reply_timeout_s = 60, .idle_timeout_s = 1.5, .retries = std::int64_t{0}};
  ::unsetenv("ASSAY_TEST_KEY");
  CHECK_THAT(endpoint_options(options).error().message, Contains("ASSAY_TEST_KEY") && Contains("not set"));
  ::setenv("ASSAY_TEST_KEY", "two words", 1);
  CHECK_THAT(endpoint_options(options).error().message, Contains("ASSAY_TEST_KEY") && !Contains("two words"));
  ::setenv("ASSAY_TEST_KEY", "k-123", 1);
  ::setenv("SSL_CERT_FILE", "/tmp/ca.pem", 1);
  const auto endpoint = endpoint_options(options);
  ::unsetenv("SSL_CERT_FILE");
  REQUIRE(endpoint);
  CHECK(endpoint->connection.api_key == "k-123");
  CHECK(endpoint->connection.ca_file == "/tmp/ca.pem");
  CHECK(endpoint->max_in_flight == 3);
  CHECK(endpoint->total_timeout_ms == 60'000);
  CHECK(endpoint->idle_timeout_ms == 1500);
  CHECK(endpoint->retry.most_attempts == 1);
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
  CHECK_THAT(message("http://127.0.0.1/v1"), Contains("does not say which model"));
  CHECK_THAT(message("m.gguf"), Contains("GGUF"));
  CHECK_THAT(message("no-such-model"), Contains("no-such-model") && Contains("reference"));
  CHECK_THAT(message("replay:/nonexistent/a.jsonl"), Contains("/nonexistent/a.jsonl"));
  CHECK_THAT(message("replay:"), Contains("replay:FILE.jsonl"));
}
