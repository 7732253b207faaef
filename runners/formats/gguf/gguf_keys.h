#pragma once
// Keys that begin with the architecture's name: "llama.block_count". Private to this folder.

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/base/result.h"
#include "runners/formats/gguf/gguf_metadata.h"

namespace assay::runners {

/// The getters of GgufMetadata under the architecture's prefix. Holds a reference: the metadata must outlive it.
class GgufKeys {
 public:
  /// Error{bad_input} if general.architecture is missing or no string.
  static Result<GgufKeys> of(const GgufMetadata& metadata);

  const std::string& architecture() const { return architecture_; }
  const GgufMetadata& metadata() const { return metadata_; }
  bool has(std::string_view name) const { return metadata_.has(key(name)); }
  Result<std::string_view> string(std::string_view name) const { return metadata_.string(key(name)); }
  Result<std::int64_t> integer(std::string_view name) const { return metadata_.integer(key(name)); }
  Result<double> number(std::string_view name) const { return metadata_.number(key(name)); }
  Result<std::int64_t> integer_or(std::string_view name, std::int64_t fallback) const {
    return metadata_.integer_or(key(name), fallback);
  }
  Result<double> number_or(std::string_view name, double fallback) const {
    return metadata_.number_or(key(name), fallback);
  }
  Result<bool> boolean_or(std::string_view name, bool fallback) const {
    return metadata_.boolean_or(key(name), fallback);
  }
  /// An integer, or an array with one for each layer if they are all equal.
  Result<std::int64_t> uniform(std::string_view name) const;
  Error error(std::string_view name, std::string_view rule) const { return metadata_.key_error(key(name), rule); }

 private:
  GgufKeys(const GgufMetadata& metadata, std::string architecture)
      : metadata_(metadata), architecture_(std::move(architecture)) {}
  std::string key(std::string_view name) const { return architecture_ + "." + std::string(name); }
  const GgufMetadata& metadata_;
  std::string architecture_;
};

}  // namespace assay::runners
