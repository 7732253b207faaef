#pragma once
// One client's socket, read and written with limits and time-outs. One thread.

#include <chrono>
#include <cstddef>
#include <string>

#include "harness/serve/http_server.h"

namespace assay::serve {

class Connection {
 public:
  /// Takes the socket and closes it at the end. `stop_event` becomes readable when no further request shall be read.
  Connection(int socket, int stop_event, const HttpLimits& limits);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Waits for the first byte of a request, and starts its clock. False if there is none to come.
  bool wait_for_request();
  /// The head has been read: from here on as many bytes may come as a body has.
  void begin_body() { n_left_ = limits_.max_body_bytes + limits_.max_head_bytes; }
  /// Some bytes; 0 at the end, negative where a limit or the request's time is over.
  long read(char* bytes, std::size_t size);
  /// All of the bytes, or negative.
  long write(const char* bytes, std::size_t size);
  bool client_is_gone() const;
  /// Why read() failed.
  bool is_over_limit() const { return over_limit_; }
  bool is_too_slow() const { return too_slow_; }
  int socket() const { return socket_; }

 private:
  using Clock = std::chrono::steady_clock;

  bool wait_for_bytes();

  int socket_;
  int stop_event_;
  const HttpLimits& limits_;
  Clock::time_point deadline_;
  std::size_t n_left_ = 0;  // bytes that this request may still have
  bool over_limit_ = false, too_slow_ = false;
  std::string buffer_;  // read from the socket and not yet asked for, from at_ on
  std::size_t at_ = 0;
};

}  // namespace assay::serve
