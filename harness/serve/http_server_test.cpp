// The HTTP layer against clients that misbehave.

#include "harness/serve/http_server.h"

#include <atomic>
#include <thread>

#include "harness/serve/test_client.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::serve;

namespace {

HttpHandlers echoing() {
  HttpHandlers handlers;
  handlers.judge_head = [](const HttpRequest& http) -> HttpAnswer {
    if (http.path == "/nothing") return {404, "text/plain", "nothing"};
    return {};
  };
  handlers.answer = [](const HttpRequest& http) -> HttpAnswer {
    if (http.path == "/throw") throw std::runtime_error("a bug");
    if (http.path == "/stream") {
      HttpAnswer answer{200, "text/plain", ""};
      answer.write_body = [](const BodyWriter& write) {
        for (int i = 0; i < 3; ++i) {
          if (!write("part" + std::to_string(i) + " ")) return false;
        }
        return true;
      };
      return answer;
    }
    return {200, "text/plain", http.method + " " + http.path + " " + std::to_string(http.body.size())};
  };
  handlers.error_body = [](int status, std::string_view why) {
    return std::to_string(status) + ": " + std::string(why);
  };
  return handlers;
}

HttpLimits short_limits() {
  HttpLimits limits;
  limits.max_body_bytes = 100'000;
  limits.max_head_bytes = 20'000;
  limits.request_time = std::chrono::milliseconds(300);
  limits.max_connections = 8;
  return limits;
}

std::unique_ptr<HttpServer> started(const HttpLimits& limits) {
  auto server = HttpServer::start("127.0.0.1", 0, limits, echoing());
  if (!server) FAIL(server.error().message);
  return std::move(*server);
}

}  // namespace

TEST_CASE("HttpServer: answers many requests over one connection, streams among them", "[serve]") {
  const auto server = started({});
  TestClient client(server->port());
  for (int i = 0; i < 20; ++i) {
    client.send_post("/a", std::string(static_cast<std::size_t>(i) * 100, 'x'));
    const ClientAnswer answer = client.read_answer();
    CHECK(answer.status == 200);
    CHECK(answer.body == "POST /a " + std::to_string(i * 100));
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    CHECK(client.read_answer().body == "part0 part1 part2 ");
  }
  // Two at once, and a body in chunks.
  client.send(
      "GET /b HTTP/1.1\r\n\r\nPOST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  CHECK(client.read_answer().body == "GET /b 0");
  CHECK(client.read_answer().body == "POST /c 5");
  client.send("GET /throw HTTP/1.1\r\n\r\n");
  CHECK(client.read_answer().status == 500);
}

TEST_CASE("HttpServer: requests that are no HTTP, too large, too slow or unwanted get a status and nothing else",
          "[serve]") {
  const auto server = started(short_limits());
  struct Case {
    std::string bytes;
    std::vector<int> statuses;  // any of these
  };
  const Case c =
      GENERATE(Case{"\r\n\r\n", {400}}, Case{"hello world\r\n\r\n", {400}}, Case{"GET / HTTP/9.9\r\n\r\n", {400}},
               Case{std::string(1000, '\0') + "\r\n\r\n", {400}},
               Case{"GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n", {400, 414}},
               Case{"GET / HTTP/1.1\r\nA: " + std::string(50'000, 'a'), {400, 413}},  // a line without an end
               Case{"POST /a HTTP/1.1\r\nContent-Length: 100001\r\n\r\n", {413}},
               Case{"POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999999999\r\n\r\n", {413, 400}},
               Case{"POST /a HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nabcde", {415}},
               Case{"POST /nothing HTTP/1.1\r\nContent-Length: 100000000000\r\n\r\n", {404}},
               Case{"GET / HTTP/1.1\r\nHo", {400, 408}},                                 // it never goes on
               Case{"POST /a HTTP/1.1\r\nContent-Length: 50\r\n\r\nshort", {400, 408}},  // nor does this
               Case{"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", {400, 408}});
  TestClient client(server->port());
  client.send(c.bytes);
  const ClientAnswer answer = client.read_answer();
  CAPTURE(c.bytes.substr(0, 100), answer.head, answer.body);
  CHECK((answer.status == 0 || std::find(c.statuses.begin(), c.statuses.end(), answer.status) != c.statuses.end()));
  TestClient next(server->port());
  next.send("GET /alive HTTP/1.1\r\n\r\n");
  CHECK(next.read_answer().body == "GET /alive 0");
}

TEST_CASE("HttpServer: a body in endless chunks, and headers without end, are cut off", "[serve]") {
  const auto server = started(short_limits());
  const std::string kind = GENERATE("chunks", "headers");
  TestClient client(server->port());
  client.send(kind == "chunks" ? "POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" : "GET /a HTTP/1.1\r\n");
  const std::string part =
      kind == "chunks" ? "3e8\r\n" + std::string(1000, 'x') + "\r\n" : "A: " + std::string(500, 'x') + "\r\n";
  int n_sent = 0;
  while (n_sent < 100'000 && client.send(part)) ++n_sent;
  CHECK(n_sent < 100'000);  // 50 MB and more: the server has hung up long before
}

TEST_CASE("HttpServer: a slow sender is given up, and holds nobody else up", "[serve]") {
  HttpLimits limits = short_limits();
  limits.max_connections = 1000;  // a busy machine sees late that a client has gone
  const auto server = started(limits);
  TestClient slow(server->port());
  std::atomic<bool> given_up = false;
  std::jthread dripping([&] {
    for (int i = 0; i < 1000 && slow.send("x"); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    given_up = true;
  });
  while (!given_up) {
    TestClient client(server->port());
    client.send("GET /a HTTP/1.1\r\n\r\n");
    CHECK(client.read_answer().body == "GET /a 0");
  }
  dripping.join();
  CHECK(slow.read_answer().status != 200);
}

TEST_CASE("HttpServer: beyond its connections it says so, and takes new ones once others end", "[serve]") {
  HttpLimits limits = short_limits();
  limits.request_time = std::chrono::seconds(20);
  const auto server = started(limits);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (std::size_t i = 0; i < limits.max_connections; ++i) {
    clients.push_back(std::make_unique<TestClient>(server->port()));
    clients.back()->send("GET /a HTTP/1.1\r\n\r\n");
    CHECK(clients.back()->read_answer().status == 200);
  }
  TestClient late(server->port());
  late.send("GET /a HTTP/1.1\r\n\r\n");
  CHECK(late.read_answer().status == 503);
  clients.clear();
  int status = 503;
  for (int i = 0; i < 1000 && status != 200; ++i) {
    TestClient client(server->port());
    client.send("GET /a HTTP/1.1\r\n\r\n");
    status = client.read_answer().status;
  }
  CHECK(status == 200);
}

TEST_CASE("HttpServer: a port that is taken, and a host that is none, are said", "[serve]") {
  const auto server = started({});
  const auto second = HttpServer::start("127.0.0.1", server->port(), {}, echoing());
  REQUIRE_FALSE(second);
  CHECK(second.error().kind == ErrorKind::environment);
  const auto nowhere = HttpServer::start("no.such.host.invalid", 0, {}, echoing());
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().kind == ErrorKind::bad_input);
}

TEST_CASE("HttpServer: stopping ends idle connections at once", "[serve]") {
  const auto server = started({});
  TestClient idle(server->port()), used(server->port());
  used.send("GET /a HTTP/1.1\r\n\r\n");
  CHECK(used.read_answer().status == 200);
  server->wait_until_idle();
  CHECK(used.receive().empty());
  CHECK_FALSE(TestClient(server->port()).connected());
}

TEST_CASE("HttpServer: an answer that is begun when the server stops is given whole", "[serve]") {
  HttpHandlers handlers = echoing();
  std::atomic<HttpServer*> stopped = nullptr;
  handlers.answer = [&stopped](const HttpRequest& http) -> HttpAnswer {
    while (stopped == nullptr) std::this_thread::yield();
    stopped.load()->stop();
    if (http.path == "/whole") return {200, "text/plain", "whole"};
    HttpAnswer answer{200, "text/plain", ""};
    answer.write_body = [](const BodyWriter& write) {
      for (int i = 0; i < 100; ++i) {
        if (!write("part ")) return false;
      }
      return true;
    };
    return answer;
  };
  auto started_server = HttpServer::start("127.0.0.1", 0, {}, std::move(handlers));
  REQUIRE(started_server);
  const std::string path = GENERATE("/whole", "/stream");
  TestClient client((*started_server)->port());
  stopped = started_server->get();
  client.send("GET " + path + " HTTP/1.1\r\n\r\n");
  const ClientAnswer answer = client.read_answer();
  CHECK(answer.status == 200);
  CHECK(answer.body.size() == (path == "/whole" ? 5 : 500));
  (*started_server)->wait_until_idle();
}
