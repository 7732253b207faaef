#pragma once
// GGUF files of version 2 and 3, little-endian: metadata, the list of tensors, then their bytes. Reading maps the file
// and checks all of the header before anything is believed.
// Sources: ggml-org/ggml, docs/gguf.md; ggml-org/llama.cpp, ggml/src/gguf.cpp (what its reader refuses).

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/result.h"
#include "runners/formats/gguf/gguf_metadata.h"
#include "runners/formats/tensor_view.h"

namespace assay::runners {

struct GgufHeader {
  std::uint32_t version = 3;
  GgufMetadata metadata;
  /// In the order of their bytes, under their GGUF names; shapes are turned round to row-major, [out, in].
  std::vector<TensorView> tensors;
};

/// Reads the header of a file whose bytes are `bytes`; everything in it points into them. `where` names the file in
/// errors, which read "WHERE: byte N: …". Never reads outside `bytes` and never takes memory for more than they hold.
/// Error{bad_input} for another magic or version, big-endian files, values that end behind the file, counts that can't
/// fit, unknown types, bools other than 0 and 1, arrays of arrays, keys that are empty, given twice or not printable
/// ASCII; for general.alignment that is no power of two up to 65536; for tensors with names that are empty, longer than
/// 63 bytes or given twice, with fewer than 1 or more than 4 dimensions, a dimension of 0, a size that overflows, rows
/// that are no whole blocks, types that can't be read (by name), and bytes that are misaligned, do not begin where
/// those of the tensor before end (rounded up to the alignment), or end behind the file.
/// Bytes behind the last tensor are passed over, as other readers do.
Result<GgufHeader> parse_gguf(std::span<const std::byte> bytes, std::string_view where);

/// An open file. Moves, never copies. Any thread may read. If another process truncates the file, reading raises
/// SIGBUS.
class GgufFile {
 public:
  /// Errors of MappedFile::open and parse_gguf.
  static Result<GgufFile> open(const std::filesystem::path& path);

  std::uint32_t version() const { return header_.version; }
  const GgufMetadata& metadata() const { return header_.metadata; }
  const std::vector<TensorView>& tensors() const { return header_.tensors; }
  /// nullptr if there is none of that GGUF name. Looks at all of them.
  const TensorView* find(std::string_view name) const;
  std::span<const std::byte> file_bytes() const { return file_.bytes(); }

 private:
  GgufFile(MappedFile file, GgufHeader header) : file_(std::move(file)), header_(std::move(header)) {}
  MappedFile file_;
  GgufHeader header_;
};

}  // namespace assay::runners
