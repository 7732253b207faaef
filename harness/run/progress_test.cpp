#include "harness/run/progress.h"

#include "tests/support/catch.h"

using namespace assay::run;

TEST_CASE("progress_text: rate and ETA count this process's work only", "[run]") {
  // 20 samples in 10 s are 2 a second; 60 are left: 30 s.
  CHECK(progress_text({.n_total = 100, .n_before = 20, .n_done = 40, .n_output_tokens = 5000, .elapsed_s = 10}) ==
        "40/100  40.0%  2.0/s  ETA 0:30  500 tokens/s");
  CHECK(progress_text({.n_total = 100, .n_before = 20, .n_done = 20, .elapsed_s = 10}) == "20/100  20.0%");
  CHECK(progress_text({.n_total = 8, .n_done = 8, .elapsed_s = 4}) == "8/8  100.0%  2.0/s");
  // 1 in 100 s, 99 left: 9,900 s are 2 h 45 min.
  CHECK(progress_text({.n_total = 100, .n_done = 1, .elapsed_s = 100}) == "1/100  1.0%  0.0/s  ETA 2:45:00");
}

TEST_CASE("progress_bar: fills by whole places and is full only at the end", "[run]") {
  CHECK(progress_bar({.n_total = 10, .n_done = 5}, 10) == "[#####-----]");
  CHECK(progress_bar({.n_total = 1000, .n_done = 999}, 10) == "[#########-]");
  CHECK(progress_bar({.n_total = 10, .n_done = 10}, 10) == "[##########]");
}
