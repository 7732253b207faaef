#pragma once
// TCP between the processes of one engine: addresses, connections, and bytes that come whole or not at all.

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/base/result.h"

namespace assay::runners {

/// Where a process listens: a name or number, and a port.
struct PartAddress {
  std::string host;
  int port = 0;

  std::string text() const;
};

/// "node1:7700", "10.0.0.1:7700", "[fe80::1]:7700". Error{bad_input} says what is right.
Result<PartAddress> parse_part_address(std::string_view text);
/// The addresses of this machine's interfaces, those of the machine alone last.
std::vector<std::string> interface_addresses();
/// This machine's name.
std::string host_name();

/// One end of a connection, or a listening socket. One thread sends and one receives at a time; any thread may shut it
/// down.
class PartSocket {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// Listens on the port of all interfaces; 0 takes a free one.
  static Result<PartSocket> listen(int port);
  /// The first of `addresses` that answers, tried again until the deadline.
  static Result<PartSocket> connect(std::span<const PartAddress> addresses, Deadline deadline);
  /// The next connection to a listening socket; nothing if none comes until the deadline.
  std::optional<PartSocket> accept(Deadline deadline) const;

  int port() const;  ///< that it listens on
  /// Error{environment} if the other end is gone, or takes nothing for as long as patience lasts; without any it is
  /// waited for until the socket is shut down.
  Result<> send(std::span<const std::byte> bytes) const;
  /// Fills `bytes`. Error{environment} if the other end is gone, or the deadline is over.
  Result<> receive(std::span<std::byte> bytes, std::optional<Deadline> deadline = {}) const;
  /// How long send() waits for the other end.
  void set_patience(std::chrono::milliseconds patience);
  /// Ends all sending and receiving, at both ends.
  void shut_down() const;

 private:
  /// A descriptor, closed at the end; -1 is none.
  class Descriptor {
   public:
    explicit Descriptor(int socket) : socket_(socket) {}
    Descriptor(Descriptor&& other) noexcept : socket_(std::exchange(other.socket_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
      std::swap(socket_, other.socket_);
      return *this;
    }
    ~Descriptor();
    int get() const { return socket_; }

   private:
    int socket_;
  };
  explicit PartSocket(int socket) : socket_(socket) {}

  Descriptor socket_;
  std::optional<std::chrono::milliseconds> patience_;
};

}  // namespace assay::runners
