#pragma once
// Published cost arithmetic, computed again from its published inputs: DeepSeek's service on one day, V3's training.

#include <optional>
#include <string>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"

namespace assay::results {

struct ExampleRow {
  std::string quantity;
  std::string unit;
  double computed = 0;
  int digits = 0;                   ///< decimals that the published figure has, or that are worth showing
  std::optional<double> published;  ///< what the source prints; none where it prints no such figure
  std::string formula;              ///< how `computed` comes about; empty for an input
};
struct WorkedExample {
  std::string name;  ///< "deepseek-day-6"
  std::string title;
  std::string source;
  std::vector<ExampleRow> rows;
};

std::vector<WorkedExample> worked_examples();
/// Error{bad_input} lists the names that there are.
Result<WorkedExample> find_worked_example(const std::string& name);

Json to_json(const WorkedExample& example);
std::string worked_example_text(const WorkedExample& example);

}  // namespace assay::results
