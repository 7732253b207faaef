#include "runners/formats/strict_json.h"

#include <iterator>

namespace assay::runners {

namespace {

/// Walks over text and tells how far it came, which the library does not say outside of syntax errors.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* position) : at_(at), position_(position) {}
  const char& operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*position_;
    return *this;
  }
  CountingIterator operator++(int) {
    const CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  std::size_t* position_;
};

}  // namespace

std::string JsonPieces::shortened(const std::string& text) {
  constexpr std::size_t kMost = 160;  // a number may have a million digits
  return text.size() <= kMost ? text : text.substr(0, kMost) + "…";
}

bool JsonPieces::refuse(std::string message) {
  if (message_.empty()) message_ = std::move(message);
  return false;
}

bool JsonPieces::parse_error(std::size_t, const std::string&, const nlohmann::json::exception& failure) {
  // Behind the library's prefix "[json.exception.parse_error.101] parse error at …: syntax error while …: ".
  std::string reason = failure.what();
  if (const auto colon = reason.find(": "); colon != std::string::npos) reason.erase(0, colon + 2);
  if (const auto last = reason.find("; last read"); last != std::string::npos) reason.erase(last);
  return refuse("no valid JSON: " + shortened(reason));
}

Result<> read_json_pieces(std::string_view text, std::string_view where, std::size_t first_byte, JsonPieces& pieces) {
  pieces.position_ = 0;
  const CountingIterator begin(text.data(), &pieces.position_);
  const CountingIterator end(text.data() + text.size(), &pieces.position_);
  if (nlohmann::json::sax_parse(begin, end, &pieces)) return {};
  return bad_input(where, ": byte ", first_byte + pieces.position_, ": ", pieces.message());
}

}  // namespace assay::runners
