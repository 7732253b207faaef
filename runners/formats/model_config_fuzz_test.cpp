// Truncations and random edits of small configurations through the fuzz entry.

#include <string>

#include "runners/formats/model_config.h"
#include "runners/formats/test_configs.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"

void fuzz_model_config(std::span<const std::byte> file);

using namespace assay;
using namespace assay::runners;

TEST_CASE("model config: a file cut anywhere crashes nothing", "[config][fuzz]") {
  const std::string text = to_json_text(tiny_config()) + std::string(1, '\0') + R"({"eos_token_id":[1,2]})";
  tests::fuzz_cuts(fuzz_model_config, text);
  SUCCEED("no crash");
}

TEST_CASE("model config: every number at its limits crashes nothing", "[config][fuzz]") {
  const Json config = GENERATE(deepseek_v3_config(), tiny_config());
  for (const auto& [key, value] : config.items()) {
    if (!value.is_number()) continue;
    for (const char* number : {"0", "-1", "1", "3", "4096", "131072", "1048576", "1073741824", "2147483648",
                               "9223372036854775807", "18446744073709551615", "1e308", "-0.0", "1e-320"}) {
      Json changed = config;
      changed[key] = Json::parse(number);
      tests::fuzz(fuzz_model_config, to_json_text(changed));
    }
  }
  SUCCEED("no crash");
}

TEST_CASE("model config: random edits don't crash the reader", "[config][fuzz]") {
  tests::fuzz_edits(fuzz_model_config, to_json_text(tiny_config()), 20000, tests::kJsonAlphabet);
  SUCCEED("no crash");
}
