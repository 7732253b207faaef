#include "runners/formats/tokenizer/byte_pair_encoder.h"

#include <queue>
#include <tuple>

namespace assay::runners {

namespace {

/// A token in the piece; neighbours are linked, so that a merge moves nothing.
struct Symbol {
  std::int32_t id;
  std::int32_t previous;  // -1 at the ends
  std::int32_t next;
  bool merged_away = false;
};

/// A pair that could be merged when it was seen. It is stale if either side has changed since.
struct Candidate {
  std::uint32_t rank;
  std::int32_t at;  // the left symbol; the right one is its neighbour
  std::int32_t left_id;
  std::int32_t right_id;
  std::int32_t merged;

  bool operator>(const Candidate& other) const { return std::tie(rank, at) > std::tie(other.rank, other.at); }
};

}  // namespace

BytePairEncoder::BytePairEncoder(const std::array<std::int32_t, 256>& byte_ids, const std::vector<RankedMerge>& merges)
    : byte_ids_(byte_ids) {
  merges_.reserve(merges.size());
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const RankedMerge& merge = merges[rank];
    merges_[pair_key(merge.left, merge.right)] = {static_cast<std::uint32_t>(rank), merge.merged};
  }
}

void BytePairEncoder::encode(std::string_view piece, std::vector<std::int32_t>& ids) const {
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (const char c : piece) {
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (id < 0) continue;
    const auto at = static_cast<std::int32_t>(symbols.size());
    symbols.push_back({.id = id, .previous = at - 1, .next = at + 1});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;

  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> candidates;
  const auto consider = [&](std::int32_t left) {
    if (left < 0 || symbols[left].next < 0) return;
    const std::int32_t left_id = symbols[left].id;
    const std::int32_t right_id = symbols[symbols[left].next].id;
    const auto found = merges_.find(pair_key(left_id, right_id));
    if (found == merges_.end()) return;
    candidates.push({found->second.rank, left, left_id, right_id, found->second.merged});
  };
  for (std::int32_t at = 0; at < static_cast<std::int32_t>(symbols.size()); ++at) consider(at);

  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol& left = symbols[best.at];
    if (left.merged_away || left.id != best.left_id || left.next < 0) continue;
    Symbol& right = symbols[left.next];
    if (right.id != best.right_id) continue;
    left.id = best.merged;
    left.next = right.next;
    right.merged_away = true;
    if (left.next >= 0) symbols[left.next].previous = best.at;
    consider(left.previous);
    consider(best.at);
  }
  for (std::int32_t at = 0; at >= 0; at = symbols[at].next) ids.push_back(symbols[at].id);
}

}  // namespace assay::runners
