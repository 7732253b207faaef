#include "results/schema.h"

#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>

#include "results/migrations.h"

namespace assay::results {

namespace {

constexpr std::string_view kObjects =
    "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

/// Version 6 changes indexes alone: what reads it reads version 5, too, only slower.
constexpr std::int64_t kOldestReadVersion = 5;

std::int64_t newest_version() { return static_cast<std::int64_t>(migrations().size()); }

std::uint32_t big_endian(const char* bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

/// A file that lost the end of its last page passes SQLite's own check, which counts begun pages.
Result<> check_size(const char* header, const std::filesystem::path& path) {
  const std::uint32_t n_pages = big_endian(header + 28);
  const bool is_count_valid = big_endian(header + 24) == big_endian(header + 92);
  const std::uint32_t stored_page_size = big_endian(header + 16) >> 16;
  const std::uint64_t page_size = stored_page_size == 1 ? 65536 : stored_page_size;  // 65536 does not fit its two bytes
  if (!is_count_valid || !has_no_log(path)) return {};
  // The size is asked for last: a writer that was at work when the header was read has its pages in the file before
  // its log goes.
  std::error_code failed;
  const std::uint64_t size = std::filesystem::file_size(path, failed);
  if (failed || size >= n_pages * page_size) return {};
  return bad_input(path.string(), ": has ", size, " bytes, its header promises ", n_pages * page_size,
                   ": it was cut; restore it from a copy");
}

Result<> check_application(std::int64_t application_id, const std::filesystem::path& path) {
  if (application_id == kApplicationId) return {};
  return bad_input(path.string(), ": is a database of another program (application_id ", application_id,
                   ", Assay's is ", kApplicationId, ")");
}

Result<> check_version(std::int64_t version, const std::filesystem::path& path) {
  if (version <= newest_version()) return {};
  return environment_error(path.string(), ": has schema version ", version, ", this Assay knows up to ",
                           newest_version(), "; use a newer Assay");
}

/// Application and version as SQLite sees them, write-ahead log included. 0 of 0 objects is a new database.
/// The caller holds a transaction: between these questions another process may be making the same database.
Result<std::int64_t> checked_version(const Database& database) {
  ASSAY_ASSERT(database.in_transaction(), "the three answers are of one state");
  ASSAY_ASSIGN(const std::int64_t application_id, database.query_integer("PRAGMA application_id"));
  ASSAY_ASSIGN(const std::int64_t version, database.query_integer("PRAGMA user_version"));
  ASSAY_ASSIGN(const std::int64_t n_objects, database.query_integer("SELECT count(*) FROM sqlite_schema"));
  if (application_id == 0 && version == 0 && n_objects == 0) return 0;
  ASSAY_TRY(check_application(application_id, database.path()));
  if (version < 1) return bad_input(database.path().string(), ": has schema version ", version, ", expected 1 or more");
  ASSAY_TRY(check_version(version, database.path()));
  return version;
}

Result<std::int64_t> current_version(const Database& database) {
  ASSAY_ASSIGN(auto snapshot, Transaction::begin(database, Transaction::Kind::read));
  ASSAY_ASSIGN(const std::int64_t version, checked_version(database));
  ASSAY_TRY(snapshot.commit());
  return version;
}

Result<> apply(const Database& database, std::int64_t from_version, std::int64_t to_version) {
  const std::vector<Migration> steps = migrations();
  for (auto i = static_cast<std::size_t>(from_version); i < static_cast<std::size_t>(to_version); ++i) {
    if (auto done = database.execute(steps[i].sql); !done) {
      return Error{done.error().kind, std::string(steps[i].name) + ": " + done.error().message};
    }
  }
  ASSAY_TRY(database.execute("PRAGMA application_id = " + std::to_string(kApplicationId)));
  return database.execute("PRAGMA user_version = " + std::to_string(to_version));
}

/// Brings the database to the newest version in one transaction. Another process may be doing the same.
Result<> migrate(const Database& database) {
  ASSAY_ASSIGN(std::int64_t version, current_version(database));
  if (version == newest_version()) return {};
  ASSAY_ASSIGN(auto transaction, Transaction::begin(database, Transaction::Kind::write));
  ASSAY_ASSIGN(version, checked_version(database));
  if (version < newest_version()) ASSAY_TRY(apply(database, version, newest_version()));
  return transaction.commit();
}

/// The write-ahead log is switched on after the schema is in the file itself, so that its header always says whose it
/// is. SQLite does not wait for other connections here, so we do.
Result<> use_write_ahead_log(const Database& database) {
  constexpr int kTries = 100;
  for (int i = 0;; ++i) {
    const auto done = database.execute("PRAGMA journal_mode = WAL");
    if (done) break;
    if (i == kTries || done.error().kind != ErrorKind::environment) return done.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return database.execute("PRAGMA synchronous = FULL");
}

}  // namespace

Result<bool> check_header(const std::filesystem::path& path) {
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (status.type() == std::filesystem::file_type::not_found) return false;
  if (failed) return environment_error(path.string(), ": ", failed.message());
  if (status.type() != std::filesystem::file_type::regular) return bad_input(path.string(), ": is no regular file");

  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  constexpr std::size_t kHeaderBytes = 100;
  ASSAY_ASSIGN(const std::string header, read_start(path, kHeaderBytes));
  if (header.empty()) return false;
  const std::string_view start = std::string_view(header).substr(0, kMagic.size());
  if (start != kMagic.substr(0, start.size()) || header.size() < kHeaderBytes) {
    return bad_input(path.string(), ": is no SQLite database; expected an Assay results database");
  }
  ASSAY_TRY(check_size(header.data(), path));
  const std::uint32_t application_id = big_endian(header.data() + 68);
  const auto version = static_cast<std::int32_t>(big_endian(header.data() + 60));
  if (application_id == 0 && version == 0) return true;  // undecided: empty but for its header, or another program's
  ASSAY_TRY(check_application(application_id, path));
  ASSAY_TRY(check_version(version, path));
  return true;
}

Result<std::unique_ptr<Database>> open_for_writing(const std::filesystem::path& path) {
  ASSAY_ASSIGN([[maybe_unused]] const bool exists, check_header(path));
  ASSAY_ASSIGN(auto database, Database::open(path, Database::Mode::create));
  ASSAY_TRY(migrate(*database));
  ASSAY_TRY(check_schema(*database, newest_version()));
  ASSAY_TRY(use_write_ahead_log(*database));
  return database;
}

Result<std::unique_ptr<Database>> open_for_reading(const std::filesystem::path& path) {
  ASSAY_ASSIGN(const bool exists, check_header(path));
  if (!exists) return bad_input(path.string(), ": there is no results database; `assay run` makes one");
  ASSAY_ASSIGN(auto database, Database::open(path, Database::Mode::read_only));
  ASSAY_TRY(database->execute("PRAGMA query_only = ON"));
  ASSAY_ASSIGN(const std::int64_t version, current_version(*database));
  if (version == 0) return bad_input(path.string(), ": is an empty database; `assay run` fills one");
  if (version < kOldestReadVersion) {
    return environment_error(path.string(), ": has schema version ", version, ", this Assay reads ", kOldestReadVersion,
                             " to ", newest_version(), "; any writing command migrates it");
  }
  ASSAY_TRY(check_schema(*database, version));
  return database;
}

Result<std::map<std::string, std::string>> read_schema(const Database& database) {
  std::map<std::string, std::string> objects;
  ASSAY_ASSIGN(auto rows, database.prepare(kObjects));
  while (true) {
    ASSAY_ASSIGN(const bool row, rows.step());
    if (!row) return objects;
    objects[rows.text(0) + " " + rows.text(1)] = rows.text(2);
  }
}

Result<> check_schema(const Database& database, std::int64_t version) {
  ASSAY_ASSIGN(const auto fresh, Database::open_in_memory());
  ASSAY_TRY(apply(*fresh, 0, version));
  ASSAY_ASSIGN(const auto expected, read_schema(*fresh));
  ASSAY_ASSIGN(const auto found, read_schema(database));
  const std::string where = database.path().string() + ": ";
  for (const auto& [object, sql] : expected) {
    const auto at = found.find(object);
    if (at == found.end()) return bad_input(where, object, " is missing; the database was changed by another program");
    if (at->second != sql)
      return bad_input(where, object, " differs from Assay's; the database was changed by another program");
  }
  for (const auto& [object, sql] : found) {
    if (!expected.contains(object))
      return bad_input(where, object, " is not Assay's; the database was changed by another program");
  }
  return {};
}

}  // namespace assay::results
