#pragma once
// What the judges share: from what the sandbox saw to a judgement.

#include <optional>
#include <string>
#include <string_view>

#include "suites/code/judge.h"

namespace assay::suites {

constexpr double kAllTestsS = 60;  ///< for all tests of one item together, unless one alone may take longer
constexpr double kStartS = 2;      ///< for interpreters on a busy machine

Judgement sandbox_failed(const Error& error);

/// Adds what a program used, and how it ended.
void add_usage(Json& detail, const SandboxResult& result);

/// The rule for a program that a limit ended; empty if none did.
std::string limit_rule(const SandboxResult& result);

/// The last line of standard error that is not blank: Python's "NameError: name 'x' is not defined".
std::string last_line(std::string_view text);

/// A driver's report: a JSON object on the last line of its standard output. Nothing if there is none.
std::optional<Json> read_report(std::string_view text);

/// What a driver reported, corrected by what the sandbox saw of the candidate's process.
Judgement judge_report(const Json& report, const SandboxResult& candidate);

/// A process that judges itself: right only if its report has `key`, which keeps accidents out.
Judgement judge_own_report(const SandboxResult& result, const std::string& key);

/// A text that nobody guesses.
std::string random_key();

}  // namespace assay::suites
