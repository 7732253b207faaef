#pragma once
// Server-sent events: bytes in, the data of each event out.
// Source: WHATWG HTML, "Server-sent events", parsing an event stream. Only "data" matters here.

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace assay::runners::api {

class EventStream {
 public:
  /// What one event says; its "data:" lines joined by line ends.
  using Sink = std::function<void(std::string_view data)>;

  /// Takes the next bytes and calls `sink` for each event that they complete. False once an event is larger than
  /// kMostBytes; then nothing more is read.
  bool add(std::string_view bytes, const Sink& sink);

  /// Lines that have ended so far, comments (": keep-alive") and empty ones too: the sender lives.
  std::size_t n_lines() const { return n_lines_; }

  static constexpr std::size_t kMostBytes = 16 << 20;

 private:
  void end_line(const Sink& sink);

  std::string line_;
  std::string data_;
  bool has_data_ = false;
  bool after_cr_ = false;  ///< the line feed of a CR LF is to be skipped
  std::size_t n_lines_ = 0;
};

}  // namespace assay::runners::api
