#pragma once
// ASSAY_ASSERT: a bug check that is on in every build. Input errors are Results, never assertions.

namespace assay::detail {
[[noreturn]] void assertion_failed(const char* condition, const char* why, const char* file, int line);
}

/// Prints place and reason and aborts if `condition` is false. `why` says why it always holds.
#define ASSAY_ASSERT(condition, why) \
  ((condition) ? static_cast<void>(0) : ::assay::detail::assertion_failed(#condition, why, __FILE__, __LINE__))
