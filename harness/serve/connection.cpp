#include "harness/serve/connection.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace assay::serve {

namespace {

int until(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  return static_cast<int>(std::max<long>(left, 0));
}

/// Waits for `events` on a socket. False when the deadline has passed.
bool wait_for(int socket, short events, std::chrono::steady_clock::time_point deadline) {
  pollfd waiting{socket, events, 0};
  int n = 0;
  do {
    n = ::poll(&waiting, 1, until(deadline));
  } while (n < 0 && errno == EINTR);
  return n > 0;
}

}  // namespace

Connection::Connection(int socket, int stop_event, const HttpLimits& limits)
    : socket_(socket), stop_event_(stop_event), limits_(limits) {
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // a token waits for no other one
}

/// Some of what a client still sends is read: closing with unread bytes would destroy the answer on its way.
Connection::~Connection() {
  ::shutdown(socket_, SHUT_WR);
  constexpr std::chrono::milliseconds kLinger(200);
  const Clock::time_point deadline = Clock::now() + kLinger;
  char rest[4096];
  for (int n_parts = 256; over_limit_ && n_parts > 0 && wait_for(socket_, POLLIN, deadline); --n_parts) {
    if (::recv(socket_, rest, sizeof rest, MSG_DONTWAIT) <= 0) break;
  }
  ::close(socket_);
}

bool Connection::wait_for_request() {
  n_left_ = limits_.max_head_bytes;
  const Clock::time_point idle_until = Clock::now() + limits_.idle_time;
  while (at_ == buffer_.size()) {
    pollfd waiting[2] = {{socket_, POLLIN, 0}, {stop_event_, POLLIN, 0}};
    const int n = ::poll(waiting, 2, until(idle_until));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || waiting[1].revents != 0) return false;
    break;
  }
  deadline_ = Clock::now() + limits_.request_time;
  return true;
}

long Connection::read(char* bytes, std::size_t size) {
  if (at_ == buffer_.size()) {
    if (!wait_for_bytes()) {
      too_slow_ = true;
      return -1;
    }
    buffer_.resize(std::size_t{16} << 10);
    const ssize_t n = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    buffer_.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    at_ = 0;
    if (n <= 0) return n;
  }
  const std::size_t n = std::min(size, buffer_.size() - at_);
  if (n > n_left_) {
    over_limit_ = true;
    return -1;
  }
  std::memcpy(bytes, buffer_.data() + at_, n);
  at_ += n;
  n_left_ -= n;
  return static_cast<long>(n);
}

/// Once the server stops, a request that is half read has little time left.
bool Connection::wait_for_bytes() {
  pollfd waiting[2] = {{socket_, POLLIN, 0}, {stop_event_, POLLIN, 0}};
  int n = 0;
  do {
    n = ::poll(waiting, 2, until(deadline_));
  } while (n < 0 && errno == EINTR);
  if (n <= 0) return false;
  if (waiting[0].revents != 0) return true;
  constexpr std::chrono::seconds kAtMost(1);
  deadline_ = std::min(deadline_, Clock::now() + kAtMost);
  return wait_for(socket_, POLLIN, deadline_);
}

long Connection::write(const char* bytes, std::size_t size) {
  std::size_t n_sent = 0;
  while (n_sent < size) {
    if (!wait_for(socket_, POLLOUT, Clock::now() + limits_.write_time)) return -1;
    const ssize_t n = ::send(socket_, bytes + n_sent, size - n_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return -1;
    n_sent += static_cast<std::size_t>(n);
  }
  return static_cast<long>(size);
}

bool Connection::client_is_gone() const {
  pollfd asked{socket_, POLLRDHUP, 0};
  return ::poll(&asked, 1, 0) > 0 && (asked.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

}  // namespace assay::serve
