#pragma once
// JSON objects in running text.

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"

namespace assay::suites {

struct FoundObject {
  std::size_t begin;  ///< place of its "{"
  Json value;
};

/// Every JSON object that stands in `text` and in no other found object, in reading order; prose and objects that break
/// off are passed over. Lenient in two points, as model replies need it: of a key given twice the last counts, and so
/// that a string may run over a line break, `text` must come without line breaks. Objects nested deeper than 64 are not
/// found.
std::vector<FoundObject> find_json_objects(std::string_view text);

}  // namespace assay::suites
