#include "runners/formats/tokenizer/streaming_decoder.h"

#include <algorithm>
#include <utility>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

/// The bytes at the end of `bytes` that begin a character which more bytes could complete.
std::size_t incomplete_tail(std::string_view bytes) {
  for (std::size_t length = 1; length <= std::min<std::size_t>(3, bytes.size()); ++length) {
    const std::string_view tail = bytes.substr(bytes.size() - length);
    const auto lead = static_cast<unsigned char>(tail[0]);
    if (lead < 0x80) return 0;
    if (lead < 0xC0) continue;  // inside a character: its lead is further left
    const std::size_t whole = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    std::size_t at = 0;
    next_code_point(tail, at);  // moves over all of the tail unless something in it rules a character out
    return lead >= 0xC2 && lead <= 0xF4 && length < whole && at == tail.size() ? length : 0;
  }
  return 0;
}

}  // namespace

std::string StreamingDecoder::push(std::int32_t id) {
  if (!tokenizer_->is_token(id)) return {};
  if (!tokenizer_->is_special(id)) {
    held_ += text_seen_ ? tokenizer_->token_bytes(id) : tokenizer_->first_token_bytes(id);
    text_seen_ = true;
  } else if (special_ == DecodeSpecial::keep) {
    held_ += tokenizer_->token_bytes(id);
  }
  const std::size_t ready = held_.size() - incomplete_tail(held_);
  std::string text = to_valid_utf8(std::string_view(held_).substr(0, ready));
  held_.erase(0, ready);
  return text;
}

std::string StreamingDecoder::finish() {
  text_seen_ = false;
  return to_valid_utf8(std::exchange(held_, {}));
}

}  // namespace assay::runners
