#include "harness/serve/reply_text.h"

#include <algorithm>
#include <utility>

namespace assay::serve {

std::size_t partial_match(std::string_view text, std::string_view word) {
  for (std::size_t n = std::min(text.size(), word.size() - 1); n > 0; --n) {
    if (text.ends_with(word.substr(0, n))) return n;
  }
  return 0;
}

/// The first stop string to end wins; of those that end together the one that begins first.
std::string StopFilter::push(std::string_view text) {
  if (found_) return {};
  held_ += text;
  std::size_t first_end = std::string::npos, cut = std::string::npos;
  for (const std::string& stop : stops_) {
    const std::size_t at = held_.find(stop);
    if (at == std::string::npos) continue;
    const std::size_t end = at + stop.size();
    if (end < first_end || (end == first_end && at < cut)) {
      first_end = end;
      cut = at;
    }
  }
  if (cut != std::string::npos) {
    found_ = true;
    held_.resize(cut);
    return std::exchange(held_, {});
  }
  std::size_t n_held = 0;
  for (const std::string& stop : stops_) n_held = std::max(n_held, partial_match(held_, stop));
  std::string safe = held_.substr(0, held_.size() - n_held);
  held_.erase(0, safe.size());
  return safe;
}

std::string StopFilter::finish() { return std::exchange(held_, {}); }

ReplyParts ReasoningSplitter::push(std::string_view text) {
  constexpr std::string_view kOpen = "<think>", kClose = "</think>", kSpace = " \t\r\n";
  ReplyParts parts;
  held_ += text;
  if (place_ == Place::start) {
    const std::size_t begin = std::min(held_.find_first_not_of(kSpace), held_.size());
    const std::string_view rest = std::string_view(held_).substr(begin);
    if (kOpen.starts_with(rest) && rest.size() < kOpen.size()) return parts;  // it may still open
    place_ = rest.starts_with(kOpen) ? Place::thoughts : Place::answer;
    if (place_ == Place::thoughts) held_.erase(0, begin + kOpen.size());
  }
  if (place_ == Place::thoughts) {
    const std::size_t close = held_.find(kClose);
    const std::size_t n = close != std::string::npos ? close : held_.size() - partial_match(held_, kClose);
    parts.reasoning = held_.substr(0, n);
    held_.erase(0, close != std::string::npos ? close + kClose.size() : n);
    if (close == std::string::npos) return parts;
    place_ = Place::answer;
  }
  parts.content = std::exchange(held_, {});
  return parts;
}

ReplyParts ReasoningSplitter::finish() {
  if (place_ == Place::thoughts) return {std::exchange(held_, {}), {}};
  return {{}, std::exchange(held_, {})};
}

}  // namespace assay::serve
