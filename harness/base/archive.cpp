#include "harness/base/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <array>
#include <memory>

#include "harness/base/file.h"

namespace assay {

namespace {

struct FreeArchive {
  void operator()(archive* a) const { archive_read_free(a); }
};
using Reader = std::unique_ptr<archive, FreeArchive>;

std::string reason(archive* reader) {
  const char* text = archive_error_string(reader);
  return text != nullptr ? text : "damaged";
}

/// What is left of the current entry. `what` begins a message: file, or file and member.
Result<std::string> read_entry(archive* reader, std::uint64_t max_bytes, const std::string& what) {
  std::string text;
  std::array<char, 1 << 16> part{};
  while (true) {
    const la_ssize_t n = archive_read_data(reader, part.data(), part.size());
    if (n == 0) return text;
    if (n < 0) return bad_input(what, ": ", reason(reader));
    if (text.size() + static_cast<std::size_t>(n) > max_bytes)
      return bad_input(what, ": has more than ", max_bytes, " bytes unpacked");
    text.append(part.data(), static_cast<std::size_t>(n));
  }
}

}  // namespace

Result<std::string> read_packed_file(const std::filesystem::path& path, std::uint64_t max_bytes) {
  ASSAY_ASSIGN(const MappedFile file, MappedFile::open(path));
  if (file.bytes().empty()) return std::string();
  const Reader reader(archive_read_new());
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_raw(reader.get());
  archive_entry* entry = nullptr;
  if (archive_read_open_memory(reader.get(), file.bytes().data(), file.bytes().size()) != ARCHIVE_OK ||
      archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK)
    return bad_input(path.string(), ": ", reason(reader.get()));
  return read_entry(reader.get(), max_bytes, path.string());
}

Result<std::string> read_archive_member(const std::filesystem::path& path, std::string_view member,
                                        std::string_view password, std::uint64_t max_bytes) {
  ASSAY_ASSIGN(const MappedFile file, MappedFile::open(path));
  const Reader reader(archive_read_new());
  archive_read_support_filter_all(reader.get());
  archive_read_support_format_all(reader.get());
  if (!password.empty()) archive_read_add_passphrase(reader.get(), std::string(password).c_str());
  if (archive_read_open_memory(reader.get(), file.bytes().data(), file.bytes().size()) != ARCHIVE_OK)
    return bad_input(path.string(), ": ", reason(reader.get()));
  archive_entry* entry = nullptr;
  while (true) {
    const int state = archive_read_next_header(reader.get(), &entry);
    if (state == ARCHIVE_EOF) return bad_input(path.string(), ": has no member ", member);
    if (state < ARCHIVE_WARN) return bad_input(path.string(), ": ", reason(reader.get()));
    const char* name = archive_entry_pathname(entry);
    if (name != nullptr && member == name)
      return read_entry(reader.get(), max_bytes, path.string() + ": " + std::string(member));
  }
}

}  // namespace assay
