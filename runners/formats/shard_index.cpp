#include "runners/formats/shard_index.h"

#include <set>

#include "harness/base/text.h"
#include "runners/formats/strict_json.h"

namespace assay::runners {

namespace {

constexpr int kMaxDepth = 8;

bool is_plain_file_name(std::string_view name) {
  if (name.empty() || name == "." || name == "..") return false;
  for (const char c : name) {
    if (c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return false;
  }
  return true;
}

/// Takes weight_map and metadata.total_size; passes over all else, at any depth up to the limit.
class IndexPieces final : public JsonPieces {
 public:
  bool null() override { return other_value("null"); }
  bool boolean(bool) override { return other_value("true or false"); }
  bool number_integer(number_integer_t) override { return other_value("a negative number"); }
  bool number_unsigned(number_unsigned_t number) override {
    if (!at_total_size()) return other_value("a number");
    index.total_size_bytes = number;
    return true;
  }
  bool number_float(number_float_t, const string_t& text) override {
    return other_value("the number " + shortened(text));
  }
  bool string(string_t& text) override {
    if (!in_weight_map()) return other_value("text");
    if (!is_plain_file_name(text)) {
      return refuse("tensor " + quoted_excerpt(key_) + " is mapped to " + quoted_excerpt(text) +
                    ", must be the name of a file in the same folder");
    }
    index.weight_map.insert_or_assign(key_, text);
    return true;
  }
  bool start_object(std::size_t) override {
    if (depth_ == 1 && key_ == "weight_map") has_weight_map = true;
    if (depth_ > 0 && (in_weight_map() || at_total_size())) return other_value("an object");
    return enter();
  }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override {
    if (depth_ == 0 || (depth_ == 1 && is_known_member())) return refuse_here("a list");
    if (in_weight_map() || at_total_size()) return other_value("a list");
    return enter();
  }
  bool end_array() override { return leave(); }
  bool key(string_t& text) override {
    if (depth_ == 1) {
      member_ = text;
      if (!members_.insert(text).second) return refuse("the member " + quoted_excerpt(text) + " stands twice");
    }
    key_ = text;
    if (in_weight_map() && index.weight_map.contains(text)) {
      return refuse("tensor " + quoted_excerpt(text) + " stands twice in weight_map");
    }
    return true;
  }

  ShardIndex index;
  bool has_weight_map = false;

 protected:
  std::string expectation() const override {
    if (in_weight_map()) return "tensor " + quoted_excerpt(key_) + " must be mapped to a file name";
    if (at_total_size()) return "metadata.total_size must be a whole number";
    if (depth_ == 1) return member_ + " must be an object";
    return "the index must be an object";
  }

 private:
  bool in_weight_map() const { return depth_ == 2 && member_ == "weight_map"; }
  bool at_total_size() const { return depth_ == 2 && member_ == "metadata" && key_ == "total_size"; }
  bool is_known_member() const { return member_ == "weight_map" || member_ == "metadata"; }
  bool refuse_here(const std::string& found) { return refuse(expectation() + ", is " + found); }
  /// A value that is none of those taken: refused where one is wanted, else passed over.
  bool other_value(const std::string& found) {
    if (depth_ == 0 || in_weight_map() || at_total_size() || (depth_ == 1 && is_known_member()))
      return refuse_here(found);
    return true;
  }
  bool enter() {
    if (++depth_ > kMaxDepth) return refuse("nested deeper than 8 levels");
    return true;
  }
  bool leave() {
    --depth_;
    return true;
  }

  int depth_ = 0;
  std::string member_;  ///< of the whole document, that is being read
  std::string key_;
  std::set<std::string> members_;
};

}  // namespace

Result<ShardIndex> parse_shard_index(std::string_view text, std::string_view where) {
  IndexPieces pieces;
  ASSAY_TRY(read_json_pieces(text, where, 0, pieces));
  if (!pieces.has_weight_map) return bad_input(where, ": has no \"weight_map\"");
  return std::move(pieces.index);
}

}  // namespace assay::runners
