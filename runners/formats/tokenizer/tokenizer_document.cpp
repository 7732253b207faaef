#include "runners/formats/tokenizer/tokenizer_document.h"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxKeys = 4096;  // the tree's objects are searched linearly

/// Builds the document from the parser's events. An event handler that returns false stops the parser; error_ says why.
class DocumentBuilder : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return value(nullptr, "null"); }
  bool boolean(bool flag) override { return value(flag, "a boolean"); }
  bool number_float(number_float_t number, const string_t&) override { return value(number, "no integer"); }
  bool binary(binary_t&) override { return fail("binary data is no JSON"); }
  bool number_integer(number_integer_t number) override {
    return in_ == In::vocab ? fail(entry_name() + " is " + std::to_string(number) + ", below 0")
                            : value(number, "a number");
  }
  bool number_unsigned(number_unsigned_t number) override {
    if (in_ != In::vocab) return value(number, "a number");
    if (number > std::numeric_limits<std::int32_t>::max()) {
      return fail(entry_name() + " is " + std::to_string(number) + ", more than a 32-bit id");
    }
    document_.vocab.push_back({std::move(vocab_key_), static_cast<std::int32_t>(number)});
    return true;
  }

  bool string(string_t& text) override {
    if (in_ == In::merges) return joined_merge(text);
    if (in_ == In::merge_pair) return merge_half(text);
    return value(std::move(text), "a text");
  }

  bool start_object(std::size_t) override {
    if (in_ == In::tree && at_model_field("vocab")) {
      in_ = In::vocab;
      document_.has_vocab = true;
      return true;
    }
    return open(Json::object(), "an object");
  }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override {
    if (in_ == In::tree && at_model_field("merges")) {
      in_ = In::merges;
      document_.has_merges = true;
      return true;
    }
    if (in_ == In::merges) {
      in_ = In::merge_pair;
      n_halves_ = 0;
      document_.merges.emplace_back();
      return true;
    }
    return open(Json::array(), "a list");
  }
  bool end_array() override {
    if (in_ == In::merge_pair) {
      if (n_halves_ != 2) return fail(merge_name() + " has " + std::to_string(n_halves_) + " texts, must have two");
      in_ = In::merges;
      return true;
    }
    return close();
  }

  bool key(string_t& name) override {
    if (in_ == In::vocab) {
      vocab_key_ = std::move(name);
      return true;
    }
    Json& object = *open_.back();
    if (object.contains(name)) return fail("key " + quoted_excerpt(name) + " stands twice in one object");
    if (object.size() >= kMaxKeys) return fail("an object has more than " + std::to_string(kMaxKeys) + " keys");
    slot_ = &object[name];
    if (open_.size() <= 2) path_[open_.size() - 1] = std::move(name);
    // model.vocab and model.merges leave a null behind, so that a second one is seen as the key given twice that it is.
    return true;
  }

  bool parse_error(std::size_t position, const std::string& token, const nlohmann::json::exception& failure) override {
    std::string reason = failure.what();  // "[json.exception.parse_error.101] parse error at …: REASON; last read: …"
    if (const auto colon = reason.find(": "); colon != std::string::npos) reason.erase(0, colon + 2);
    if (const auto last = reason.find("; last read"); last != std::string::npos) reason.erase(last);
    return fail("byte " + std::to_string(position) + ": no valid JSON near " + quoted_excerpt(token, 20) + ": " +
                reason);
  }

  const std::string& error() const { return error_; }
  TokenizerDocument take() { return std::move(document_); }

 private:
  enum class In { tree, vocab, merges, merge_pair };

  bool fail(std::string reason) {
    error_ = std::move(reason);
    return false;
  }
  std::string entry_name() const { return "model.vocab[" + quoted_excerpt(vocab_key_) + "]"; }
  std::string merge_name() const {
    const std::size_t n_started = document_.merges.size();
    return "model.merges[" + std::to_string(in_ == In::merge_pair ? n_started - 1 : n_started) + "]";
  }
  bool at_model_field(std::string_view field) const {
    return open_.size() == 2 && open_.back()->is_object() && path_[0] == "model" && path_[1] == field;
  }
  /// An event that the vocabulary and the merges have no place for.
  bool refuse_in_list(const char* what) {
    if (in_ == In::vocab) return fail(entry_name() + " is " + what + ", must be an id");
    return fail(merge_name() + " is or holds " + what + "; a merge is \"a b\" or [\"a\", \"b\"]");
  }

  template <class T>
  bool value(T&& leaf, const char* what) {
    if (in_ != In::tree) return refuse_in_list(what);
    place(Json(std::forward<T>(leaf)));
    return true;
  }
  Json* place(Json&& element) {
    if (open_.empty()) {
      document_.rest = std::move(element);
      return &document_.rest;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(element));
      return &open_.back()->back();
    }
    *slot_ = std::move(element);
    return slot_;
  }
  bool open(Json&& container, const char* what) {
    if (in_ != In::tree) return refuse_in_list(what);
    if (open_.size() >= kMaxDepth) return fail("nested deeper than " + std::to_string(kMaxDepth) + " levels");
    open_.push_back(place(std::move(container)));  // stays in place: only the innermost container grows
    return true;
  }
  bool close() {
    if (in_ == In::tree) {
      open_.pop_back();
    } else {
      in_ = In::tree;
    }
    return true;
  }

  bool joined_merge(const std::string& text) {
    const std::size_t space = text.find(' ');
    if (space == std::string::npos || space == 0 || space + 1 == text.size()) {
      return fail(merge_name() + " is " + quoted_excerpt(text) + ", must be two texts with a space between");
    }
    document_.merges.push_back({text.substr(0, space), text.substr(space + 1)});
    return true;
  }
  bool merge_half(std::string& text) {
    if (n_halves_ >= 2) return fail(merge_name() + " has more than two texts");
    Merge& merge = document_.merges.back();
    (n_halves_++ == 0 ? merge.left : merge.right) = std::move(text);
    return true;
  }

  TokenizerDocument document_;
  std::vector<Json*> open_;  // the containers around the next event, outermost first
  Json* slot_ = nullptr;     // where the value of the last key goes
  std::string path_[2];      // the last keys of the two outermost objects
  In in_ = In::tree;
  std::string vocab_key_;
  int n_halves_ = 0;
  std::string error_;
};

}  // namespace

Result<TokenizerDocument> read_tokenizer_document(std::string_view text, std::string_view where) {
  try {
    DocumentBuilder builder;
    if (!Json::sax_parse(text.begin(), text.end(), &builder)) return bad_input(where, ": ", builder.error());
    return builder.take();
  } catch (const nlohmann::json::exception& failure) {
    return bad_input(where, ": no valid JSON: ", failure.what());
  }
}

}  // namespace assay::runners
