#pragma once
// Grades what a model wrote as a program, by running it in the sandbox.

#include <string>
#include <string_view>
#include <vector>

#include "suites/suite.h"

namespace assay::suites {

/// The verdict on one reply to an item of kind `code` (suites/code/code_task.h reads its record).
///
/// `correct` (rule "passed", or "in_process" where the tests had to share the program's process) if every test passes,
/// in order, up to the first that does not. `incorrect` has the reason as its rule: "assertion_failed", "wrong_output",
/// "exception", "syntax_error", "no_entry_point", "timeout", "memory", "output_limit", "exited" (the program ended its
/// process) or "bad_reply" (it tampered with the channel to the tests). `no_answer`: there is no program in the reply.
/// `truncated`: its thoughts have no end, or it was cut inside of a program that does not pass. `error`: no sandbox,
/// the sandbox failed, or the item itself is broken; `detail.message` says why.
///
/// `answer` is the program. `detail` has "sandbox" ("none" marks an unprotected run), "extraction", "n_tests",
/// "failed_test" (from 1; 0 is before the first), "message", "wall_ms", "cpu_ms", "max_rss_bytes", "exit_status",
/// "signal". Several threads may grade with one sandbox.
///
/// The profiles reproduce an official harness's verdict: "human-eval" takes the output as the completion, and tests it
/// in one process; "evalplus" and "lcb" keep the expected values away from the program, and have the harness's
/// comparison and quirks ("lcb_results" in detail is LiveCodeBench's list: true, -2, -3 or -4).
Grade grade_code(const Item& item, const Output& output, const GradeContext& context);

/// "canonical" and the official harnesses that have a profile.
std::vector<std::string> code_profiles();

/// Error{bad_input} if `profile` cannot judge this item, for want of the tests that it needs.
Result<> check_code_profile(const Item& item, std::string_view profile);

}  // namespace assay::suites
