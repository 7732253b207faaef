#pragma once
// The part of an output that answers: what a reasoning model says after its thoughts.

#include <string_view>

#include "suites/suite.h"

namespace assay::suites {

/// An output without its thoughts.
struct Reply {
  std::string_view text;          ///< what is graded; points into the output
  bool thinking_is_open = false;  ///< "<think>" was opened and never closed: `text` is empty, the verdict `truncated`
  bool hit_length_limit = false;  ///< as in Output
};

/// Everything after the last "</think>"; nothing if "<think>" stands there without any "</think>"; else the whole text.
Reply strip_thinking(const Output& output);

/// The grade of a reply from which nothing could be extracted: `truncated` if its thoughts have no end or it was cut,
/// else `no_answer`. The caller adds `expected` and detail.
Grade grade_without_answer(const Reply& reply);

}  // namespace assay::suites
