// The tiny models that transformers wrote and read, one per architecture and storage type: config.json and weights as
// others make them.

#include <filesystem>

#include "runners/formats/validate_checkpoint.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;

TEST_CASE("golden models: every one loads and validates", "[golden]") {
  const std::filesystem::path golden = std::filesystem::path(ASSAY_SOURCE_DIR) / "tests" / "golden";
  int n_models = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden)) {
    if (!std::filesystem::exists(entry.path() / "config.json")) continue;
    CAPTURE(entry.path().filename().string());
    const auto config = read_model_config(entry.path());
    INFO((config ? "" : config.error().message));
    REQUIRE(config);
    const auto checkpoint = Checkpoint::open(entry.path());
    REQUIRE(checkpoint);
    CHECK(checkpoint->warnings().empty());
    const auto valid = validate_checkpoint(*config, *checkpoint);
    INFO((valid ? "" : valid.error().message));
    CHECK(valid);

    std::int64_t n_elements = 0;
    for (const auto& [name, tensor] : checkpoint->tensors()) {
      if (!name.ends_with("_scale_inv")) n_elements += tensor->n_elements();
    }
    CHECK(num_parameters(*config) == n_elements);

    const auto activations = SafetensorsFile::open(entry.path() / "golden.safetensors");
    REQUIRE(activations);
    const TensorView* tokens = activations->find("tokens.0");
    const TensorView* logits = activations->find("logits.0");
    REQUIRE(tokens != nullptr);
    REQUIRE(logits != nullptr);
    CHECK(logits->shape == std::vector<std::int64_t>{tokens->n_elements(), config->vocab_size});
    const auto ids = read_integers(*tokens);
    REQUIRE(ids);
    for (const std::int64_t id : *ids) CHECK((id >= 0 && id < config->vocab_size));
    ++n_models;
  }
  CHECK(n_models > 0);
}
