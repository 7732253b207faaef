// The fuzz entry of the reader of model.safetensors.index.json.

#include "harness/base/assert.h"
#include "runners/formats/shard_index.h"
#include "tests/support/fuzz_entry.h"

using namespace assay::runners;

ASSAY_FUZZ_ENTRY(shard_index)(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto index = parse_shard_index(text, "fuzz");
  if (!index) return;
  for (const auto& [tensor, shard] : index->weight_map) {
    ASSAY_ASSERT(!shard.empty() && shard != "." && shard != ".." && shard.find('/') == std::string::npos,
                 "a shard is a plain file of the index's folder");
  }
}
