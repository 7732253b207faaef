#include "runners/runner.h"

#include <algorithm>
#include <array>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

struct FinishReasonName {
  FinishReason reason;
  const char* name;
};
constexpr std::array<FinishReasonName, 6> kFinishReasons = {{
    {FinishReason::eos, "eos"},
    {FinishReason::stop, "stop"},
    {FinishReason::length, "length"},
    {FinishReason::context, "context"},
    {FinishReason::timeout, "timeout"},
    {FinishReason::cancelled, "cancelled"},
}};

}  // namespace

std::string to_string(FinishReason reason) {
  const auto entry = std::find_if(kFinishReasons.begin(), kFinishReasons.end(),
                                  [&](const FinishReasonName& known) { return known.reason == reason; });
  ASSAY_ASSERT(entry != kFinishReasons.end(), "the table names every enumerator");
  return entry->name;
}

Result<FinishReason> parse_finish_reason(const std::string& text) {
  for (const auto& [reason, name] : kFinishReasons) {
    if (text == name) return reason;
  }
  return bad_input("finish_reason is ", quoted_excerpt(text),
                   "; known are: eos, stop, length, context, timeout, cancelled");
}

}  // namespace assay::runners
