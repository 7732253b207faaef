#include "runners/formats/tokenizer/sentencepiece_encoder.h"

#include <algorithm>
#include <functional>
#include <queue>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

/// A stretch of the text; neighbours are linked, so that a merge moves nothing.
struct Symbol {
  std::string_view text;  // empty once it was merged into its left neighbour
  std::int32_t previous;  // -1 at the ends
  std::int32_t next;
};

/// A pair that could be merged when it was seen. It is stale if its bytes are no longer those of two neighbours.
struct Candidate {
  float score;
  std::int32_t at;  // the left symbol
  std::size_t left_bytes;
  std::size_t right_bytes;

  /// Lower in the queue.
  bool operator<(const Candidate& other) const { return score != other.score ? score < other.score : at > other.at; }
};

std::string_view joined(const Symbol& left, const Symbol& right) {
  return {left.text.data(), left.text.size() + right.text.size()};
}

}  // namespace

SentencePieceEncoder::SentencePieceEncoder(const std::vector<VocabEntry>& vocab, const SentencePieceModel& model)
    : byte_ids_(model.byte_ids), unknown_id_(model.unknown_id.value_or(-1)) {
  targets_.reserve(vocab.size());
  for (const VocabEntry& entry : vocab) {
    targets_.emplace(entry.text, Target{entry.score, entry.id});
    longest_ = std::max(longest_, entry.text.size());
  }
}

void SentencePieceEncoder::put_bytes(std::string_view character, std::vector<std::int32_t>& ids) const {
  const auto id_of = [&](char byte) { return byte_ids_[static_cast<unsigned char>(byte)]; };
  if (std::any_of(character.begin(), character.end(), [&](char byte) { return id_of(byte) < 0; })) {
    if (unknown_id_ >= 0) ids.push_back(unknown_id_);
    return;
  }
  for (const char byte : character) ids.push_back(id_of(byte));
}

void SentencePieceEncoder::encode(std::string_view text, std::vector<std::int32_t>& ids) const {
  const std::string marked = replace_all(text, " ", kSpaceMark);
  std::vector<Symbol> symbols;
  for (std::size_t at = 0; at < marked.size();) {
    const std::size_t begin = at;
    next_code_point(marked, at);
    const auto index = static_cast<std::int32_t>(symbols.size());
    symbols.push_back({std::string_view(marked).substr(begin, at - begin), index - 1, index + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;

  std::priority_queue<Candidate> candidates;
  const auto consider = [&](std::int32_t at) {
    if (at < 0 || symbols[at].next < 0) return;
    const Symbol& left = symbols[at];
    const Symbol& right = symbols[left.next];
    const std::string_view pair = joined(left, right);
    if (pair.size() > longest_) return;
    if (const auto found = targets_.find(pair); found != targets_.end()) {
      candidates.push({found->second.score, at, left.text.size(), right.text.size()});
    }
  };
  for (std::int32_t at = 0; at < static_cast<std::int32_t>(symbols.size()); ++at) consider(at);

  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol& left = symbols[best.at];
    if (left.text.size() != best.left_bytes || left.next < 0) continue;  // a text merged away has no bytes
    Symbol& right = symbols[left.next];
    if (right.text.size() != best.right_bytes) continue;
    left.text = joined(left, right);
    right.text = {};
    left.next = right.next;
    if (left.next >= 0) symbols[left.next].previous = best.at;
    consider(left.previous);
    consider(best.at);
  }
  for (std::int32_t at = 0; at >= 0; at = symbols[at].next) {
    const auto found = targets_.find(symbols[at].text);
    if (found != targets_.end()) {
      ids.push_back(found->second.id);
    } else {
      put_bytes(symbols[at].text, ids);
    }
  }
}

}  // namespace assay::runners
