#pragma once
// Runners over an OpenAI-compatible endpoint (REF "http(s)://host/v1#model-name").
//
// Chat messages go to /chat/completions, where the endpoint's own template renders them; raw prompts to /completions.
// Replies are streamed; thoughts that come in a field of their own are put in front of the text (reply_reader.h).
// A request that fails is asked again (retry.h), and ends in exactly one completion: a reply that came whole from one
// attempt, or a failure with its reason. Drawn anew, an attempt's text may differ from what a broken one had begun.

#include <memory>

#include "harness/base/result.h"
#include "runners/api/endpoint_client.h"
#include "runners/live_runner.h"
#include "runners/runner.h"

namespace assay::runners {

using EndpointOptions = api::ClientOptions;

/// Makes first contact. Error{environment} in one line if the endpoint is down or refuses the key.
/// Runner::run() ends early with Error{environment} where no further request could succeed (key, model or endpoint
/// gone), and with Error{bad_input} where the endpoint refuses how replies are to be sampled: the samples not answered
/// stay open, so that the run can be resumed.
Result<std::unique_ptr<Runner>> open_endpoint_runner(EndpointOptions options);
/// The same, taking requests while it works. Text that was handed on can't be taken back: a reply that breaks off
/// behind its first text fails at once.
Result<std::unique_ptr<LiveRunner>> open_live_endpoint_runner(EndpointOptions options);

}  // namespace assay::runners
