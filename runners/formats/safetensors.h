#pragma once
// safetensors files: a JSON header that names tensors, then their bytes. Reading maps the file and checks all of the
// header before anything is believed; writing replaces the file in one step.
// Source: huggingface/safetensors, README.md (Format) and safetensors/src/tensor.rs.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/result.h"
#include "runners/formats/tensor_view.h"

namespace assay::runners {

/// The header's contents. The tensors tile the data: sorted by offset, without holes, up to the file's end.
struct SafetensorsHeader {
  std::vector<TensorView> tensors;              ///< in the order of their bytes
  std::map<std::string, std::string> metadata;  ///< "__metadata__"; empty if absent
};

/// Reads the header of a file whose bytes are `bytes`; the views point into them. `where` names the file in errors,
/// which read "WHERE: byte N: …". Never reads outside `bytes`, whatever they are. Error{bad_input} for a short file, a
/// header that is too long (100,000,000 bytes at most), is no JSON object, nests where nothing may, or gives a name
/// twice; for unknown, missing, repeated or ill-typed fields; names that are empty, longer than 512 bytes or hold
/// control characters; unknown types; sizes that overflow or disagree with the offsets; and tensors that leave holes,
/// overlap or do not end with the file.
Result<SafetensorsHeader> parse_safetensors(std::span<const std::byte> bytes, std::string_view where);

/// An open file. Moves, never copies. Any thread may read. If another process truncates the file, reading raises
/// SIGBUS.
class SafetensorsFile {
 public:
  /// Errors of MappedFile::open and parse_safetensors.
  static Result<SafetensorsFile> open(const std::filesystem::path& path);

  const std::vector<TensorView>& tensors() const { return header_.tensors; }
  const std::map<std::string, std::string>& metadata() const { return header_.metadata; }
  /// nullptr if there is none of that name. Valid as long as this object.
  const TensorView* find(std::string_view name) const;
  std::span<const std::byte> file_bytes() const { return file_.bytes(); }

 private:
  SafetensorsFile(MappedFile file, SafetensorsHeader header);
  MappedFile file_;
  SafetensorsHeader header_;
  std::map<std::string, std::size_t, std::less<>> by_name_;
};

/// Writes `tensors` in the order given, through a temporary file that replaces `path`. The data starts at a multiple
/// of 8. Error{bad_input} for a tensor that the reader would refuse (name, repeated name, bytes that do not fit its
/// shape); Error{environment} if the disk refuses.
Result<> write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                           const std::map<std::string, std::string>& metadata = {});

}  // namespace assay::runners
