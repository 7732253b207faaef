#pragma once
// A sample as a row: the one list of columns that CSV and Parquet have.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "harness/base/result.h"
#include "results/store.h"

namespace assay::results {

enum class ColumnType { text, integer, number };
struct SampleColumn {
  std::string_view name;  ///< as everywhere: the field's name with its unit
  ColumnType type;
};
std::span<const SampleColumn> sample_columns();

/// Of its column's type, or nothing where it is unknown or protected.
using SampleCell = std::variant<std::monostate, std::string, std::int64_t, double>;

/// Calls `use` with the cells of each sample of the runs, one for each column. What a protected suite's items and
/// replies say is nothing unless it is asked for. Error: what reading or `use` failed with.
Result<> for_each_row(const Store& store, std::span<const RunId> runs, bool include_protected,
                      const std::function<Result<>(std::span<const SampleCell>)>& use);

}  // namespace assay::results
