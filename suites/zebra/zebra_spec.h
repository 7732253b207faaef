#pragma once
// Generated suites by name: zebra:SIZE[:seed=S][:n=N][:minimal], as in "zebra:3x4:seed=7:n=200".
//   SIZE     houses x attributes, or "all" for ZebraLogic's 25 sizes, 2x2 to 6x6
//   seed=S   0 to 2^63-1; default 0
//   n=N      puzzles of each size, 1 to 10000; default 40, as ZebraLogic has
//   minimal  no clue follows from the others
// "zebra" alone is zebra:all:seed=0:n=40:minimal, ZebraLogic's lay-out of 1000 puzzles.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "suites/zebra/generate.h"

namespace assay::suites {

struct ZebraSpec {
  std::vector<ZebraSize> sizes;
  std::uint64_t seed = 0;
  std::uint32_t n_per_size = 40;
  ClueAmount amount = ClueAmount::drawn;
  std::string name;  ///< the suite's: "zebra", or the specification with every part written out
};

/// True for "zebra" and everything that begins with "zebra:".
bool is_zebra_spec(std::string_view word);

/// Error{bad_input} names the part that is wrong and what would be right.
Result<ZebraSpec> parse_zebra_spec(std::string_view word);

/// The records of a specification: the first puzzle of every size, then the second, and so on, so that the first items
/// of a suite are a fair sample of its sizes. Ids name size, seed and number, as in "zebra-3x4-s7-0012".
std::vector<Json> generate_zebra_records(const ZebraSpec& spec);

}  // namespace assay::suites
