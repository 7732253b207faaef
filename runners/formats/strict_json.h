#pragma once
// Reading large JSON headers piece by piece, without building a tree: a checkpoint's index has a hundred thousand keys,
// and a hostile header could make a tree of gigabytes. Private to this folder.

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "harness/base/result.h"

namespace assay::runners {

/// Receives the pieces of a JSON document; every piece is refused unless a subclass takes it. A piece that is refused
/// sets the error (with `refuse`) and stops the reading.
class JsonPieces : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return unexpected("null"); }
  bool boolean(bool) override { return unexpected("true or false"); }
  bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
  bool number_unsigned(number_unsigned_t) override { return unexpected("a number"); }
  bool number_float(number_float_t, const string_t& text) override {
    return unexpected("the number " + shortened(text));
  }
  bool string(string_t&) override { return unexpected("text"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool start_object(std::size_t) override { return unexpected("an object"); }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return unexpected("a list"); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& failure) override;

  /// Keeps the message and returns false, which stops the reading.
  bool refuse(std::string message);
  const std::string& message() const { return message_; }
  /// Bytes read so far, up to the end of the current piece (one more behind a number).
  std::size_t position() const { return position_; }

 protected:
  /// At most one line's worth of `text`.
  static std::string shortened(const std::string& text);
  /// What stands at this place instead of what `found` names, such as "tensor \"x\" must be an object".
  virtual std::string expectation() const = 0;

 private:
  friend Result<> read_json_pieces(std::string_view, std::string_view, std::size_t, JsonPieces&);
  bool unexpected(const std::string& found) { return refuse(expectation() + ", is " + found); }
  std::string message_;
  std::size_t position_ = 0;
};

/// Feeds one whole document to `pieces`. Error{bad_input}, "WHERE: byte N: …", for ill-formed JSON or UTF-8 and for
/// what `pieces` refuses; N counts from `first_byte`.
Result<> read_json_pieces(std::string_view text, std::string_view where, std::size_t first_byte, JsonPieces& pieces);

}  // namespace assay::runners
