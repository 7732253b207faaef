#pragma once
// Grades what a model wrote as a program, by running it in the sandbox.

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
Grade grade_code(const Item& item, const Output& output, const GradeContext& context);

}  // namespace assay::suites
