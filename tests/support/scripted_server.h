#pragma once
// An HTTP/1.1 server on loopback that does what a test tells it, at the times that the test tells: the known truth
// for clients, their timings and their patience. Raw sockets, a thread for each connection, plain or TLS.
//
//   ScriptedServer server([](const ReceivedRequest&) {
//     return Reply().wait_ms(20).stream_head().event("{…}").wait_ms(1).event("[DONE]").end();
//   });
//   client(server.url());   // "http://127.0.0.1:PORT"
//
// Times are those of the steady clock. A wait lasts until a point on it (the request's arrival plus all waits so
// far), so that waits do not add up their errors; on an idle machine bytes leave within 0.1 ms of that point.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace assay::test_support {

using SteadyTime = std::chrono::steady_clock::time_point;
using Headers = std::vector<std::pair<std::string, std::string>>;

/// A request, when its last byte had come.
struct ReceivedRequest {
  int n_before = 0;    ///< requests that the server had received before this one
  int connection = 0;  ///< number of its connection, from 0
  std::string method;
  std::string target;                          ///< "/v1/chat/completions"
  std::map<std::string, std::string> headers;  ///< by lower-case name
  std::string body;
  SteadyTime received_at;
};

/// What the server does about a request: actions, one behind the other. The connection stays open behind a reply that
/// ends as HTTP says, else it is closed.
class Reply {
 public:
  /// Nothing more happens until `ms` after the action before (the request's arrival, for the first).
  Reply& wait_ms(double ms);
  /// A whole answer with a Content-Length.
  Reply& answer(int status, std::string_view body, Headers headers = {{"Content-Type", "application/json"}});
  /// A status line and headers; nothing is added to them. What follows goes out as it is.
  Reply& head(int status, const Headers& headers = {});
  /// The head of a stream of events, chunked; bytes() and event() that follow are a chunk each.
  Reply& stream_head(Headers headers = {});
  Reply& bytes(std::string_view bytes);
  /// "data: DATA\n\n"
  Reply& event(std::string_view data);
  /// The end of a chunked answer.
  Reply& end();
  /// `bytes`, one every `ms`.
  Reply& drip(std::string_view bytes, double ms);
  /// An orderly close, now.
  Reply& close();
  /// A close with RST: "connection reset by peer".
  Reply& reset();
  /// Silence until the client leaves.
  Reply& stall();

 private:
  friend class ServedConnection;
  enum class Kind { wait, send, close, reset, stall };
  struct Action {
    Kind kind;
    double ms = 0;
    std::string bytes;
  };
  Reply& send(std::string bytes);

  std::vector<Action> actions_;
  bool chunked_ = false;
  bool keeps_open_ = false;
};

/// A request and what became of it.
struct Exchange {
  ReceivedRequest request;
  std::vector<SteadyTime> sent_at;  ///< of each sending action, when the system had taken its bytes; noted behind that
  bool client_left = false;         ///< the client hung up before the reply was through
};

struct ServerOptions {
  bool tls = false;  ///< with a certificate made for it, see ScriptedServer::certificate_pem()
};

class ScriptedServer {
 public:
  /// Asked for each request, on its connection's thread; one call at a time.
  using Handler = std::function<Reply(const ReceivedRequest&)>;

  /// Listens on a free port of 127.0.0.1. Aborts the test program if that fails.
  explicit ScriptedServer(Handler handler, ServerOptions options = {});
  /// Replies to request i with replies[i], and to all later ones with the last.
  explicit ScriptedServer(std::vector<Reply> replies, ServerOptions options = {});
  /// Hangs up on everybody.
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  int port() const;
  std::string url() const;  ///< "http://127.0.0.1:PORT", "https://localhost:PORT"
  /// Self-signed, for "localhost"; what a client must trust. Empty without TLS.
  std::string certificate_pem() const;

  int n_connections() const;                ///< accepted so far
  int n_requests() const;                   ///< received so far
  int most_at_once() const;                 ///< requests whose replies were under way together, at most
  std::vector<Exchange> exchanges() const;  ///< in order of arrival; those under way as far as they have come

 private:
  friend class ServedConnection;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// A port of 127.0.0.1 on which nobody listens.
int closed_port();

}  // namespace assay::test_support
