#include "runners/api/attempt.h"

#include <utility>

#include "harness/base/text.h"
#include "runners/api/refusal.h"

namespace assay::runners::api {

namespace {

constexpr std::size_t kMostDocumentBytes = 64 << 20;
constexpr std::size_t kMostErrorBytes = 64 << 10;
constexpr std::size_t kMostUrlShown = 200;
constexpr std::size_t kLeastSecretBytes = 6;  // shorter keys ("none", "EMPTY") are words, and no secrets

AttemptFailure failed(std::string reason, Next next = Next::retry) {
  AttemptFailure failure;
  failure.reason = std::move(reason);
  failure.next = next;
  return failure;
}

bool is_verification_failure(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR ||
         code == CURLE_SSL_INVALIDCERTSTATUS;
}

}  // namespace

std::string without_key(std::string text, const Connection& connection) {
  if (connection.api_key.size() < kLeastSecretBytes) return text;
  return replace_all(text, connection.api_key, "[key]");
}

CurlList prepare(CURL* easy, const Connection& connection, const std::string& path) {
  const Endpoint& endpoint = connection.endpoint;
  curl_easy_setopt(easy, CURLOPT_URL, (endpoint.base_url + path).c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, endpoint.is_tls ? "https" : "http");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  // A connection for each request: nobody's stream waits behind another's.
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connection.connect_timeout_ms));
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  if (!connection.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, connection.ca_file.c_str());
  if (!connection.ca_folder.empty()) curl_easy_setopt(easy, CURLOPT_CAPATH, connection.ca_folder.c_str());
  if (endpoint.is_loopback) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "assay");
  CurlList headers;
  append(headers, "Content-Type: application/json");
  append(headers, "Accept: text/event-stream, application/json");
  append(headers, "Expect:");  // no waiting for "100 Continue"
  if (!connection.api_key.empty()) append(headers, "Authorization: Bearer " + connection.api_key);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  return headers;
}

AttemptFailure transfer_failure(CURLcode code, CURL* easy, const char* message, const Connection& connection) {
  const std::string host = connection.endpoint.host;
  const std::string words = without_key(shown(*message != '\0' ? message : curl_easy_strerror(code), 200), connection);
  curl_off_t connected_us = 0;
  curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &connected_us);
  AttemptFailure failure;
  failure.could_not_connect = connected_us == 0 && !is_verification_failure(code);
  if (code == CURLE_GOT_NOTHING) {
    failure.reason = host + " closed the connection without an answer";
  } else if (is_verification_failure(code)) {
    failure.reason = host + " is not trusted (TLS): " + words;
    failure.next = Next::give_up;
  } else if (code == CURLE_SSL_CONNECT_ERROR) {
    failure.reason = "no TLS connection with " + host + ": " + words;
  } else if (failure.could_not_connect) {
    failure.reason = host + " can't be reached: " + words;
  } else {
    failure.reason = "the connection to " + host + " broke: " + words;
  }
  return failure;
}

Attempt::Attempt(const Connection& connection, const std::string& path, std::string body, TextSink on_text)
    : connection_(connection),
      request_body_(std::move(body)),
      on_text_(std::move(on_text)),
      easy_(curl_easy_init()),
      started_at_(std::chrono::steady_clock::now()),
      alive_at_(started_at_) {
  ASSAY_ASSERT(easy_ != nullptr, "libcurl has been started");
  headers_ = prepare(easy_.get(), connection, path);
  curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDS, request_body_.data());
  curl_easy_setopt(easy_.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_body_.size()));
  curl_easy_setopt(easy_.get(), CURLOPT_ERRORBUFFER, error_text_);
  curl_easy_setopt(easy_.get(), CURLOPT_HEADERFUNCTION, &Attempt::on_header);
  curl_easy_setopt(easy_.get(), CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy_.get(), CURLOPT_WRITEFUNCTION, &Attempt::on_body);
  curl_easy_setopt(easy_.get(), CURLOPT_WRITEDATA, this);
}

std::size_t Attempt::on_header(char* bytes, std::size_t size, std::size_t n, void* self) {
  return static_cast<Attempt*>(self)->add_header({bytes, size * n}) ? size * n : 0;
}

std::size_t Attempt::on_body(char* bytes, std::size_t size, std::size_t n, void* self) {
  return static_cast<Attempt*>(self)->add_body({bytes, size * n}) ? size * n : 0;
}

bool Attempt::add_header(std::string_view line) {
  alive_at_ = std::chrono::steady_clock::now();
  if (line.starts_with("HTTP/")) {
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status_);
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  const std::string name = to_lower_ascii(line.substr(0, colon));
  const std::string_view value = trim(line.substr(colon + 1));
  if (name == "content-type" && to_lower_ascii(value).starts_with("text/event-stream")) kind_ = Kind::stream;
  if (name == "retry-after") retry_after_ = value;
  if (name == "location") location_ = value;
  if (name == "server") server_ = without_key(shown(value), connection_);
  return true;
}

bool Attempt::add_body(std::string_view bytes) {
  const SteadyTime now = std::chrono::steady_clock::now();
  if (status_ < 200 || status_ >= 300) {
    body_.append(bytes.substr(0, kMostErrorBytes - std::min(kMostErrorBytes, body_.size())));
    return true;
  }
  if (kind_ == Kind::unknown) kind_ = bytes.starts_with("data:") ? Kind::stream : Kind::document;
  if (kind_ == Kind::document) {
    alive_at_ = now;
    body_.append(bytes);
    if (body_.size() <= kMostDocumentBytes) return true;
    failure_ = failed("the reply is longer than 64 MiB", Next::give_up);
    return false;
  }
  const std::size_t n_lines = events_.n_lines();
  const bool fits = events_.add(bytes, [&](std::string_view data) {
    if (failure_) return;
    std::string new_text;
    failure_ = reply_.add_event(data, now, new_text);
    if (!new_text.empty() && on_text_) on_text_(now, std::move(new_text));
  });
  if (events_.n_lines() > n_lines) alive_at_ = now;
  if (!fits) failure_ = failed("an event of the stream is longer than 16 MiB", Next::give_up);
  return !failure_;
}

std::optional<AttemptFailure> Attempt::outcome(CURLcode code, bool has_served, std::int64_t unix_s) {
  if (failure_) {
    failure_->reason = without_key(failure_->reason, connection_);
    return failure_;
  }
  if (status_ >= 300 && status_ < 400 && !location_.empty()) {
    return failed("the endpoint redirects to " + quoted_excerpt(without_key(location_, connection_), kMostUrlShown) +
                      ", where neither key nor prompts are sent; give that address if it is right",
                  Next::stop);
  }
  if (status_ >= 300) {
    AttemptFailure failure = status_failure(status_, without_key(error_message(body_), connection_), has_served);
    failure.asked_wait_ms = parse_retry_after(retry_after_, unix_s);
    return failure;
  }
  if (code == CURLE_OK && kind_ == Kind::document) {
    failure_ = reply_.add_document(body_, std::chrono::steady_clock::now());
    if (failure_) failure_->reason = without_key(failure_->reason, connection_);
    if (failure_) return failure_;
  }
  if (!reply_.missing()) return {};  // whole, however the connection then ended
  if (code != CURLE_OK) return transfer_failure(code, easy_.get(), error_text_, connection_);
  return reply_.missing();
}

}  // namespace assay::runners::api
