#include "runners/engine/parts/part_socket.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "harness/base/text.h"

namespace assay::runners {

namespace {

using Deadline = PartSocket::Deadline;
using Clock = std::chrono::steady_clock;

constexpr auto kBetweenAttempts = std::chrono::milliseconds(100);
constexpr auto kConnectPatience = std::chrono::seconds(3);
constexpr std::size_t kMostAtOnce = std::size_t{1} << 20;

/// Milliseconds as poll() takes them.
int left_ms(std::optional<Deadline> deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

/// Whether the socket becomes ready for `events` until the deadline.
bool wait_until_ready(int socket, short events, std::optional<Deadline> deadline) {
  for (;;) {
    pollfd waited{socket, events, 0};
    const int n = ::poll(&waited, 1, left_ms(deadline));
    if (n > 0) return true;
    if (n == 0 && deadline && Clock::now() >= *deadline) return false;
    if (n < 0 && errno != EINTR) return false;
  }
}

void send_at_once(int socket) {
  const int on = 1;
  static_cast<void>(::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
}

/// A connected socket, or -1.
int connect_once(const PartAddress& address, Deadline deadline) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &found) != 0) return -1;
  int connected = -1;
  for (const addrinfo* a = found; a != nullptr && connected < 0; a = a->ai_next) {
    const int socket = ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
    if (socket < 0) continue;
    int failure = ::connect(socket, a->ai_addr, a->ai_addrlen) == 0 ? 0 : errno;
    if (failure == EINPROGRESS &&
        wait_until_ready(socket, POLLOUT, std::min(deadline, Clock::now() + kConnectPatience))) {
      socklen_t size = sizeof failure;
      if (::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failure, &size) != 0) failure = errno;
    }
    if (failure == 0) {
      connected = socket;
    } else {
      ::close(socket);
    }
  }
  ::freeaddrinfo(found);
  return connected;
}

}  // namespace

std::string PartAddress::text() const {
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Result<PartAddress> parse_part_address(std::string_view text) {
  const Error wrong = bad_input("must be HOST:PORT, such as node1:7700, is ", quoted_excerpt(text));
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong;
  std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  const auto port = parse_integer(text.substr(colon + 1));
  if (host.empty() || (!is_bracketed && host.find(':') != std::string_view::npos)) return wrong;
  if (!port || *port < 1 || *port > 65535) return wrong;
  return PartAddress{std::string(host), static_cast<int>(*port)};
}

std::vector<std::string> interface_addresses() {
  std::vector<std::string> outer, own;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return {"127.0.0.1"};
  for (const ifaddrs* a = all; a != nullptr; a = a->ifa_next) {
    if (a->ifa_addr == nullptr || (a->ifa_flags & IFF_UP) == 0) continue;
    const int family = a->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    char text[NI_MAXHOST] = {};
    const socklen_t size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    if (::getnameinfo(a->ifa_addr, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST) != 0) continue;
    if (std::strchr(text, '%') != nullptr) continue;  // of one link alone
    ((a->ifa_flags & IFF_LOOPBACK) != 0 ? own : outer).emplace_back(text);
  }
  ::freeifaddrs(all);
  outer.insert(outer.end(), own.begin(), own.end());
  return outer;
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

PartSocket::Descriptor::~Descriptor() {
  if (socket_ >= 0) ::close(socket_);
}

Result<PartSocket> PartSocket::listen(int port) {
  for (const int family : {AF_INET6, AF_INET}) {  // the first takes both, where there is IPv6
    PartSocket made(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int socket = made.socket_.get();
    if (socket < 0) continue;
    const int on = 1, off = 0;
    static_cast<void>(::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    sockaddr_in6 any6{};
    any6.sin6_family = AF_INET6;
    any6.sin6_addr = in6addr_any;
    any6.sin6_port = htons(static_cast<std::uint16_t>(port));
    sockaddr_in any4{};
    any4.sin_family = AF_INET;
    any4.sin_port = any6.sin6_port;
    if (family == AF_INET6) static_cast<void>(::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off));
    const auto* address =
        family == AF_INET6 ? reinterpret_cast<const sockaddr*>(&any6) : reinterpret_cast<const sockaddr*>(&any4);
    const socklen_t size = family == AF_INET6 ? sizeof any6 : sizeof any4;
    if (::bind(socket, address, size) == 0 && ::listen(socket, 64) == 0) return {std::move(made)};
    if (errno == EADDRINUSE || errno == EACCES) break;
  }
  return environment_error("can't listen on port ", port, ": ", std::strerror(errno));
}

Result<PartSocket> PartSocket::connect(std::span<const PartAddress> addresses, Deadline deadline) {
  for (;;) {
    for (const PartAddress& address : addresses) {
      PartSocket made(connect_once(address, deadline));
      if (made.socket_.get() < 0) continue;
      send_at_once(made.socket_.get());
      return {std::move(made)};
    }
    if (Clock::now() + kBetweenAttempts >= deadline) break;
    std::this_thread::sleep_for(kBetweenAttempts);
  }
  std::vector<std::string> texts;
  for (const PartAddress& address : addresses) texts.push_back(address.text());
  return environment_error("nobody answers at ", join(texts, ", "));
}

std::optional<PartSocket> PartSocket::accept(Deadline deadline) const {
  if (!wait_until_ready(socket_.get(), POLLIN, deadline)) return {};
  PartSocket made(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (made.socket_.get() < 0) return {};
  send_at_once(made.socket_.get());
  return made;
}

int PartSocket::port() const {
  sockaddr_in6 address{};
  socklen_t size = sizeof address;
  if (::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin6_port);  // an IPv4 address has its port in the same place
}

void PartSocket::set_patience(std::chrono::milliseconds patience) { patience_ = patience; }

Result<> PartSocket::send(std::span<const std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), std::min(bytes.size(), kMostAtOnce), MSG_NOSIGNAL);
    if (n > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      std::optional<Deadline> deadline;
      if (patience_) deadline = Clock::now() + *patience_;
      if (!wait_until_ready(socket_.get(), POLLOUT, deadline)) {
        return environment_error("it takes no data");
      }
    } else if (n >= 0 || errno != EINTR) {
      return environment_error("the connection is closed");
    }
  }
  return {};
}

Result<> PartSocket::receive(std::span<std::byte> bytes, std::optional<Deadline> deadline) const {
  while (!bytes.empty()) {
    const ssize_t n = ::recv(socket_.get(), bytes.data(), std::min(bytes.size(), kMostAtOnce), 0);
    if (n > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!wait_until_ready(socket_.get(), POLLIN, deadline)) return environment_error("it sends nothing");
    } else if (n == 0 || errno != EINTR) {
      return environment_error("the connection is closed");
    }
  }
  return {};
}

void PartSocket::shut_down() const { static_cast<void>(::shutdown(socket_.get(), SHUT_RDWR)); }

}  // namespace assay::runners
