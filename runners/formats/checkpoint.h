#pragma once
// A model folder's weights: one model.safetensors, or model.safetensors.index.json and the shards it names.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/file_digest.h"
#include "runners/formats/safetensors.h"

namespace assay::runners {

/// All tensors of a folder, mapped read-only. Moves, never copies. Any thread may read.
class Checkpoint {
 public:
  /// Opens and checks every file's header; no tensor's bytes are read. The index wins over a lone model.safetensors.
  /// Error{bad_input}: neither is there; a shard is missing (named); a shard's name is no plain file name; a mapped
  /// tensor is not in its shard; a tensor is in two shards; any error of SafetensorsFile::open.
  static Result<Checkpoint> open(const std::filesystem::path& folder);

  /// nullptr if there is none of that name. Valid as long as this object (moving it keeps it valid).
  const TensorView* find(std::string_view name) const;
  /// Every tensor, ascending by name.
  const std::map<std::string, const TensorView*, std::less<>>& tensors() const { return tensors_; }

  const std::filesystem::path& folder() const { return folder_; }
  /// The safetensors files, ascending by name.
  const std::vector<std::filesystem::path>& files() const { return paths_; }
  /// Bytes of tensor data, headers not counted.
  std::uint64_t total_bytes() const { return total_bytes_; }
  /// What is odd but harmless: tensors that the index does not name (they are left out), a wrong total_size. Not logged
  /// here.
  const std::vector<std::string>& warnings() const { return warnings_; }

  /// SHA-256 over the contents of the files in order of their names, as `cat FILES | sha256sum` gives it: 64
  /// hexadecimal digits. Reads all bytes the first time (about as fast as the processor hashes); then it is remembered
  /// in the user's cache folder for as long as path, size, modification time and inode of every file stay the same.
  /// Error{environment} if a file was replaced after it had been opened.
  Result<std::string> weights_sha256() const;

 private:
  Checkpoint() = default;
  std::filesystem::path folder_;
  std::vector<std::filesystem::path> paths_;
  std::vector<FileIdentity> identities_;  ///< as they were before mapping
  std::vector<SafetensorsFile> files_;
  std::map<std::string, const TensorView*, std::less<>> tensors_;
  std::uint64_t total_bytes_ = 0;
  std::vector<std::string> warnings_;
};

}  // namespace assay::runners
