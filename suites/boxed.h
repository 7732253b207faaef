#pragma once
// Boxes: the \boxed{…} and \fbox{…} of a TeX reply.

#include <string_view>
#include <vector>

namespace assay::suites {

struct Boxes {
  std::vector<std::string_view> contents;  ///< of the closed outermost boxes, in reading order; may be blank
  bool last_is_open = false;               ///< the box opened last never closes: the reply was cut
};

/// Finds boxes with balanced braces (\{ and \} don't count); blanks may stand before the brace. Linear time.
Boxes find_boxes(std::string_view text);

}  // namespace assay::suites
