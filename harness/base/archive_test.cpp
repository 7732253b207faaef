#include "harness/base/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include <memory>
#include <string>

#include "harness/base/file.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;

namespace {

const std::string kMember = "folder/items.csv";

/// An archive of one member; encrypted as PKWARE's zip does it where a password is given.
void write_zip(const std::filesystem::path& path, const std::string& text, const char* password) {
  const std::unique_ptr<archive, int (*)(archive*)> writer(archive_write_new(), archive_write_free);
  REQUIRE(archive_write_set_format_zip(writer.get()) == ARCHIVE_OK);
  if (password != nullptr) {
    REQUIRE(archive_write_set_options(writer.get(), "zip:encryption=traditional") == ARCHIVE_OK);
    REQUIRE(archive_write_set_passphrase(writer.get(), password) == ARCHIVE_OK);
  }
  REQUIRE(archive_write_open_filename(writer.get(), path.c_str()) == ARCHIVE_OK);
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_pathname(entry.get(), kMember.c_str());
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(text.size()));
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  archive_entry_set_perm(entry.get(), 0644);
  REQUIRE(archive_write_header(writer.get(), entry.get()) == ARCHIVE_OK);
  REQUIRE(archive_write_data(writer.get(), text.data(), text.size()) == static_cast<la_ssize_t>(text.size()));
  REQUIRE(archive_write_close(writer.get()) == ARCHIVE_OK);
}

void write_gzip(const std::filesystem::path& path, const std::string& text) {
  const std::unique_ptr<archive, int (*)(archive*)> writer(archive_write_new(), archive_write_free);
  REQUIRE(archive_write_add_filter_gzip(writer.get()) == ARCHIVE_OK);
  REQUIRE(archive_write_set_format_raw(writer.get()) == ARCHIVE_OK);
  REQUIRE(archive_write_open_filename(writer.get(), path.c_str()) == ARCHIVE_OK);
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
  archive_entry_set_filetype(entry.get(), AE_IFREG);
  REQUIRE(archive_write_header(writer.get(), entry.get()) == ARCHIVE_OK);
  REQUIRE(archive_write_data(writer.get(), text.data(), text.size()) == static_cast<la_ssize_t>(text.size()));
  REQUIRE(archive_write_close(writer.get()) == ARCHIVE_OK);
}

std::string lines(int n) {
  std::string text;
  for (int i = 0; i < n; ++i) text += "line " + std::to_string(i * 7919) + "\n";
  return text;
}

}  // namespace

TEST_CASE("packed files: compressed or not, the same text") {
  const test_support::TemporaryFolder dir;
  const std::string text = lines(40'000);
  write_gzip(dir.path() / "a.gz", text);
  REQUIRE(write_file(dir.path() / "plain", text));
  REQUIRE(write_file(dir.path() / "empty", ""));
  CHECK(read_packed_file(dir.path() / "a.gz").value() == text);
  CHECK(read_packed_file(dir.path() / "plain").value() == text);
  CHECK(read_packed_file(dir.path() / "empty").value().empty());
}

TEST_CASE("packed files: what is damaged, too large or missing is named") {
  const test_support::TemporaryFolder dir;
  const std::string text = lines(40'000);
  write_gzip(dir.path() / "a.gz", text);
  const std::string packed = read_file(dir.path() / "a.gz").value();
  REQUIRE(write_file(dir.path() / "cut.gz", packed.substr(0, packed.size() / 2)));
  const auto refused = [&](const std::string& name, std::uint64_t max_bytes) {
    const Result<std::string> read = read_packed_file(dir.path() / name, max_bytes);
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find(name) != std::string::npos);
  };
  refused("cut.gz", 1 << 30);
  refused("a.gz", text.size() - 1);
  refused("absent.gz", 1 << 30);
}

TEST_CASE("archives: a member by name, with its password") {
  const test_support::TemporaryFolder dir;
  const std::string text = lines(1'000);
  write_zip(dir.path() / "plain.zip", text, nullptr);
  write_zip(dir.path() / "locked.zip", text, "open sesame");
  CHECK(read_archive_member(dir.path() / "plain.zip", kMember).value() == text);
  CHECK(read_archive_member(dir.path() / "locked.zip", kMember, "open sesame").value() == text);
  for (const char* password : {"", "wrong"}) {
    const Result<std::string> read = read_archive_member(dir.path() / "locked.zip", kMember, password);
    REQUIRE_FALSE(read);
    CHECK(read.error().message.find("locked.zip: " + kMember) != std::string::npos);
  }
  const Result<std::string> absent = read_archive_member(dir.path() / "plain.zip", "other");
  REQUIRE_FALSE(absent);
  CHECK(absent.error().message.find("has no member other") != std::string::npos);
  CHECK_FALSE(read_archive_member(dir.path() / "plain.zip", kMember, "", text.size() - 1));
}
