#pragma once
// An HTTP/1.1 server on one address, a thread for each connection. Debian's cpp-httplib reads requests and writes
// answers; sockets, limits and time-outs are ours. Says nothing of what is served.

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/result.h"

namespace assay::serve {

/// What keeps hostile clients bounded.
struct HttpLimits {
  std::size_t max_connections = 1024;  ///< more are answered 503 and closed
  std::size_t max_head_bytes = std::size_t{64} << 10;
  std::size_t max_body_bytes = std::size_t{4} << 20;  ///< more is answered 413; a million tokens fit
  std::chrono::milliseconds request_time{30'000};     ///< from a request's first byte to its last
  std::chrono::milliseconds idle_time{60'000};        ///< of a connection between requests
  std::chrono::milliseconds write_time{10'000};       ///< that a client may take no byte of an answer
};

struct HttpRequest {
  std::string method, path, body;
  std::string authorization;             ///< the header's value; empty if there is none
  std::string content_type;              ///< likewise
  std::function<bool()> client_is_gone;  ///< the client has closed the connection, or its half of it
};

/// Sends a part of an answer. False if the client is gone: nothing more can be sent.
using BodyWriter = std::function<bool(std::string_view)>;

struct HttpAnswer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};
  /// Not empty: writes the body in parts, in place of `body`. False ends the connection in the middle of the answer.
  std::function<bool(const BodyWriter&)> write_body = {};
};

/// What answers. All are called on the connections' threads, many at a time.
struct HttpHandlers {
  /// Judges a request by its head alone; an answer with a status other than 200 is sent without reading the body.
  std::function<HttpAnswer(const HttpRequest&)> judge_head;
  std::function<HttpAnswer(const HttpRequest&)> answer;
  /// The body of an answer that the HTTP layer itself gives: a malformed request, a body that is too large.
  std::function<std::string(int status, std::string_view why)> error_body;
};

class HttpServer {
 public:
  /// Binds to an address and port (0: any free one) and begins to answer. Error{bad_input} for a host that is no
  /// address of this machine, Error{environment} if the port is taken.
  static Result<std::unique_ptr<HttpServer>> start(const std::string& host, int port, const HttpLimits& limits,
                                                   HttpHandlers handlers);
  /// Stops, if stop() was not called, and returns when every answer under way has been given.
  ~HttpServer();

  int port() const;
  /// No new connections and requests from now on. Answers under way go on.
  void stop();
  /// stop(), and returns when every answer under way has been given.
  void wait_until_idle();

 private:
  class Work;
  explicit HttpServer(std::unique_ptr<Work> work);
  std::unique_ptr<Work> work_;
};

}  // namespace assay::serve
