#pragma once
// Reading bounded fields of config.json. Private to this folder. Every error is Error{bad_input} and names file, field
// and rule.

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::runners {

constexpr std::int64_t kMaxPositions = 1 << 30;  ///< beyond any real context

/// An integer in [least, most].
Result<std::int64_t> read_count(const JsonObject& json, std::string_view key, std::int64_t least, std::int64_t most);
/// The same; `fallback` if it is absent or null.
Result<std::int64_t> read_count_or(const JsonObject& json, std::string_view key, std::int64_t least, std::int64_t most,
                                   std::int64_t fallback);
/// A number in [least, most], so never NaN or infinite.
Result<double> read_number(const JsonObject& json, std::string_view key, double least, double most);
Result<double> read_number_or(const JsonObject& json, std::string_view key, double least, double most, double fallback);
/// Checks that the field is one of `supported`; an absent one counts as `absent` (which need not be supported).
Result<> require_word(const JsonObject& json, std::string_view key, const std::string& absent,
                      std::initializer_list<std::string_view> supported);
/// The elements of `list`, which is the field `key`: integers of 64 bits.
Result<std::vector<std::int64_t>> read_integer_list(const JsonObject& json, std::string_view key, const Json& list);

}  // namespace assay::runners
