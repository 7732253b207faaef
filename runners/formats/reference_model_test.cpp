// The shipped reference model through the whole of this folder.

#include "harness/base/data_path.h"
#include "runners/formats/expected_tensors.h"
#include "runners/formats/validate_checkpoint.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;

// Expected values: models/reference/MODEL_CARD.md and its files' own index.
TEST_CASE("reference model: loads, validates and is what its card says", "[reference]") {
  const auto folder = shipped_path("models/reference");
  REQUIRE(folder);
  const auto config = read_model_config(*folder);
  REQUIRE(config);
  CHECK(config->vocab_size == 2048);
  CHECK(config->num_hidden_layers == 6);
  CHECK(config->num_nextn_predict_layers == 1);
  CHECK(config->max_position_embeddings == 2048);
  CHECK(std::holds_alternative<NoRopeScaling>(config->rope_scaling));
  CHECK(config->eos_token_ids == std::vector<std::int64_t>{1});
  // "18.56 M parameters", embedding and head of the MTP module counted once.
  CHECK((num_parameters(*config) + mtp_parameters(*config) + 5000) / 10000 == 1856);

  const auto checkpoint = Checkpoint::open(*folder);
  REQUIRE(checkpoint);
  CHECK(checkpoint->warnings().empty());
  CHECK(checkpoint->files().size() == 2);
  CHECK(checkpoint->total_bytes() == 21879080);
  CHECK(has_mtp_layer(*config, *checkpoint));
  const auto valid = validate_checkpoint(*config, *checkpoint);
  INFO((valid ? "" : valid.error().message));
  CHECK(valid);

  const TensorView* kv_a = checkpoint->find("model.layers.0.self_attn.kv_a_proj_with_mqa.weight");
  REQUIRE(kv_a != nullptr);
  CHECK(kv_a->dtype == DType::f8_e4m3);
  CHECK(kv_a->shape == std::vector<std::int64_t>{576, 256});
  CHECK(checkpoint->find(scale_name(kv_a->name))->shape == std::vector<std::int64_t>{5, 2});
}
