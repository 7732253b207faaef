#pragma once
// Files: reading whole texts and lines, mapping, and replacing a file in one step.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay {

/// The whole of a regular file. Error{bad_input} if it is missing, is no regular file, or has more than `max_bytes`.
Result<std::string> read_file(const std::filesystem::path& path, std::uint64_t max_bytes = std::uint64_t{1} << 30);

/// Writes `text` to `path` through a temporary file beside it, synced and renamed: readers see the old or the new text.
/// A device or a pipe is written to in place. Error{environment} names the path and the system's reason (disk full,
/// read-only).
Result<> write_file(const std::filesystem::path& path, std::string_view text);
/// The same for a text that lies in several places, written one behind the other.
Result<> write_file(const std::filesystem::path& path, std::span<const std::string_view> parts);

/// A file that is written in parts and then takes its name in one step, as write_file does; dropped before commit() it
/// leaves nothing behind. A device or a pipe is written to in place. Errors as write_file.
class FileReplacement {
 public:
  static Result<FileReplacement> create(const std::filesystem::path& path);
  FileReplacement(FileReplacement&& other) noexcept;
  FileReplacement& operator=(FileReplacement&&) = delete;
  ~FileReplacement();

  Result<> write(std::string_view text);
  Result<> commit();

 private:
  FileReplacement(std::filesystem::path path, std::string temporary, bool is_special, int descriptor)
      : path_(std::move(path)), temporary_(std::move(temporary)), is_special_(is_special), descriptor_(descriptor) {}
  Error failed(int code) const;
  std::filesystem::path path_;
  std::string temporary_;
  bool is_special_;
  int descriptor_;
};

/// Calls `use(line, line_number)` for each line that holds more than white space (numbers start at 1; \n or \r\n ends a
/// line). Stops at the first error that `use` returns.
Result<> for_each_line(std::string_view text, const std::function<Result<>(std::string_view, int)>& use);

/// A file mapped read-only. Moves, never copies; unmapped on destruction. Any thread may read `bytes()`.
/// If another process truncates the file while it is mapped, reading it raises SIGBUS.
class MappedFile {
 public:
  /// Error{bad_input} if it is missing or no regular file; Error{environment} if it can't be mapped.
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// Asks the system to read these mapped bytes before they are touched, in large parts instead of a few pages for each
/// fault. A hint: nothing fails, and memory that is no file's stays as it is.
void read_ahead(std::span<const std::byte> mapped);

}  // namespace assay
