#pragma once
// One model in GGUF: a file, or the parts it was split into.
// Source: ggml-org/llama.cpp, tools/gguf-split (names and the keys split.no, split.count and split.tensors.count).

#include <filesystem>
#include <map>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/gguf/gguf_file.h"

namespace assay::runners {

/// True for a name that ends with ".gguf".
bool is_gguf_path(const std::filesystem::path& path);

/// All parts of NAME-00001-of-0000N.gguf, in order, if `path` is one of them; else `path` alone. Looks at the name
/// only. Error{bad_input} if the name's number is 0 or above its count.
Result<std::vector<std::filesystem::path>> gguf_parts(const std::filesystem::path& path);

/// All parts of a model, mapped read-only. Moves, never copies. Any thread may read.
class GgufFiles {
 public:
  /// Error{bad_input}: any error of gguf_parts and GgufFile::open; a part that is missing, or whose split.no or
  /// split.count are not those of its name; a number of tensors other than split.tensors.count; a tensor in two parts.
  static Result<GgufFiles> open(const std::filesystem::path& path);

  const std::vector<std::filesystem::path>& paths() const { return paths_; }
  const std::vector<GgufFile>& parts() const { return parts_; }
  /// Of the first part, which has all that is not about the splitting.
  const GgufMetadata& metadata() const { return parts_.front().metadata(); }
  /// nullptr if there is none of that GGUF name.
  const TensorView* find(std::string_view name) const;
  /// Every tensor, ascending by GGUF name.
  const std::map<std::string_view, const TensorView*>& tensors() const { return tensors_; }

 private:
  GgufFiles() = default;
  std::vector<std::filesystem::path> paths_;
  std::vector<GgufFile> parts_;
  std::map<std::string_view, const TensorView*> tensors_;
};

}  // namespace assay::runners
