// assay serve as a program: how it starts, says where it listens, and stops.

#include <chrono>
#include <csignal>
#include <thread>

#include "harness/serve/test_client.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using assay::serve::ClientAnswer;
using assay::serve::TestClient;
using Catch::Matchers::Contains;

namespace {

std::vector<std::string> serve_words(const std::vector<std::string>& more = {}) {
  std::vector<std::string> words = {"serve",  "--model", "reference", "--device",    "cpu",
                                    "--port", "0",       "--json",    "--kv-memory", "512MiB"};
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

/// Waits for the line that says where it listens.
int port_of(Call& server) {
  while (server.out_so_far().find('\n') == std::string::npos) {
    REQUIRE_FALSE(server.has_ended());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const Json where = json_of(server.out_so_far());
  CHECK(where["host"] == "127.0.0.1");
  CHECK(where["model"] == "reference");
  return where["port"].get<int>();
}

}  // namespace

TEST_CASE("serve: answers as generate does, and SIGINT and SIGTERM end it with exit code 0", "[cli]") {
  const int signal_number = GENERATE(SIGINT, SIGTERM);
  Call server(serve_words());
  const int port = port_of(server);
  const Ended generated =
      call({"generate", "--model", "reference", "--device", "cpu", "--prompt", "What is 7 - 3?", "--json"});
  REQUIRE(generated.exit_code == 0);
  TestClient client(port);
  client.send_post("/v1/chat/completions",
                   R"({"messages":[{"role":"user","content":"What is 7 - 3?"}],"temperature":0})");
  const ClientAnswer answer = client.read_answer();
  REQUIRE(answer.status == 200);
  const Json message = json_of(answer.body)["choices"][0]["message"];
  CHECK(message["reasoning_content"].get<std::string>() + "</think>" + message["content"].get<std::string>() ==
        json_of(generated.out)["text"]);
  server.send(signal_number);
  const Ended ended = server.wait();
  INFO(ended.err);
  CHECK(ended.exit_code == 0);
  CHECK(client.receive().empty());
}

TEST_CASE("serve: a reply that had to be cut is exit code 4, one that has the time ends whole", "[cli]") {
  const bool has_time = GENERATE(true, false);
  Call server(serve_words({"--drain-s", has_time ? "60" : "0"}));
  TestClient client(port_of(server));
  // Hot enough that hardly one ends by itself: some tokens, or more than can be made before the signal is heard.
  const std::string size = has_time ? R"("n":2,"max_tokens":100)" : R"("n":64,"max_tokens":1900)";
  client.send_post("/v1/completions", R"({"prompt":"once","temperature":8,"seed":1,"stream":true,)" + size + "}");
  std::string received = client.receive();
  REQUIRE(received.starts_with("HTTP/1.1 200"));
  server.send(SIGTERM);
  for (std::string more = client.receive(); !more.empty(); more = client.receive()) received += more;
  const Ended ended = server.wait();
  INFO(ended.err);
  if (has_time) {
    CHECK(ended.exit_code == 0);
    CHECK_THAT(received, Contains("data: [DONE]"));
    return;
  }
  CHECK(ended.exit_code == 4);
  CHECK_THAT(ended.err, Contains("1 requests were cut off") || Contains("1 request was cut off"));
  CHECK_THAT(received, Contains("the server is stopping"));
}

TEST_CASE("serve: words that are wrong are refused before a model is loaded", "[cli]") {
  const auto [words, environment, exit_code, word] =
      GENERATE(table<std::vector<std::string>, std::map<std::string, std::string>, int, std::string>({
          {{"serve"}, {}, 2, "--model is missing"},
          {{"serve", "--model", "replay:x.jsonl"}, {}, 2, "served"},
          {{"serve", "--model", "http://host/v1#m"}, {}, 2, "served"},
          {{"serve", "--model", "reference", "--port", "65536"}, {}, 2, "--port"},
          {{"serve", "--model", "reference", "--host", "0.0.0.0"}, {}, 2, "--insecure"},
          {{"serve", "--model", "reference", "--host", "127.evil.example"}, {}, 2, "--insecure"},
          {{"serve", "--model", "reference", "--api-key-env", "NO_SUCH"}, {}, 2, "NO_SUCH"},
          {{"serve", "--model", "reference", "--host", "no.such.host.invalid", "--insecure"}, {}, 2, "no.such.host"},
      }));
  const Ended ended = call(words, environment);
  INFO(ended.err);
  CHECK(ended.exit_code == exit_code);
  CHECK_THAT(ended.err, Contains(word));
}

TEST_CASE("serve: a port that is taken is exit code 3, the key comes from the variable alone", "[cli]") {
  Call server(serve_words({"--api-key-env", "KEY_OF_TEST"}), {{"KEY_OF_TEST", "secret"}});
  const int port = port_of(server);
  const Ended second = call({"serve", "--model", "reference", "--device", "cpu", "--port", std::to_string(port)});
  INFO(second.err);
  CHECK(second.exit_code == 3);
  TestClient client(port);
  client.send("GET /v1/models HTTP/1.1\r\n\r\n");
  CHECK(client.read_answer().status == 401);
  client.send("GET /v1/models HTTP/1.1\r\nAuthorization: Bearer secret\r\n\r\n");
  CHECK(client.read_answer().status == 200);
  server.send(SIGTERM);
  const Ended ended = server.wait();
  CHECK(ended.exit_code == 0);
  CHECK(ended.err.find("secret") == std::string::npos);
}
