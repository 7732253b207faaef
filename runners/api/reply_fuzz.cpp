// The fuzz entry of the reader of an endpoint's reply: a stream of events, cut anywhere, or one document.

#include "harness/base/assert.h"
#include "harness/base/text.h"
#include "runners/api/event_stream.h"
#include "runners/api/reply_reader.h"
#include "tests/support/fuzz_entry.h"

using namespace assay;
using namespace assay::runners;
using namespace assay::runners::api;

namespace {

std::vector<std::string> events_of(std::string_view text, std::size_t part_bytes) {
  EventStream stream;
  std::vector<std::string> events;
  for (std::size_t at = 0; at < text.size(); at += part_bytes) {
    (void)stream.add(text.substr(at, part_bytes), [&](std::string_view data) { events.emplace_back(data); });
  }
  return events;
}

}  // namespace

ASSAY_FUZZ_ENTRY(endpoint_reply)(std::span<const std::byte> file) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const std::vector<std::string> events = events_of(text, text.size() + 1);
  ASSAY_ASSERT(events == events_of(text, 1), "where the network cuts a stream changes no event");
  ReplyReader streamed;
  std::string new_text;
  for (const std::string& event : events) {
    if (streamed.add_event(event, {}, new_text)) break;
  }
  ReplyReader whole;
  (void)whole.add_document(text, {});
  for (const ReplyReader* reader : {&streamed, &whole}) {
    const Completion completion = reader->completion({}, "model");
    ASSAY_ASSERT(completion.n_output_tokens <= 1'000'000'000 && completion.n_prompt_tokens != 0,
                 "counts are plausible or unknown");
    ASSAY_ASSERT(is_valid_utf8(completion.text), "texts are UTF-8");
  }
}
