#include "harness/bench/instant_server.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <string_view>
#include <thread>
#include <vector>

#include "harness/base/text.h"

namespace assay::bench {

namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

std::string chunk(const std::string& data) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string size;
  for (std::size_t n = data.size(); n > 0; n /= 16) size.insert(size.begin(), kHex[n % 16]);
  return size + "\r\n" + data + "\r\n";
}

std::string event(const std::string& json) { return chunk("data: " + json + "\n\n"); }

/// The whole answer to a POST.
std::string stream_of(int n_events) {
  std::string text = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < n_events; ++i) {
    text += event(R"({"choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]})");
  }
  text += event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,)"
                R"("completion_tokens":)" +
                std::to_string(n_events) + "}}");
  return text + event("[DONE]") + "0\r\n\r\n";
}

std::string model_list() {
  const std::string body = R"({"data":[{"id":"m"}]})";
  return "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}

/// The bytes of the first whole request in `text`; 0 as long as there is none.
std::size_t request_size(std::string_view text) {
  const std::size_t head = text.find(kEndOfHead);
  if (head == std::string_view::npos) return 0;
  std::size_t size = head + kEndOfHead.size();
  for (const std::string& line : split(std::string(text.substr(0, head)), '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || to_lower_ascii(line.substr(0, colon)) != "content-length") continue;
    size += static_cast<std::size_t>(parse_integer(trim(line.substr(colon + 1))).value_or(0));
  }
  return text.size() < size ? 0 : size;
}

/// False if the client has gone.
bool send_all(int connection, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

struct InstantServer::State {
  explicit State(int n_events) : reply(stream_of(n_events)) {}
  ~State() {
    stop.request_stop();
    [[maybe_unused]] const ssize_t woken = ::write(wake, &kOne, sizeof kOne);
    if (thread.joinable()) thread.join();
    for (const int descriptor : {listener, wake}) {
      if (descriptor >= 0) ::close(descriptor);
    }
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  Result<> listen();
  void serve();
  /// Answers what has come whole. False if the connection is over.
  bool take(int connection, std::string& received) const;

  static constexpr std::uint64_t kOne = 1;
  const std::string reply;
  int listener = -1, wake = -1;
  int port = 0;
  std::stop_source stop;
  std::thread thread;
};

Result<> InstantServer::State::listen() {
  listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  wake = ::eventfd(0, EFD_CLOEXEC);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  constexpr int kBacklog = 64;
  if (listener < 0 || wake < 0 || ::bind(listener, any, size) != 0 || ::listen(listener, kBacklog) != 0 ||
      ::getsockname(listener, any, &size) != 0) {
    return environment_error("the client's self-test needs a port of 127.0.0.1: ", std::strerror(errno));
  }
  port = ntohs(address.sin_port);
  return {};
}

bool InstantServer::State::take(int connection, std::string& received) const {
  std::array<char, 65536> part{};
  const ssize_t n = ::recv(connection, part.data(), part.size(), 0);
  if (n < 0 && errno == EINTR) return true;
  if (n <= 0) return false;
  received.append(part.data(), static_cast<std::size_t>(n));
  while (const std::size_t size = request_size(received)) {
    const bool is_post = received.starts_with("POST");
    received.erase(0, size);
    if (!send_all(connection, is_post ? reply : model_list())) return false;
  }
  return true;
}

void InstantServer::State::serve() {
  std::map<int, std::string> connections;  // what has come of the next request
  while (!stop.stop_requested()) {
    std::vector<pollfd> ends = {{wake, POLLIN, 0}, {listener, POLLIN, 0}};
    for (const auto& [connection, received] : connections) ends.push_back({connection, POLLIN, 0});
    if (::poll(ends.data(), ends.size(), -1) < 0) continue;
    for (const pollfd& end : ends) {
      if (end.revents == 0 || end.fd == wake) continue;
      if (end.fd == listener) {
        const int connection = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (connection < 0) continue;
        const timeval patience{.tv_sec = 5, .tv_usec = 0};  // with a client that no longer reads
        ::setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        connections[connection];
      } else if (!take(end.fd, connections[end.fd])) {
        ::close(end.fd);
        connections.erase(end.fd);
      }
    }
  }
  for (const auto& [connection, received] : connections) ::close(connection);
}

InstantServer::InstantServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
InstantServer::InstantServer(InstantServer&&) noexcept = default;
InstantServer& InstantServer::operator=(InstantServer&&) noexcept = default;
InstantServer::~InstantServer() = default;

Result<InstantServer> InstantServer::start(int n_events) {
  auto state = std::make_unique<State>(n_events);
  ASSAY_TRY(state->listen());
  state->thread = std::thread([server = state.get()] { server->serve(); });
  return InstantServer(std::move(state));
}

std::string InstantServer::reference() const { return "http://127.0.0.1:" + std::to_string(state_->port) + "/v1#m"; }

}  // namespace assay::bench
