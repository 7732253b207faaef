#pragma once
// A prompt as the template wrote it, and its token ids.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/result.h"
#include "runners/formats/tokenizer/tokenizer.h"

namespace assay::runners {

/// `text` is the segments' texts in a row; its SHA-256 is the prompt's. The template's own words are trusted segments,
/// everything that came in messages is untrusted.
struct RenderedPrompt {
  std::vector<Segment> segments;
  std::string text;
  std::string prefill;                      ///< what the end of `text` opens the reply with: "<think>\n", or empty
  std::vector<std::string> control_tokens;  ///< added tokens that untrusted text must not produce, besides special ones
  bool add_bos = false;                     ///< no template wrote a bos: put it there if the tokenizer asks for one
};

/// Whether a prompt ends with what opens the reply (the generation prompt), or is the conversation alone.
enum class ReplyOpening { write, leave_out };

/// How untrusted text is read. `segmented` keeps control tokens out of it; `flat` encodes the whole text at once with
/// every token recognised, as most tools do. Record which one was used.
enum class PromptEncoding { segmented, flat };

/// The ids of the prompt. A bos is never doubled: a template's own is the only one. Error{bad_input} where the template
/// begins with the tokenizer's bos token and the ids do not begin with exactly one bos_id.
Result<std::vector<std::int32_t>> encode_prompt(const Tokenizer& tokenizer, const RenderedPrompt& prompt,
                                                PromptEncoding encoding = PromptEncoding::segmented);

/// Opens the reply with `opening`, of which the template may have written a beginning or all. Error{bad_input} if it
/// opens replies otherwise.
Result<> open_reply_with(RenderedPrompt& prompt, std::string_view opening);

/// A text to be completed as it stands, written by whoever gives the command: control tokens in it are recognised.
RenderedPrompt raw_prompt(std::string_view text);

}  // namespace assay::runners
