#pragma once
// The schema's versions, embedded from schema/*.sql at build.

#include <string_view>
#include <vector>

namespace assay::results {

/// One step of the schema. The n-th brings a database from version n-1 to version n.
struct Migration {
  std::string_view name;  ///< file name, for error messages
  std::string_view sql;
};

std::vector<Migration> migrations();

}  // namespace assay::results
