#pragma once
// Remembers the ids of short pieces: natural text repeats its words.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace assay::runners {

/// Bounded; forgets everything when it is full. For one thread and one tokenizer: pieces mean other ids in another.
class PieceCache {
 public:
  static constexpr std::size_t kMaxEntries = 64 * 1024;
  static constexpr std::size_t kMaxPieceBytes = 63;

  /// nullptr if the piece is unknown. Valid until the next put().
  const std::vector<std::int32_t>* find(std::string_view piece) const {
    const auto found = ids_.find(piece);
    return found == ids_.end() ? nullptr : &found->second;
  }

  void put(std::string_view piece, std::vector<std::int32_t> ids) {
    if (piece.size() > kMaxPieceBytes) return;
    if (ids_.size() >= kMaxEntries) ids_.clear();
    ids_.emplace(piece, std::move(ids));
  }

  /// The calling thread's cache for the tokenizer with this serial number. A thread keeps one: turning to another
  /// tokenizer starts afresh.
  static PieceCache& of_thread(std::uint64_t tokenizer_serial) {
    thread_local PieceCache cache;
    if (cache.serial_ != tokenizer_serial) {
      cache.ids_.clear();
      cache.serial_ = tokenizer_serial;
    }
    return cache;
  }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::vector<std::int32_t>, Hash, std::equal_to<>> ids_;
  std::uint64_t serial_ = 0;
};

}  // namespace assay::runners
