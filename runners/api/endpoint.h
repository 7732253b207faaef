#pragma once
// The address of an OpenAI-compatible endpoint: REF "http(s)://host[:port]/v1#model-name". Pure.

#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::runners::api {

struct Endpoint {
  std::string reference;  ///< REF as the user wrote it
  std::string base_url;   ///< before '#', without a slash at its end: "https://api.deepseek.com/v1"
  std::string host;       ///< lower case, without port: "api.deepseek.com", "[::1]"
  std::string model;
  bool is_tls = false;
  bool is_loopback = false;  ///< nothing leaves the machine
};

/// Error{bad_input} for another scheme, no host, no model, and for what could carry a secret (user:password@, a query):
/// such a text is not repeated in the message.
Result<Endpoint> parse_endpoint(std::string_view reference);

}  // namespace assay::runners::api
