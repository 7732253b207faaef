// The fuzz entry of the reader of config.json and, behind a zero byte, generation_config.json.

#include "harness/base/assert.h"
#include "runners/formats/expected_tensors.h"
#include "runners/formats/model_config.h"
#include "tests/support/fuzz_entry.h"

using namespace assay;
using namespace assay::runners;

ASSAY_FUZZ_ENTRY(model_config)(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const std::size_t end = text.find('\0');
  const auto document = parse_json(text.substr(0, end), "config.json");
  if (!document) return;
  const bool has_generation = end != std::string_view::npos;
  const auto generation = parse_json(has_generation ? text.substr(end + 1) : "{}", "generation_config.json");
  if (!generation) return;
  const auto config = parse_model_config(*document, "config.json", has_generation ? &*generation : nullptr);
  if (!config) return;

  ASSAY_ASSERT(config->feed_forward.size() == static_cast<std::size_t>(config->num_hidden_layers), "one kind a layer");
  ASSAY_ASSERT(kv_bytes_per_token(*config) > 0, "every layer keeps a row");
  for (const std::int64_t id : config->eos_token_ids) {
    ASSAY_ASSERT(id >= 0 && id < config->vocab_size, "ids are the vocabulary's");
  }
  // A list of a million tensors takes a second, and larger models are made like smaller ones.
  if (config->num_hidden_layers * (config->n_routed_experts + 1) > 4096) return;
  for (const ExpectedTensor& tensor : expected_tensors(*config)) {
    ASSAY_ASSERT(tensor.n_elements() > 0, "no extent is 0, and the product has 63 bits");
  }
  ASSAY_ASSERT(active_parameters(*config) > 0 && active_parameters(*config) <= num_parameters(*config),
               "a token uses some of all parameters");
  ASSAY_ASSERT(mtp_parameters(*config) >= 0, "sizes are no less than 0");
}
