#pragma once
// One HTTP exchange: a request is sent, its reply is read as it comes. Belongs to the thread that performs it.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runners/api/curl.h"
#include "runners/api/endpoint.h"
#include "runners/api/event_stream.h"
#include "runners/api/reply_reader.h"

namespace assay::runners::api {

/// How the endpoint is reached.
struct Connection {
  Endpoint endpoint;
  std::string api_key;    ///< sent as a bearer token; empty: none
  std::string ca_file;    ///< PEM, in place of the system's authorities; empty: the system's
  std::string ca_folder;  ///< likewise, a folder
  double connect_timeout_ms = 10'000;
};

/// `text` with the key taken out: what an endpoint says may repeat it.
std::string without_key(std::string text, const Connection& connection);

/// Sets what every exchange has in common: address, key, TLS, time-out of the connection; no redirects, since a key and
/// prompts go to the host that the user named alone. Returns the header lines, which must outlive the exchange.
CurlList prepare(CURL* easy, const Connection& connection, const std::string& path);

/// Why an exchange failed, by libcurl's code. `easy` has been performed.
AttemptFailure transfer_failure(CURLcode code, CURL* easy, const char* message, const Connection& connection);

class Attempt {
 public:
  using TextSink = std::function<void(SteadyTime at, std::string text)>;

  /// `body` is sent by POST; `on_text` is told of each event of the stream that holds text. `connection` must outlive
  /// it.
  Attempt(const Connection& connection, const std::string& path, std::string body, TextSink on_text);
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  CURL* handle() const { return easy_.get(); }
  SteadyTime started_at() const { return started_at_; }
  /// When the endpoint last gave a sign of life: a header, a line of its stream.
  SteadyTime alive_at() const { return alive_at_; }
  bool was_answered() const { return status_ != 0; }
  long status() const { return status_; }
  const ReplyReader& reply() const { return reply_; }
  /// The body of an answer that is no reply, for its words.
  const std::string& error_body() const { return body_; }
  const std::string& server() const { return server_; }

  /// What went wrong, once the exchange has ended by `code`; nothing if the reply is whole. `unix_s`: now.
  std::optional<AttemptFailure> outcome(CURLcode code, bool has_served, std::int64_t unix_s);

 private:
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t n, void* self);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t n, void* self);
  bool add_header(std::string_view line);
  bool add_body(std::string_view bytes);

  const Connection& connection_;
  const std::string request_body_;
  TextSink on_text_;
  CurlEasy easy_;
  CurlList headers_;
  char error_text_[CURL_ERROR_SIZE] = {};
  SteadyTime started_at_, alive_at_;
  long status_ = 0;
  std::string retry_after_, location_, server_;
  enum class Kind { unknown, stream, document } kind_ = Kind::unknown;
  EventStream events_;
  ReplyReader reply_;
  std::string body_;                       ///< of a document or an error
  std::optional<AttemptFailure> failure_;  ///< seen in the bytes; ends the exchange
};

}  // namespace assay::runners::api
