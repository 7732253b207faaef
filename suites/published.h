#pragma once
// Published reference scores, to hold a measurement against: suites/published.json. Not measured here.

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::suites {

/// One figure that somebody published.
struct PublishedScore {
  std::string model;
  std::string metric;  ///< "pass@1", "puzzle accuracy, small"
  double value_pct = 0;
  std::string source;  ///< paper or page, and the table
  std::string note;    ///< what must be known to compare; may be empty
};

/// What was published for a suite, in the file's order: where sources disagree, each is there. Empty if nothing was.
/// Error{environment} if the shipped file is missing, Error{bad_input} if it is broken.
Result<std::vector<PublishedScore>> published_scores(std::string_view suite);

/// The same from a document of that form: {"sources": {ID: text}, "scores": [{"suite","metric","source": ID[,"note"],
/// "values_pct": {MODEL: number}}]}. `where` names it in errors.
Result<std::vector<PublishedScore>> read_published_scores(const Json& document, const std::string& where,
                                                          std::string_view suite);

}  // namespace assay::suites
