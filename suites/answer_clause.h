#pragma once
// Answer clauses: what follows "answer is" or "answer:" in a reply.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace assay::suites {

/// The places behind "answer is", "answer:" and "answer is:" (any case, blanks and emphasis skipped), in reading order.
/// Linear time.
std::vector<std::size_t> answer_places(std::string_view text);

/// From `at` to the end of the line or sentence, at most 400 bytes, without emphasis marks and a full stop at the end.
std::string clause_at(std::string_view text, std::size_t at);

}  // namespace assay::suites
