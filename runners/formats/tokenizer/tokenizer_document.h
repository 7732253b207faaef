#pragma once
// Reads the JSON of a tokenizer.json. Its vocabulary and merges are hundreds of thousands of entries: they go straight
// into vectors, and only the small rest becomes a JSON tree.

#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "harness/base/result.h"
#include "runners/formats/tokenizer/tokenizer_data.h"

namespace assay::runners {

/// `rest` is the document without model.vocab and model.merges, which stand in the vectors in the file's order.
struct TokenizerDocument {
  Json rest;
  bool has_vocab = false;
  bool has_merges = false;
  std::vector<VocabEntry> vocab;
  std::vector<Merge> merges;
};

/// Error{bad_input}, "WHERE: …", for ill-formed JSON or UTF-8 (with the byte offset), nesting deeper than 64 levels, a
/// key given twice in one object, more than 4096 keys in an object other than the vocabulary, vocabulary values that
/// are no 32-bit ids, and merges that are neither "a b" nor ["a", "b"]. A text given twice in the vocabulary is not
/// noticed here.
Result<TokenizerDocument> read_tokenizer_document(std::string_view text, std::string_view where);

}  // namespace assay::runners
