#pragma once
// A gate's verdict for CI systems. Each writer shows the same CheckResult; every text in it is escaped. Pure.

#include <string>

#include "results/gate/check.h"

namespace assay::results {

/// JUnit XML: a test case per gated metric and floor. Regressed is a failure, inconclusive an error (or skipped where
/// it passes), waived is skipped; bounds, margins and notes are in properties and the output.
std::string junit_xml(const CheckResult& result);

/// A Markdown summary, as GitHub shows on a job's page.
std::string summary_markdown(const CheckResult& result);

/// GitHub workflow commands, "::error title=…::…" a line: at most ten errors and ten warnings, as GitHub shows no more.
std::string github_annotations(const CheckResult& result);

/// OpenMetrics text, ending with "# EOF"; figures are rounded, since GitLab compares them as text.
std::string openmetrics_text(const CheckResult& result);

}  // namespace assay::results
