#pragma once
// tokenizer.json writes its patterns for Oniguruma; we match with PCRE2. This translates, and refuses what the two read
// differently, so that a pattern never silently means something else.

#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::runners {

/// `pattern` for pcre2_compile() with UTF, UCP and MULTILINE. \s and \S become Unicode's White_Space property (PCRE2's
/// own \s also holds U+180E). Error{bad_input}, "WHERE: byte N of the pattern: …", for constructs whose meaning differs
/// or that no known tokenizer uses: other letter escapes, nested or intersected classes, verbs, possessive {n,m}+,
/// inline flags other than (?i: ). Source: Oniguruma doc/RE; pcre2pattern(3).
Result<std::string> to_pcre2(std::string_view pattern, std::string_view where);

}  // namespace assay::runners
