// Truncations and random edits of a stream and of a whole answer through the fuzz entry: nothing may crash.

#include <string>

#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"

void fuzz_endpoint_reply(std::span<const std::byte> file);

using namespace assay;

namespace {

const std::string kStream =
    ": hello\r\n\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"reasoning_content\":\"Hm\",\"content\":\"4\"}}]}\n\n"
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\n"
    "data: \"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"prompt_tokens_details\":{\"cached_tokens\":1}}}\n\n"
    "data: [DONE]\n\n";
const std::string kWhole =
    R"({"model":"m","choices":[{"index":0,"message":{"content":"4","reasoning":"Hm"},"finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":2}})";

}  // namespace

TEST_CASE("reply: a stream or an answer cut anywhere, or edited anyhow, is read without a crash", "[api][fuzz]") {
  for (const std::string& text : {kStream, kWhole}) {
    tests::fuzz_cuts(fuzz_endpoint_reply, text);
    tests::fuzz_edits(fuzz_endpoint_reply, text, 5000, tests::kJsonAlphabet);
  }
  SUCCEED("no crash");
}
