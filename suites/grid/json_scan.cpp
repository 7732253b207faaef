#include "suites/grid/json_scan.h"

#include <cstdint>
#include <iterator>

namespace assay::suites {

namespace {

constexpr int kMaxNesting = 64;

/// Accepts or refuses; keeps nothing. Refusing deep nesting also bounds the scan: at most that many unclosed objects
/// can hold one another, so each byte is read at most that often.
class Recogniser : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool start_object(std::size_t) override { return ++depth_ <= kMaxNesting; }
  bool start_array(std::size_t) override { return ++depth_ <= kMaxNesting; }
  bool end_object() override { return --depth_ >= 0; }
  bool end_array() override { return --depth_ >= 0; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception&) override { return false; }

 private:
  int depth_ = 0;
};

/// Reads characters and counts them for whoever holds `n_read`.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, std::size_t* n_read) : at_(at), n_read_(n_read) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*n_read_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  std::size_t* n_read_;
};

/// The length of the JSON object at the beginning of `text`, or 0 if there is none.
std::size_t object_length(std::string_view text) {
  std::size_t n_read = 0, ignored = 0;
  Recogniser recogniser;
  const bool accepted =
      Json::sax_parse(CountingIterator(text.data(), &n_read), CountingIterator(text.data() + text.size(), &ignored),
                      &recogniser, nlohmann::json::input_format_t::json, false);
  return accepted ? n_read : 0;
}

}  // namespace

std::vector<FoundObject> find_json_objects(std::string_view text) {
  std::vector<FoundObject> found;
  for (std::size_t at = text.find('{'); at != std::string_view::npos; at = text.find('{', at)) {
    const std::size_t length = object_length(text.substr(at));
    Json value = Json(Json::value_t::discarded);
    if (length > 0) value = Json::parse(text.substr(at, length), nullptr, false);
    if (value.is_object()) {
      found.push_back({at, std::move(value)});
      at += length;
    } else {
      ++at;
    }
  }
  return found;
}

}  // namespace assay::suites
