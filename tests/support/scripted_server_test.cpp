#include "tests/support/scripted_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/catch.h"

namespace assay::test_support {

namespace {

/// A bare connection to a server.
class RawClient {
 public:
  explicit RawClient(const ScriptedServer& server) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(server.port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~RawClient() { ::close(fd_); }

  void send(const std::string& text) {
    REQUIRE(::send(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
  }

  /// Empty at the end of the connection; "reset" where it was reset.
  std::string receive() {
    char bytes[4096];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    return n < 0 ? "reset" : std::string(bytes, static_cast<std::size_t>(n));
  }

 private:
  int fd_;
};

const std::string kRequest = "POST /v1/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";

double ms_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

}  // namespace

TEST_CASE("scripted_server: a request is recorded and two answers go out on one connection", "[support]") {
  ScriptedServer server({Reply().answer(200, "{}"), Reply().answer(429, "no", {{"Retry-After", "1"}})});
  RawClient client(server);
  client.send(kRequest);
  CHECK(client.receive() == "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  client.send(kRequest);
  CHECK(client.receive() == "HTTP/1.1 429 Scripted\r\nRetry-After: 1\r\nContent-Length: 2\r\n\r\nno");
  REQUIRE(server.n_requests() == 2);
  CHECK(server.n_connections() == 1);
  const Exchange first = server.exchanges().front();
  CHECK(first.request.method == "POST");
  CHECK(first.request.target == "/v1/x");
  CHECK(first.request.headers.at("host") == "a");
  CHECK(first.request.body == "abc");
}

TEST_CASE("scripted_server: events leave when they are due, and waits do not add up their errors", "[support]") {
  constexpr int kEvents = 200;
  Reply reply;
  reply.wait_ms(20).stream_head();
  for (int i = 0; i < kEvents; ++i) reply.wait_ms(1).event(std::to_string(i));
  reply.end();
  ScriptedServer server({reply});
  RawClient client(server);
  client.send(kRequest);
  std::string all;
  while (!all.ends_with("0\r\n\r\n")) all += client.receive();
  CHECK(all.find("c\r\ndata: 199\n\n\r\n") == std::string::npos);  // 11 bytes: data: 199 and two ends of line
  CHECK(all.find("b\r\ndata: 199\n\n\r\n") != std::string::npos);
  while (server.exchanges().front().sent_at.size() < kEvents + 2) ::usleep(1000);  // noted behind the sending
  const Exchange exchange = server.exchanges().front();
  REQUIRE(exchange.sent_at.size() == kEvents + 2);
  std::vector<double> late_ms;
  for (int i = 0; i < kEvents; ++i) {
    late_ms.push_back(ms_between(exchange.request.received_at, exchange.sent_at[i + 1]) - (20.0 + 1.0 * (i + 1)));
  }
  CHECK(*std::min_element(late_ms.begin(), late_ms.end()) >= 0);
  std::nth_element(late_ms.begin(), late_ms.begin() + kEvents / 10, late_ms.end());
  CHECK(late_ms[kEvents / 10] < 0.5);  // of those that other work on this machine did not delay
}

TEST_CASE("scripted_server: it closes, resets and stalls as told, and sees that a client leaves", "[support]") {
  ScriptedServer server({Reply().head(200).bytes("half").close(), Reply().reset(), Reply().stall()});
  {
    RawClient client(server);
    client.send(kRequest);
    std::string all;
    for (std::string more = client.receive(); !more.empty(); more = client.receive()) all += more;
    CHECK(all == "HTTP/1.1 200 OK\r\n\r\nhalf");
  }
  {
    RawClient client(server);
    client.send(kRequest);
    CHECK(client.receive() == "reset");
  }
  {
    RawClient client(server);
    client.send(kRequest);
    while (server.n_requests() < 3) ::usleep(1000);
  }
  while (!server.exchanges().back().client_left) ::usleep(1000);
  CHECK(server.exchanges().back().client_left);
}

}  // namespace assay::test_support
