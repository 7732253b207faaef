#define PCRE2_CODE_UNIT_WIDTH 8
#include "suites/regex.h"

#include <pcre2.h>

#include <cstdint>

#include "harness/base/assert.h"

namespace assay::suites {

namespace {

constexpr std::uint32_t kMatchLimit = 1'000'000;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeMatchData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeMatchContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

/// What a match needs besides the pattern.
struct Scratch {
  std::unique_ptr<pcre2_match_data, FreeMatchData> data{pcre2_match_data_create(1, nullptr)};
  std::unique_ptr<pcre2_match_context, FreeMatchContext> context{pcre2_match_context_create(nullptr)};
  Scratch() {
    ASSAY_ASSERT(data != nullptr && context != nullptr, "a few hundred bytes can be allocated");
    pcre2_set_match_limit(context.get(), kMatchLimit);
  }
};

}  // namespace

struct Regex::Code {
  std::unique_ptr<pcre2_code, FreeCode> compiled;
};

Regex::Regex(std::string_view pattern) : code_(std::make_unique<Code>()) {
  int error = 0;
  std::size_t place = 0;
  code_->compiled.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                      PCRE2_UTF | PCRE2_UCP | PCRE2_DOTALL | PCRE2_NEVER_BACKSLASH_C, &error, &place,
                                      nullptr));
  ASSAY_ASSERT(code_->compiled != nullptr, "patterns are the program's own and tested");
  pcre2_jit_compile(code_->compiled.get(), PCRE2_JIT_COMPLETE);  // only speed depends on it
}

Regex::Regex(Regex&&) noexcept = default;
Regex::~Regex() = default;

bool Regex::matches(std::string_view text) const { return count(text, 1) == 1; }

std::size_t Regex::count(std::string_view text, std::size_t limit) const {
  thread_local Scratch scratch;
  std::size_t n = 0;
  for (std::size_t at = 0; n < limit && at <= text.size();) {
    const int found = pcre2_match(code_->compiled.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), at,
                                  PCRE2_NO_UTF_CHECK, scratch.data.get(), scratch.context.get());
    if (found < 0) break;
    ++n;
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(scratch.data.get());
    if (ends[1] == ends[0]) break;  // no pattern here has use for empty matches
    at = ends[1];
  }
  return n;
}

}  // namespace assay::suites
