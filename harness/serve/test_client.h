#pragma once
// A plain HTTP client for the tests: sends bytes as they are given, and reads an answer to its end.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/base/json.h"
#include "tests/support/catch.h"

namespace assay::serve {

struct ClientAnswer {
  int status = 0;  ///< 0: the connection was closed without an answer
  std::string head, body;
};

class TestClient {
 public:
  explicit TestClient(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~TestClient() { hang_up(); }
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  bool connected() const { return connected_; }
  void hang_up() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void send_post(const std::string& path, const std::string& body, const std::string& headers = "") const {
    send("POST " + path + " HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  /// More bytes of what is coming; empty at the end.
  std::string receive() const {
    char bytes[4096];
    const ssize_t n = ::recv(socket_, bytes, sizeof bytes, 0);
    return n > 0 ? std::string(bytes, static_cast<std::size_t>(n)) : std::string();
  }

  /// An answer with a Content-Length or in chunks, whose framing is taken away.
  ClientAnswer read_answer() {
    ClientAnswer answer;
    std::size_t end = 0;
    while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return answer;
    }
    answer.head = buffer_.substr(0, end + 2);
    buffer_.erase(0, end + 4);
    answer.status = std::stoi(answer.head.substr(9, 3));
    if (answer.head.find("chunked") == std::string::npos) {
      const std::size_t at = answer.head.find("Content-Length: ");
      const std::size_t n = at == std::string::npos ? 0 : std::stoul(answer.head.substr(at + 16));
      while (buffer_.size() < n && more()) continue;
      answer.body = buffer_.substr(0, n);
      buffer_.erase(0, n);
      return answer;
    }
    while (true) {
      std::size_t line = 0;
      while ((line = buffer_.find("\r\n")) == std::string::npos) {
        if (!more()) return answer;
      }
      const std::size_t n = std::stoul(buffer_.substr(0, line), nullptr, 16);
      while (buffer_.size() < line + 2 + n + 2) {
        if (!more()) return answer;
      }
      answer.body += buffer_.substr(line + 2, n);
      buffer_.erase(0, line + 2 + n + 2);
      if (n == 0) return answer;
    }
  }

 private:
  bool more() {
    const std::string bytes = receive();
    buffer_ += bytes;
    return !bytes.empty();
  }

  int socket_;
  bool connected_ = false;
  std::string buffer_;
};

/// The documents of a stream, without the [DONE] that must end it.
inline std::vector<Json> stream_events(std::string_view body) {
  std::vector<Json> events;
  bool done = false;
  while (!body.empty()) {
    const std::size_t end = body.find("\n\n");
    REQUIRE(end != std::string_view::npos);
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 2);
    REQUIRE(line.starts_with("data: "));
    REQUIRE_FALSE(done);
    if (line == "data: [DONE]") {
      done = true;
      continue;
    }
    events.push_back(*parse_json(line.substr(6), "event"));
  }
  if (!events.empty() && !events.back().contains("error")) REQUIRE(done);
  return events;
}

}  // namespace assay::serve
