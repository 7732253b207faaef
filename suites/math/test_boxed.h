#pragma once
// What tests of spellings share.

#include <string>

#include "suites/math/math_grader.h"

namespace assay::suites {

/// The grade of a reply that boxes `answer`.
inline Grade grade_boxed(const std::string& answer, const std::string& key, const std::string& question = "?") {
  Item item;
  item.prompt = question;
  item.record = {{"id", "1"}, {"question", question}, {"answer", key}};
  return grade_math(item, {"So it is \\boxed{" + answer + "}."});
}

struct Pair {
  std::string key, answer;
};

}  // namespace assay::suites
