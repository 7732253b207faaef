#pragma once
// model.safetensors.index.json: which file holds which tensor.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::runners {

struct ShardIndex {
  std::map<std::string, std::string> weight_map;  ///< tensor → file name, a plain name in the index's folder
  std::optional<std::uint64_t> total_size_bytes;  ///< metadata.total_size
};

/// Reads {"metadata": {"total_size": …}, "weight_map": {tensor: file}}; other members are passed over.
/// Error{bad_input}, "WHERE: byte N: …": no JSON, nested deeper than 8 levels, a weight_map that is missing or maps to
/// something other than plain file names (no "/", "\", "..", control characters), a tensor or a member given twice.
Result<ShardIndex> parse_shard_index(std::string_view text, std::string_view where);

}  // namespace assay::runners
