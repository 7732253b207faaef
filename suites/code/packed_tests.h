#pragma once
// How LiveCodeBench packs a problem's private tests: base64( zlib( pickle( JSON text ) ) ).

#include <cstdint>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::suites {

/// The JSON text of packed tests; a text that is JSON already (it begins with "[") comes back as it is.
/// Error{bad_input} names `where` and the layer that is damaged; more than `max_bytes` unpacked are refused.
Result<std::string> unpack_tests(std::string_view packed, const std::string& where,
                                 std::uint64_t max_bytes = std::uint64_t{512} << 20);

}  // namespace assay::suites
