// The fuzz entry of what a pipeline keeps beside its code: baseline files, and policies.

#include "harness/base/assert.h"
#include "results/baseline_file.h"
#include "results/compare.h"
#include "results/gate/check.h"
#include "results/gate/policy.h"
#include "results/gate/writers.h"
#include "tests/support/fuzz_entry.h"

using namespace assay;
using namespace assay::results;

ASSAY_FUZZ_ENTRY(baseline)(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto policy = parse_policy(text, "policy.json");
  const auto run = parse_baseline(text, "baseline.json");
  ASSAY_ASSERT(!policy || !run, "no file is both");
  if (!run) return;
  const std::string written = to_json_text(to_baseline_json(*run));
  const auto again = parse_baseline(written, "baseline.json");
  ASSAY_ASSERT(again && to_json_text(to_baseline_json(*again)) == written, "what is written reads back the same");

  const BootstrapOptions few{.n_resamples = 20, .seed = 0};
  if (const auto compared = compare_runs(*run, {*run}, {.force = false, .level = 0.95, .bootstrap = few})) {
    ASSAY_ASSERT(!comparison_text(*compared).empty(), "a comparison can be shown");
    for (const SuiteComparison& suite : compared->runs[0].suites) {
      ASSAY_ASSERT(suite.accuracy.difference.value_or(0) == 0, "a run differs in nothing from itself");
    }
  }
  const auto checked =
      check_runs(*run, *run, default_policy(), {.now_ms = 0, .bootstrap = few, .gated_metrics_only = false});
  if (!checked) return;
  ASSAY_ASSERT(checked->verdict == GateVerdict::pass || checked->verdict == GateVerdict::inconclusive,
               "a run is no better and no worse than itself");
  ASSAY_ASSERT(!junit_xml(*checked).empty() && !summary_markdown(*checked).empty() &&
                   openmetrics_text(*checked).ends_with("# EOF\n"),
               "every writer writes");
}
