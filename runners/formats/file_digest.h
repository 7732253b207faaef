#pragma once
// SHA-256 of large files, remembered between processes.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "harness/base/result.h"

namespace assay::runners {

/// What tells that a file is still the one that was hashed.
struct FileIdentity {
  std::string path;  ///< absolute
  std::uint64_t size_bytes = 0;
  std::int64_t modified_ns = 0;  ///< since the epoch
  std::int64_t changed_ns = 0;   ///< of the inode; catches a modification time that was set back
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  bool operator==(const FileIdentity&) const = default;
};

/// Error{bad_input} if the file is missing or can't be looked at.
Result<FileIdentity> identify_file(const std::filesystem::path& path);

/// Told how many bytes have been hashed so far, on any thread but one at a time; may be empty.
using BytesProgress = std::function<void(std::uint64_t)>;

/// $XDG_CACHE_HOME/assay, else ~/.cache/assay; empty if neither variable names an absolute folder.
std::filesystem::path cache_folder();

/// SHA-256 (hexadecimal) of `contents`, which are the mapped bytes of `files`: of one file what `sha256sum FILE`
/// prints, of several what `sha256sum FILE… | sha256sum` does, called in their folder. Taken from a file in `cache` if
/// one matches all identities; else computed and written there. An unwritable or empty `cache` costs only time.
/// Error{environment} if a file is no longer the one that `files` describes, or `stop` was asked for meanwhile.
Result<std::string> cached_sha256(std::span<const FileIdentity> files,
                                  std::span<const std::span<const std::byte>> contents,
                                  const std::filesystem::path& cache, const BytesProgress& on_progress = {},
                                  std::stop_token stop = {});

}  // namespace assay::runners
