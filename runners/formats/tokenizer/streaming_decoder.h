#pragma once
// Decodes tokens one at a time, giving out whole characters only.

#include <cstdint>
#include <string>

#include "runners/formats/tokenizer/tokenizer.h"

namespace assay::runners {

/// The texts given out, put together, are decode() of the same ids. For one thread; the tokenizer must outlive it.
class StreamingDecoder {
 public:
  explicit StreamingDecoder(const Tokenizer& tokenizer, DecodeSpecial special = DecodeSpecial::keep)
      : tokenizer_(&tokenizer), special_(special) {}

  /// What `id` makes known: may be empty, while a character is incomplete (at most 3 bytes are held back). An id
  /// without a token, which a model with a padded vocabulary can emit, contributes nothing.
  std::string push(std::int32_t id);

  /// What was held back, as U+FFFD; empty if nothing was. The decoder is then as new.
  std::string finish();

 private:
  const Tokenizer* tokenizer_;
  DecodeSpecial special_;
  std::string held_;
  bool text_seen_ = false;
};

}  // namespace assay::runners
