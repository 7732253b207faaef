#pragma once
// Compressed files and archives, through libarchive. Contents stay in memory: nothing is unpacked to disk.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay {

/// The whole of a file, decompressed if it is compressed (gzip, bzip2, xz, zstd: by its content, not its name).
/// Error{bad_input} if it is missing, no regular file, damaged or cut off, or has more than `max_bytes` unpacked.
Result<std::string> read_packed_file(const std::filesystem::path& path,
                                     std::uint64_t max_bytes = std::uint64_t{1} << 30);

/// One member of an archive (zip and what else libarchive reads), by its full name inside it; `password` may be empty.
/// Error{bad_input} if file or member is missing, the archive is damaged, the password is wrong or needed, or the
/// member has more than `max_bytes`; the message names file and member, never the password.
Result<std::string> read_archive_member(const std::filesystem::path& path, std::string_view member,
                                        std::string_view password = {},
                                        std::uint64_t max_bytes = std::uint64_t{1} << 30);

}  // namespace assay
