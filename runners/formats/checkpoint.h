#pragma once
// A model's weights: a folder with one model.safetensors, or with model.safetensors.index.json and the shards it names;
// or a GGUF file.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/file_digest.h"
#include "runners/formats/gguf/gguf_files.h"
#include "runners/formats/safetensors.h"

namespace assay::runners {

/// A tensor that lies in no file.
struct MemoryTensor {
  TensorView view;  ///< of `memory`
  std::unique_ptr<std::byte[]> memory;
};

/// All tensors of a model, mapped read-only. Moves, never copies. Any thread may read.
class Checkpoint {
 public:
  /// Opens and checks every file's header; no tensor's bytes are read. The index wins over a lone model.safetensors.
  /// Error{bad_input}: neither is there; a shard is missing (named); a shard's name is no plain file name; a mapped
  /// tensor is not in its shard; a tensor is in two shards; any error of SafetensorsFile::open.
  /// A path that ends with ".gguf" is that file, or all parts of the model that it is a part of; its tensors get the
  /// names they have in the folders (gguf/hub_tensors.h). Error{bad_input}: any of GgufFiles::open and hub_tensors.
  static Result<Checkpoint> open(const std::filesystem::path& folder);
  /// The tensors themselves, each name once, for the configuration in `folder`.
  static Checkpoint in_memory(const std::filesystem::path& folder, std::vector<MemoryTensor> tensors);

  /// nullptr if there is none of that name. Valid as long as this object (moving it keeps it valid).
  const TensorView* find(std::string_view name) const;
  /// Every tensor, ascending by name.
  const std::map<std::string, const TensorView*, std::less<>>& tensors() const { return tensors_; }

  /// What was opened: the folder, or the GGUF file; for tensors in memory, the folder of their configuration.
  const std::filesystem::path& folder() const { return folder_; }
  /// The files with tensors, ascending by name.
  const std::vector<std::filesystem::path>& files() const { return paths_; }
  /// Bytes of tensor data, headers not counted.
  std::uint64_t total_bytes() const { return total_bytes_; }
  /// Bytes of the files; 0 for tensors in memory.
  std::uint64_t file_bytes() const;
  /// What is odd but harmless: tensors that the index does not name (they are left out), a wrong total_size. Not logged
  /// here.
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// SHA-256 of the weights' files, 64 hexadecimal digits: of one file its own, of several that of what `sha256sum`
  /// prints of them in order of their names (`sha256sum *.safetensors | sha256sum`). Reads all bytes the first time,
  /// several files at once; then it is remembered in the user's cache folder for as long as path, size, modification
  /// time and inode of every file stay the same. Empty for tensors in memory. Error{environment} if a file was replaced
  /// after it had been opened, or `stop` was asked for meanwhile.
  Result<std::string> weights_sha256(const BytesProgress& on_progress = {}, std::stop_token stop = {}) const;

 private:
  Checkpoint() = default;
  static Result<Checkpoint> open_gguf(const std::filesystem::path& path);
  void add(const TensorView& tensor);
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> paths_;
  std::vector<FileIdentity> identities_;  ///< as they were before mapping
  std::vector<SafetensorsFile> files_;    ///< empty for GGUF
  std::optional<GgufFiles> gguf_files_;
  std::vector<TensorView> gguf_tensors_;  ///< under the folders' names
  std::vector<MemoryTensor> memory_tensors_;
  std::map<std::string, const TensorView*, std::less<>> tensors_;
  std::uint64_t total_bytes_ = 0;
  std::vector<std::string> warnings_;
};

}  // namespace assay::runners
