#pragma once
// Chat messages as they come in JSON.

#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "runners/runner.h"

namespace assay::runners {

/// The "messages" of `object`: a list, not empty, of {"role": "system"|"user"|"assistant", "content": text}.
/// Error{bad_input} names the message for anything else: role tool, tool_calls, contents made of parts, unknown fields.
Result<std::vector<Message>> read_messages(const JsonObject& object);

}  // namespace assay::runners
