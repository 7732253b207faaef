#include "harness/base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace assay::detail {

void assertion_failed(const char* condition, const char* why, const char* file, int line) {
  std::fprintf(stderr, "assay: bug: %s:%d: %s does not hold (%s)\n", file, line, condition, why);
  std::abort();
}

}  // namespace assay::detail
