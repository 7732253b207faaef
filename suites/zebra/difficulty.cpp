#include "suites/zebra/difficulty.h"

namespace assay::suites {

ZebraDifficulty zebra_difficulty(const ZebraSize& size) {
  double orders = 1;  // of one attribute's values: N!
  for (int n = 2; n <= size.n_houses; ++n) orders *= n;
  ZebraDifficulty difficulty;
  difficulty.search_space = 1;
  for (int m = 0; m < size.n_attributes; ++m) difficulty.search_space *= orders;
  const double space = difficulty.search_space;
  difficulty.bucket = space < 1e3 ? "small" : space < 1e6 ? "medium" : space < 1e10 ? "large" : "xl";
  difficulty.split = size.n_houses <= 2 || space <= 216 ? "easy" : "hard";  // 216 is 3x3; 4x2 has 576
  return difficulty;
}

Json to_json(const ZebraDifficulty& difficulty) {
  const double space = difficulty.search_space;
  return {{"search_space", space < 0x1p53 ? Json(static_cast<std::int64_t>(space)) : Json(space)},
          {"bucket", difficulty.bucket},
          {"split", difficulty.split}};
}

std::string to_string(const ZebraSize& size) {
  return std::to_string(size.n_houses) + "x" + std::to_string(size.n_attributes);
}

}  // namespace assay::suites
