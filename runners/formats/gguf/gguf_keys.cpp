#include "runners/formats/gguf/gguf_keys.h"

#include "harness/base/text.h"

namespace assay::runners {

Result<GgufKeys> GgufKeys::of(const GgufMetadata& metadata) {
  ASSAY_ASSIGN(const std::string_view architecture, metadata.string("general.architecture"));
  return GgufKeys(metadata, std::string(architecture));
}

Result<std::int64_t> GgufKeys::uniform(std::string_view name) const {
  const GgufValue* value = metadata_.find(key(name));
  if (value == nullptr || value->type != GgufType::array) return integer(name);
  ASSAY_ASSIGN(const std::vector<std::int64_t> layers, metadata_.integers(key(name)));
  if (layers.empty()) return error(name, "is an empty array");
  for (std::size_t i = 1; i < layers.size(); ++i) {
    if (layers[i] != layers[0]) {
      return error(name, "is " + to_text(layers[0]) + " for layer 0 and " + to_text(layers[i]) + " for layer " +
                             std::to_string(i) + "; only equal layers are supported");
    }
  }
  return layers[0];
}

}  // namespace assay::runners
