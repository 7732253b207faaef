#pragma once
// The replay runner: answers requests with outputs that were recorded elsewhere (REF "replay:FILE.jsonl").
//
// The file holds one record a line: {"id","sample","output"[,"prompt_tokens","output_tokens","ttft_ms","e2e_ms",
// "finish_reason","failure"]}. `id` is the item's id (SUITE/ID where two suites of one run share it), `sample` counts
// from 0; no pair of both stands twice. Token counts and times are those of the recording and are passed on; other
// fields are not read.

#include <filesystem>
#include <memory>
#include <string>

#include "harness/base/result.h"
#include "runners/runner.h"

namespace assay::runners {

/// Reads the whole file (at most 1 GiB). Error{bad_input} names file, line and field of the first broken record.
/// A request without a record becomes a Completion with `failure`; the others are served. Completions come in the order
/// of the requests; `weights_sha256` is the file's own hash, since the recording is all that is known of the model.
Result<std::unique_ptr<Runner>> open_replay_runner(const std::filesystem::path& file);

}  // namespace assay::runners
