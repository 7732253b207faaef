#pragma once
// What an endpoint says when it refuses a request. Pure.

#include <string>
#include <string_view>

namespace assay::runners::api {

/// The endpoint's own words of what went wrong, from the body of an error: {"error":{"message"}}, {"error":"…"},
/// {"message"}, {"detail"}, else its beginning; on one line.
std::string error_message(std::string_view body);

/// True if the error is about the parameter `word`: its "param" is it, a "loc" of its "detail" holds it, or its message
/// names it in quotes, or as an "argument supplied". A prompt that is repeated in an error does not count.
bool names_parameter(std::string_view body, std::string_view word);

}  // namespace assay::runners::api
