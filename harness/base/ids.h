#pragma once
// Strong types for identifiers, so that a run's id cannot be passed for an item's.

#include <compare>
#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <utility>

namespace assay {

/// An identifier that is text, distinct per Tag.
template <class Tag>
struct TextId {
  std::string value;
  TextId() = default;
  explicit TextId(std::string text) : value(std::move(text)) {}
  auto operator<=>(const TextId&) const = default;
  friend std::ostream& operator<<(std::ostream& out, const TextId& id) { return out << id.value; }
};

using RunId = TextId<struct RunIdTag>;    ///< a run in a results database
using ItemId = TextId<struct ItemIdTag>;  ///< an item, unique within its suite

}  // namespace assay

template <class Tag>
struct std::hash<assay::TextId<Tag>> {
  std::size_t operator()(const assay::TextId<Tag>& id) const { return std::hash<std::string>{}(id.value); }
};
