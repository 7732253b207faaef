#pragma once
// A request in the words of the OpenAI-compatible protocol. Pure.
// Source: OpenAI API reference, "Create chat completion" and "Create completion"; `top_k` and `min_p` are extensions
// that vLLM, SGLang and llama.cpp's server take.

#include <cstdint>
#include <string>

#include "harness/base/json.h"
#include "runners/runner.h"

namespace assay::runners::api {

/// What an endpoint was found to want said otherwise. Starts as most take it, and changes when it refuses a word.
struct Dialect {
  bool has_max_completion_tokens = false;  ///< "max_completion_tokens" in place of "max_tokens"
  bool has_stream_options = true;          ///< asks for token counts at the end of the stream
  bool has_seed = true;
  bool operator==(const Dialect&) const = default;
};

/// Error{bad_input} names the request and what no endpoint can be asked for.
Result<> check_request(const Request& request);

/// "/chat/completions", or "/completions" for a raw prompt.
std::string request_path(const Request& request);
Json request_body(const Request& request, const std::string& model, const Dialect& dialect);

/// The 31-bit seed sent for a sample: a function of its key alone.
std::int64_t sample_seed(const SampleKey& key);

}  // namespace assay::runners::api
