#include "runners/engine/admission.h"

#include <algorithm>
#include <random>

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::runners;

TEST_CASE("pages_at_fullest: by hand", "[engine]") {
  CHECK(pages_at_fullest({}) == 0);
  CHECK(pages_at_fullest({{3, 5}}) == 8);
  CHECK(pages_at_fullest({{3, 5}, {2, 5}}) == 15);
  // When the second ends, the first has grown by 1: 3 + 1 + 10 + 1. At the first's end: 8.
  CHECK(pages_at_fullest({{3, 5}, {10, 1}}) == 15);
  // Here the end of the first is the fullest moment: 3 + 9; before, 4 + 2.
  CHECK(pages_at_fullest({{3, 9}, {1, 1}}) == 12);
}

/// Plays the growth through, a page a step.
std::int64_t fullest_played_through(std::vector<PageNeed> needs) {
  std::int64_t most = 0;
  for (bool any = true; any;) {
    std::int64_t n = 0;
    any = false;
    for (PageNeed& need : needs) {
      if (need.n_to_come < 0) continue;  // it has ended
      any = true;
      n += need.n_owned++;
      --need.n_to_come;
    }
    most = std::max(most, n);
  }
  return most;
}

TEST_CASE("pages_at_fullest: as if played through", "[engine]") {
  std::mt19937 random(11);
  const auto up_to = [&](unsigned most) { return static_cast<int>(random() % (most + 1)); };
  for (int i = 0; i < 200; ++i) {
    std::vector<PageNeed> needs(1 + random() % 40);
    for (PageNeed& need : needs) need = {up_to(30), up_to(30)};
    CHECK(pages_at_fullest(needs) == fullest_played_through(needs));
  }
}

TEST_CASE("LengthEstimate: from an eighth of the allowance to the mean of what ends", "[engine]") {
  LengthEstimate lengths;
  CHECK(lengths.expected(0, 8000) == 1000);
  CHECK(lengths.expected(900, 8000) == 1026);   // near the mean: an eighth of it to go
  CHECK(lengths.expected(7900, 8000) == 8000);  // never more than it may have
  CHECK(lengths.expected(0, 1) == 1);
  // 100 samples of 3,000 tokens each.
  for (int i = 0; i < 100; ++i) {
    lengths.add_tokens(3000);
    lengths.add_end();
  }
  CHECK(lengths.expected(0, 8000) == (8 * 1000 + 300'000) / 108);
  // Many that don't end: a longer mean.
  lengths.add_tokens(300'000);
  CHECK(lengths.expected(0, 8000) == (8 * 1000 + 600'000) / 108);
}
