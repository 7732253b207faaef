#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

#include "tests/support/tls_identity.h"

namespace assay::test_support {

namespace {

constexpr std::size_t kMostRequestBytes = 64 << 20;

void require(bool holds, const char* what) {
  if (holds) return;
  std::perror(what);
  std::abort();
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::string head_text(int status, const Headers& headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " " + (status < 300 ? "OK" : "Scripted") + "\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  return text + "\r\n";
}

std::string chunk(std::string_view bytes) {
  std::array<char, 20> size{};
  std::snprintf(size.data(), size.size(), "%zx\r\n", bytes.size());
  return std::string(size.data()).append(bytes) + "\r\n";
}

/// Binds to a free port of 127.0.0.1; returns socket and port.
std::pair<int, int> bound_socket() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(fd >= 0, "socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  require(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0, "bind");
  require(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0, "getsockname");
  return {fd, ntohs(address.sin_port)};
}

}  // namespace

Reply& Reply::send(std::string bytes) {
  actions_.push_back({Kind::send, 0, std::move(bytes)});
  return *this;
}

Reply& Reply::wait_ms(double ms) {
  actions_.push_back({Kind::wait, ms, {}});
  return *this;
}

Reply& Reply::answer(int status, std::string_view body, Headers headers) {
  headers.emplace_back("Content-Length", std::to_string(body.size()));
  keeps_open_ = true;
  return send(head_text(status, headers).append(body));
}

Reply& Reply::head(int status, const Headers& headers) { return send(head_text(status, headers)); }

Reply& Reply::stream_head(Headers headers) {
  headers.emplace_back("Content-Type", "text/event-stream");
  headers.emplace_back("Transfer-Encoding", "chunked");
  send(head_text(200, headers));
  chunked_ = true;
  return *this;
}

Reply& Reply::bytes(std::string_view bytes) { return send(chunked_ ? chunk(bytes) : std::string(bytes)); }

Reply& Reply::event(std::string_view data) { return bytes("data: " + std::string(data) + "\n\n"); }

Reply& Reply::end() {
  keeps_open_ = true;
  return send("0\r\n\r\n");
}

Reply& Reply::drip(std::string_view text, double ms) {
  for (const char c : text) wait_ms(ms).bytes(std::string_view(&c, 1));
  return *this;
}

Reply& Reply::close() {
  actions_.push_back({Kind::close, 0, {}});
  return *this;
}

Reply& Reply::reset() {
  actions_.push_back({Kind::reset, 0, {}});
  return *this;
}

Reply& Reply::stall() {
  actions_.push_back({Kind::stall, 0, {}});
  return *this;
}

struct ScriptedServer::Impl {
  Handler handler;
  std::optional<TlsIdentity> tls;
  int listener = -1;
  int port = 0;
  int stop_event = -1;  ///< becomes readable when all must end
  std::atomic<int> n_connections = 0;
  std::mutex handler_mutex;
  std::jthread acceptor;  // adds to `threads`, so it ends before they are joined
  std::vector<std::jthread> threads;

  mutable std::mutex mutex;  ///< guards what follows
  std::deque<Exchange> exchanges;
  int n_under_way = 0;
  int most_at_once = 0;

  void accept_all();
};

/// One connection, on its own thread.
class ServedConnection {
 public:
  ServedConnection(ScriptedServer::Impl& server, int fd, int number) : server_(server), fd_(fd), number_(number) {}
  ~ServedConnection() {
    if (ssl_ != nullptr) SSL_free(ssl_);
    if (fd_ >= 0) ::close(fd_);
  }

  void serve() {
    if (server_.tls) {
      ssl_ = SSL_new(server_.tls->context.get());
      SSL_set_fd(ssl_, fd_);
      if (!wait_readable() || SSL_accept(ssl_) != 1) return;
    }
    while (std::optional<ReceivedRequest> request = read_request()) {
      Exchange* exchange = nullptr;
      {
        const std::lock_guard lock(server_.mutex);
        request->n_before = static_cast<int>(server_.exchanges.size());
        server_.exchanges.push_back({*request, {}, false});
        exchange = &server_.exchanges.back();  // a deque's elements stay where they are
        server_.most_at_once = std::max(server_.most_at_once, ++server_.n_under_way);
      }
      Reply reply;
      {
        const std::lock_guard lock(server_.handler_mutex);
        reply = server_.handler(*request);
      }
      const bool goes_on = play(reply, request->received_at, *exchange);
      {
        const std::lock_guard lock(server_.mutex);
        --server_.n_under_way;
      }
      if (!goes_on) return;
    }
  }

 private:
  using Kind = Reply::Kind;

  /// False if the connection is to end.
  bool play(const Reply& reply, SteadyTime start, Exchange& exchange) {
    SteadyTime due = start;
    for (const Reply::Action& action : reply.actions_) {
      switch (action.kind) {
        case Kind::wait:
          due += std::chrono::duration_cast<SteadyTime::duration>(std::chrono::duration<double, std::milli>(action.ms));
          if (!wait_until(due, exchange)) return false;
          break;
        case Kind::send: {
          const bool sent = write_all(action.bytes);
          const SteadyTime now = std::chrono::steady_clock::now();
          const std::lock_guard lock(server_.mutex);
          exchange.sent_at.push_back(now);
          exchange.client_left = !sent;
          if (!sent) return false;
          break;
        }
        case Kind::close:
          if (ssl_ != nullptr) SSL_shutdown(ssl_);
          return false;
        case Kind::reset: {
          const linger at_once{.l_onoff = 1, .l_linger = 0};
          ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
          return false;
        }
        case Kind::stall:
          return wait_until(SteadyTime::max(), exchange);
      }
    }
    if (!reply.keeps_open_ && ssl_ != nullptr) SSL_shutdown(ssl_);
    return reply.keeps_open_;
  }

  /// False if the client left or the server ends.
  bool wait_until(SteadyTime due, Exchange& exchange) {
    while (true) {
      const SteadyTime now = std::chrono::steady_clock::now();
      if (due <= now) return true;
      const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(due - now);
      const timespec timeout{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
      std::array<pollfd, 2> watched{pollfd{server_.stop_event, POLLIN, 0}, pollfd{fd_, POLLRDHUP, 0}};
      if (::ppoll(watched.data(), watched.size(), &timeout, nullptr) <= 0) continue;
      if (watched[0].revents != 0) return false;
      const std::lock_guard lock(server_.mutex);
      exchange.client_left = true;
      return false;
    }
  }

  /// False if the server ends.
  bool wait_readable() {
    if (ssl_ != nullptr && SSL_pending(ssl_) > 0) return true;
    std::array<pollfd, 2> watched{pollfd{server_.stop_event, POLLIN, 0}, pollfd{fd_, POLLIN, 0}};
    while (::ppoll(watched.data(), watched.size(), nullptr, nullptr) < 0) continue;
    return watched[0].revents == 0;
  }

  /// False at the end of the connection.
  bool read_more() {
    std::array<char, 65536> bytes;
    if (!wait_readable()) return false;
    const auto n = ssl_ != nullptr ? SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                   : ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (n <= 0) return false;
    unread_.append(bytes.data(), static_cast<std::size_t>(n));
    return unread_.size() <= kMostRequestBytes;
  }

  bool write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()))
                                     : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  std::optional<ReceivedRequest> read_request() {
    std::size_t head_end = 0;
    while ((head_end = unread_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return {};
    }
    ReceivedRequest request;
    request.connection = number_;
    const std::string head = unread_.substr(0, head_end + 2);
    unread_.erase(0, head_end + 4);
    std::size_t at = head.find("\r\n") + 2;
    const std::size_t first_space = head.find(' ');
    request.method = head.substr(0, first_space);
    request.target = head.substr(first_space + 1, head.find(' ', first_space + 1) - first_space - 1);
    while (at < head.size()) {
      const std::size_t line_end = head.find("\r\n", at);
      const std::string line = head.substr(at, line_end - at);
      const std::size_t colon = std::min(line.find(':'), line.size());
      const std::size_t value = line.find_first_not_of(' ', colon + 1);
      request.headers[lower(line.substr(0, colon))] = value == std::string::npos ? "" : line.substr(value);
      at = line_end + 2;
    }
    if (request.headers.contains("expect") && !write_all("HTTP/1.1 100 Continue\r\n\r\n")) return {};
    const auto length = request.headers.find("content-length");
    const std::size_t n_body = length == request.headers.end() ? 0 : std::strtoull(length->second.c_str(), nullptr, 10);
    while (unread_.size() < n_body) {
      if (!read_more()) return {};
    }
    request.body = unread_.substr(0, n_body);
    unread_.erase(0, n_body);
    request.received_at = std::chrono::steady_clock::now();
    return request;
  }

  ScriptedServer::Impl& server_;
  int fd_;
  const int number_;
  SSL* ssl_ = nullptr;
  std::string unread_;
};

void ScriptedServer::Impl::accept_all() {
  while (true) {
    std::array<pollfd, 2> watched{pollfd{stop_event, POLLIN, 0}, pollfd{listener, POLLIN, 0}};
    if (::ppoll(watched.data(), watched.size(), nullptr, nullptr) < 0) continue;
    if (watched[0].revents != 0) return;
    const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Writes to a client that reads nothing end, too.
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    const int number = n_connections++;
    threads.emplace_back([this, fd, number] {
      ::prctl(PR_SET_TIMERSLACK, 1UL);  // ns: waits end when they are due, not 50 us later
      sigset_t signals;
      ::sigemptyset(&signals);
      ::sigaddset(&signals, SIGPIPE);  // OpenSSL writes without MSG_NOSIGNAL
      ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
      ServedConnection(*this, fd, number).serve();
    });
  }
}

ScriptedServer::ScriptedServer(Handler handler, ServerOptions options) : impl_(std::make_unique<Impl>()) {
  impl_->handler = std::move(handler);
  if (options.tls) impl_->tls = make_tls_identity();
  std::tie(impl_->listener, impl_->port) = bound_socket();
  require(::listen(impl_->listener, 4096) == 0, "listen");
  impl_->stop_event = ::eventfd(0, EFD_CLOEXEC);
  require(impl_->stop_event >= 0, "eventfd");
  impl_->acceptor = std::jthread([impl = impl_.get()] { impl->accept_all(); });
}

ScriptedServer::ScriptedServer(std::vector<Reply> replies, ServerOptions options)
    : ScriptedServer(
          [replies = std::move(replies)](const ReceivedRequest& request) {
            return replies[std::min(static_cast<std::size_t>(request.n_before), replies.size() - 1)];
          },
          options) {}

ScriptedServer::~ScriptedServer() {
  const std::uint64_t one = 1;
  require(::write(impl_->stop_event, &one, sizeof one) == sizeof one, "write");
  impl_->acceptor.join();
  impl_->threads.clear();  // joins
  ::close(impl_->listener);
  ::close(impl_->stop_event);
}

int ScriptedServer::port() const { return impl_->port; }

std::string ScriptedServer::url() const {
  return (impl_->tls ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(impl_->port);
}

std::string ScriptedServer::certificate_pem() const { return impl_->tls ? impl_->tls->certificate_pem : std::string(); }

int ScriptedServer::n_connections() const { return impl_->n_connections; }

int ScriptedServer::n_requests() const {
  const std::lock_guard lock(impl_->mutex);
  return static_cast<int>(impl_->exchanges.size());
}

int ScriptedServer::most_at_once() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->most_at_once;
}

std::vector<Exchange> ScriptedServer::exchanges() const {
  const std::lock_guard lock(impl_->mutex);
  return {impl_->exchanges.begin(), impl_->exchanges.end()};
}

int closed_port() {
  const auto [fd, port] = bound_socket();
  ::close(fd);
  return port;
}

}  // namespace assay::test_support
