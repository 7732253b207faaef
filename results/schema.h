#pragma once
// Is a file an Assay results database, of which version, and is its schema ours? And bringing it up to date.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "harness/base/result.h"
#include "results/sqlite.h"

namespace assay::results {

inline constexpr std::int64_t kApplicationId = 0x41534159;  ///< "ASAY", PRAGMA application_id

/// Refuses a file by its first 100 bytes, before SQLite opens it and could replay a log into it: Error{bad_input} for a
/// file that is no SQLite database, was cut, or is another program's; Error{environment} for a newer version. True if
/// the file holds a database, false if it is missing or empty. Source of the layout: sqlite.org/fileformat2.html,
/// section 1.3.
Result<bool> check_header(const std::filesystem::path& path);

/// Opens for writing; makes the newest schema or migrates to it, and checks it.
Result<std::unique_ptr<Database>> open_for_writing(const std::filesystem::path& path);
/// Opens for reading and checks version and schema. Error{environment} for a version that is too old to be read as it
/// is.
Result<std::unique_ptr<Database>> open_for_reading(const std::filesystem::path& path);

/// Every object of the schema by "type name", with the SQL that made it.
Result<std::map<std::string, std::string>> read_schema(const Database& database);
/// Error{bad_input} names the first object that differs from a fresh database's of this version: a tampered file could
/// carry triggers, or views in place of tables.
Result<> check_schema(const Database& database, std::int64_t version);

}  // namespace assay::results
