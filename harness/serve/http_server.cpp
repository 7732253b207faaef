#include "harness/serve/http_server.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>

#include "harness/serve/connection.h"

namespace assay::serve {

namespace {

/// httplib hands its handlers no connection; a thread serves one at a time.
thread_local Connection* this_connection = nullptr;
/// This thread is the listening one, which must not wait for a client.
thread_local bool only_refuse = false;

/// A connection as httplib reads and writes it.
class HttplibStream final : public httplib::Stream {
 public:
  explicit HttplibStream(Connection& connection) : connection_(connection) {}
  bool is_readable() const override { return true; }  // read() waits
  bool is_writable() const override { return !connection_.client_is_gone(); }
  ssize_t read(char* bytes, std::size_t size) override { return connection_.read(bytes, size); }
  ssize_t write(const char* bytes, std::size_t size) override { return connection_.write(bytes, size); }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return connection_.socket(); }

 private:
  Connection& connection_;
};

/// A thread for each connection, as long as it lasts.
class ConnectionThreads final : public httplib::TaskQueue {
 public:
  void enqueue(std::function<void()> serve) override {
    threads_.remove_if([](const Thread& t) { return t.done.load(); });
    Thread& thread = threads_.emplace_back();
    try {
      thread.thread = std::jthread([&thread, serve] {
        serve();
        thread.done = true;
      });
    } catch (const std::system_error&) {  // no thread to be had
      threads_.pop_back();
      only_refuse = true;
      serve();
      only_refuse = false;
    }
  }
  void shutdown() override { threads_.clear(); }

 private:
  struct Thread {
    std::atomic<bool> done = false;
    std::jthread thread;  // last: joined before the flag goes
  };
  std::list<Thread> threads_;  // the listening thread's alone
};

/// As many open files as the system lets this process have: each connection is one.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string reason_of(int status) {
  switch (status) {
    case 400:
      return "the request is no well-formed HTTP";
    case 408:
      return "the request took too long to arrive";
    case 413:
      return "the request is too large";
    case 414:
      return "the request's path is too long";
    default:
      return "the request could not be served";
  }
}

}  // namespace

class HttpServer::Work final : public httplib::Server {
 public:
  Work(const HttpLimits& limits, HttpHandlers handlers)
      : limits_(limits), handlers_(std::move(handlers)), stop_event_(::eventfd(0, EFD_CLOEXEC)) {
    raise_file_limit();
    new_task_queue = [] { return new ConnectionThreads; };  // httplib deletes it
    set_payload_max_length(limits_.max_body_bytes);
    set_keep_alive_timeout(std::chrono::ceil<std::chrono::seconds>(limits_.idle_time).count());  // as answers say
    set_keep_alive_max_count(1'000'000);
    // Without SO_REUSEPORT, which httplib would set: two servers on one port would share its clients.
    set_socket_options([](socket_t socket) {
      const int on = 1;
      ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    });
    set_pre_routing_handler(
        [this](const httplib::Request& request, httplib::Response& response) { return judge_head(request, response); });
    const auto answer = [this](const httplib::Request& request, httplib::Response& response) {
      give(handlers_.answer(to_request(request)), response);
    };
    Get(".*", answer);
    Post(".*", answer);
    set_error_handler([this](const httplib::Request&, httplib::Response& response) { explain(response); });
    set_exception_handler([this](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
      response.status = 500;
      response.set_content(handlers_.error_body(500, "the server ran into an error of its own"), "application/json");
    });
  }
  ~Work() override {
    wait_until_idle();
    ::close(stop_event_);
  }

  Result<> start(const std::string& host, int port) {
    errno = 0;
    const int bound = port == 0 ? bind_to_any_port(host) : (bind_to_port(host, port) ? port : -1);
    if (bound < 0) return bind_error(host, port);
    port_ = bound;
    constexpr int kWaitingClients = 1024;
    ::listen(svr_sock_, kWaitingClients);  // httplib's own 5 are too few for a burst
    listener_ = std::jthread([this] { listen_after_bind(); });
    while (!is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return {};
  }
  int port() const { return port_; }
  /// Ends the listening alone: httplib's stop() would also end every stream at its next part, or before its first.
  void stop_serving() {
    if (!listener_.joinable() || stopped_.exchange(true)) return;
    ::eventfd_write(stop_event_, 1);
    ::shutdown(svr_sock_, SHUT_RDWR);
  }
  void wait_until_idle() {
    stop_serving();
    if (listener_.joinable()) listener_.join();
  }

 private:
  static Error bind_error(const std::string& host, int port) {
    const int reason = errno;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host.c_str(), nullptr, &hints, &found) != 0) {
      return bad_input("--host: ", host, " is no address and no known name");
    }
    ::freeaddrinfo(found);
    return environment_error("cannot listen on ", host, " port ", port, ": ",
                             reason != 0 ? std::strerror(reason) : "the address is taken or not this machine's");
  }

  HttpRequest to_request(const httplib::Request& request) const {
    return {request.method,
            request.path,
            request.body,
            request.get_header_value("Authorization"),
            request.get_header_value("Content-Type"),
            [connection = this_connection] { return connection->client_is_gone(); }};
  }

  HandlerResponse judge_head(const httplib::Request& request, httplib::Response& response) {
    this_connection->begin_body();
    HttpAnswer judged = handlers_.judge_head(to_request(request));
    if (judged.status == 200) {
      const auto length = request.get_header_value<std::uint64_t>("Content-Length");
      if (length > limits_.max_body_bytes)
        judged = {413, "application/json", handlers_.error_body(413, reason_of(413))};
      // What is packed can be as small as one likes and become as large as one likes.
      if (request.has_header("Content-Encoding")) {
        judged = {415, "application/json", handlers_.error_body(415, "the body must not be compressed")};
      }
    }
    if (judged.status == 200) return HandlerResponse::Unhandled;
    if (request.method != "GET") judged.headers.emplace_back("Connection", "close");  // the body stays unread
    give(std::move(judged), response);
    return HandlerResponse::Handled;
  }

  static void give(HttpAnswer answer, httplib::Response& response) {
    response.status = answer.status;
    for (const auto& [name, value] : answer.headers) response.set_header(name, value);
    if (!answer.write_body) return response.set_content(answer.body, answer.content_type);
    response.set_chunked_content_provider(
        answer.content_type, [write = std::move(answer.write_body)](std::size_t, httplib::DataSink& sink) {
          const bool whole = write([&](std::string_view part) { return sink.write(part.data(), part.size()); });
          if (whole) sink.done();
          return whole;
        });
  }

  /// Answers that httplib gives by itself have no body yet.
  void explain(httplib::Response& response) const {
    if (!response.body.empty()) return;
    if (this_connection->is_over_limit()) response.status = 413;
    if (this_connection->is_too_slow()) response.status = 408;
    response.set_header("Connection", "close");
    response.set_content(handlers_.error_body(response.status, reason_of(response.status)), "application/json");
  }

  bool process_and_close_socket(socket_t socket) override {
    Connection connection(socket, stop_event_, limits_);
    if (++n_connections_ > limits_.max_connections || only_refuse) {
      refuse(connection);
    } else {
      serve(connection);
    }
    --n_connections_;
    return true;
  }

  void serve(Connection& connection) {
    this_connection = &connection;
    while (connection.wait_for_request()) {
      HttplibStream stream(connection);
      bool closed = false;
      if (!process_request(stream, false, closed, {}) || closed) break;
      if (connection.is_over_limit() || connection.is_too_slow()) break;
    }
    this_connection = nullptr;
  }

  void refuse(Connection& connection) const {
    const std::string body = handlers_.error_body(503, "there are too many connections");
    const std::string answer =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n"
        "Content-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    static_cast<void>(connection.write(answer.data(), answer.size()));
  }

  HttpLimits limits_;
  HttpHandlers handlers_;
  int stop_event_;
  int port_ = 0;
  std::atomic<std::size_t> n_connections_ = 0;
  std::atomic<bool> stopped_ = false;
  std::jthread listener_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const std::string& host, int port, const HttpLimits& limits,
                                                      HttpHandlers handlers) {
  auto work = std::make_unique<Work>(limits, std::move(handlers));
  ASSAY_TRY(work->start(host, port));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(work)));
}

HttpServer::HttpServer(std::unique_ptr<Work> work) : work_(std::move(work)) {}
HttpServer::~HttpServer() = default;
int HttpServer::port() const { return work_->port(); }
void HttpServer::stop() { work_->stop_serving(); }
void HttpServer::wait_until_idle() { work_->wait_until_idle(); }

}  // namespace assay::serve
