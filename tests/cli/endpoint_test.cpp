// Runs on an endpoint: the program against a server on loopback that answers from a suite's own questions, and
// misbehaves.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <random>
#include <set>
#include <thread>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"
#include "tests/support/scripted_server.h"

using namespace assay;
using namespace assay::program_test;
using namespace assay::test_support;
using Catch::Matchers::Contains;

namespace {

const std::string kKey = "sk-secret-0123456789abcdef";

std::string delta(const std::string& field, const std::string& text) {
  return R"({"choices":[{"index":0,"delta":{")" + field + "\":" + to_json_text(Json(text)) + "}}]}";
}

std::string question_of(const ReceivedRequest& request) {
  return Json::parse(request.body)["messages"].back()["content"];
}

/// The whole reply to a question "… N …" of write_suite(): the word "aN", after a thought.
Reply right_reply(const ReceivedRequest& request, double ms = 0) {
  const std::string question = question_of(request);
  const std::size_t first = question.find_first_of("0123456789");
  const std::string number =
      first == std::string::npos ? "" : question.substr(first, question.find_first_not_of("0123456789", first) - first);
  return Reply()
      .wait_ms(ms)
      .stream_head()
      .event(delta("reasoning_content", "Easy"))
      .event(delta("content", "a" + number))
      .event(R"({"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]})")
      .event(R"({"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":3}})")
      .event("[DONE]")
      .end();
}

Reply models() { return Reply().answer(200, R"({"data":[{"id":"toy"}]})"); }

struct Setting {
  int n_items;
  TemporaryFolder folder;
  std::string suite = write_suite(folder, "words", n_items);
  std::string db = folder / "runs.db";
  explicit Setting(int n) : n_items(n) {}

  std::vector<std::string> words(const ScriptedServer& server, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> all = {"run",       "--model", server.url() + "/v1#toy", "--suite", suite,  "--json",
                                    "--name",    "there",   "--max-output-tokens",    "50",      "--db", db,
                                    "--retries", "2"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
};

}  // namespace

TEST_CASE("run: an endpoint is asked, and the record says where prompts went", "[cli]") {
  const Setting setting(30);
  ScriptedServer server([&](const ReceivedRequest& request) {
    CHECK(request.headers.at("authorization") == "Bearer " + kKey);
    return request.method == "GET" ? models() : right_reply(request);
  });
  const Ended ended = call(setting.words(server, {"--api-key-env", "MY_KEY"}), {{"MY_KEY", kKey}});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json run = json_of(ended.out);
  CHECK(run["suites"][0]["accuracy"] == 1);
  CHECK(run["model"]["name"] == "toy");
  CHECK(run["model"]["weights_sha256"].is_null());
  CHECK(run["hardware"]["device_kind"] == "remote");
  CHECK(run["hardware"]["device_name"] == "127.0.0.1");
  CHECK(run["energy"].is_null());
  CHECK(run["cost"]["usd_total"].is_null());
  CHECK(run["tokens"]["prompt"] == 30 * 11);
  CHECK(run["tokens"]["output"] == 30 * 3);
  CHECK(run["tokens"]["cached_prompt"].is_null());
  CHECK(run["sent_to"]["suites"] == Json::array({"words"}));
  CHECK_THAT(ended.err, Contains("the prompts of words go to 127.0.0.1"));
  CHECK(stored_content(setting.db).size() == 30);

  CHECK_THAT(call({"report", "latest", "--db", setting.db}).out, Contains("prompts of words went to 127.0.0.1"));
  CHECK_THAT(ended.out + ended.err, !Contains(kKey));
  CHECK(read_text(setting.db).find(kKey) == std::string::npos);
}

TEST_CASE("run: an endpoint's faults become verdicts error with their reason, no sample is lost or doubled", "[cli]") {
  const Setting setting(40);
  ScriptedServer server([&](const ReceivedRequest& request) {
    if (request.method == "GET") return models();
    const bool is_bad = question_of(request).find('7') != std::string::npos;  // items 7, 17, 27 and 37
    return is_bad ? Reply().stream_head().event(delta("content", "half")).reset() : right_reply(request);
  });
  const Ended ended = call(setting.words(server, {"--temperature", "0"}));
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  const Json suite = json_of(ended.out)["suites"][0];
  const auto stored = stored_content(setting.db);
  CHECK(stored.size() == 40);
  for (const auto& [key, content] : stored) {
    const bool is_bad = key.find('7') != std::string::npos;
    CAPTURE(key, content);
    CHECK((content.find("after 3 attempts: the connection to 127.0.0.1 broke") != std::string::npos) == is_bad);
    CHECK((content.find("\"error\"") != std::string::npos) == is_bad);
  }
  CHECK(suite["errors"] == 4);
  CHECK(suite["samples"] == 1);
  CHECK(server.n_requests() == 1 + 36 + 4 * 3);
}

TEST_CASE("run: on an endpoint that is down it is exit code 3 in one line, and no run begins", "[cli]") {
  const Setting setting(3);
  const std::string url = "http://127.0.0.1:" + std::to_string(closed_port()) + "/v1#toy";
  const Ended ended = call({"run", "--model", url, "--suite", setting.suite, "--db", setting.db});
  CHECK(ended.exit_code == 3);
  CHECK_THAT(ended.err, Contains("can't be reached"));
  CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 1);
  CHECK(json_of(call({"runs", "--json", "--db", setting.db}).out)["runs"].empty());
}

TEST_CASE("run: words about an endpoint that are wrong are exit code 2", "[cli]") {
  const Setting setting(3);
  ScriptedServer server(
      [](const ReceivedRequest& request) { return request.method == "GET" ? models() : right_reply(request); });
  const auto refused = [&](const std::vector<std::string>& words, const char* says,
                           const std::map<std::string, std::string>& environment = {}) {
    const Ended ended = call(words, environment);
    CHECK(ended.exit_code == 2);
    CHECK_THAT(ended.err, Contains(says));
  };
  refused({"run", "--model", server.url() + "/v1", "--suite", "smoke"}, "does not say which model");
  refused(setting.words(server, {"--api-key-env", "NOT_THERE"}), "NOT_THERE");
  refused(setting.words(server, {"--dummy-weights"}), "is an endpoint");
  refused({"generate", "--model", server.url() + "/v1#toy", "--prompt", "x", "--logprobs", "1"}, "--logprobs");
  CHECK(server.n_requests() <= 1);
}

TEST_CASE("run: a wrong key stops the run before it begins, and a model that goes away can be resumed", "[cli]") {
  const Setting setting(10);
  ScriptedServer strict({Reply().answer(401, R"({"error":{"message":"bad key )" + kKey + "\"}}")});
  const Ended refused = call(setting.words(strict), {{"ASSAY_API_KEY", kKey}});
  CHECK(refused.exit_code == 3);
  CHECK_THAT(refused.err, Contains("HTTP 401") && !Contains(kKey));

  std::atomic<bool> is_gone = true;
  ScriptedServer server([&](const ReceivedRequest& request) {
    if (request.method == "GET") return models();
    const bool is_late = request.n_before > 5;
    return is_gone && is_late ? Reply().answer(404, R"({"error":{"message":"no model toy"}})") : right_reply(request);
  });
  const Ended stopped = call(setting.words(server, {"--max-batch", "1"}));
  CHECK(stopped.exit_code == 3);
  CHECK_THAT(stopped.err, Contains("no model toy") && Contains("5 of 10 samples are stored"));
  is_gone = false;
  const Ended resumed = call(resume_words(stopped.err));
  INFO(resumed.err);
  CHECK(resumed.exit_code == 0);
  CHECK(stored_content(setting.db).size() == 10);
}

TEST_CASE("run: on an endpoint, killed at any moment and given again, it asks for what is missing alone", "[cli]") {
  const Setting setting(200);
  ScriptedServer server(
      [](const ReceivedRequest& request) { return request.method == "GET" ? models() : right_reply(request, 5); });
  std::mt19937 random(3);
  int n_killed = 0;
  while (state_of_newest_run(setting.db) != "finished") {
    const std::int64_t before = n_stored(setting.db);
    Call running(setting.words(server));
    wait_for_samples(running, setting.db, before + std::uniform_int_distribution<int>(1, 60)(random));
    running.send(n_killed % 2 == 0 ? SIGKILL : SIGINT);
    const Ended ended = running.wait();
    INFO(ended.err);
    const int exit_code = ended.exit_code;
    REQUIRE((exit_code == 0 || exit_code == 4 || ended.signal == SIGKILL));
    n_killed += exit_code == 0 ? 0 : 1;
    REQUIRE(n_stored(setting.db) >= before);
  }
  CHECK(n_killed >= 1);
  const auto stored = stored_content(setting.db);
  CHECK(stored.size() == 200);
  CHECK(json_of(call({"runs", "--json", "--db", setting.db}).out)["runs"].size() == 1);
  const Json run = json_of(call({"report", "latest", "--json", "--db", setting.db}).out);
  CHECK(to_json_text(run).find("\"accuracy\":1") != std::string::npos);
  // What was under way when the program was killed is asked again, and nothing else: sixteen at most each time.
  std::set<std::string> asked;
  int n_asked = 0;
  for (const Exchange& exchange : server.exchanges()) {
    if (exchange.request.method == "GET") continue;
    ++n_asked;
    asked.insert(exchange.request.body);
  }
  CHECK(asked.size() == 200);
  CHECK(n_asked <= 200 + n_killed * (16 + 256));
}

TEST_CASE("run: a suite that asks not to be published is warned about before an endpoint sees it", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "runs.db";
  ScriptedServer server([](const ReceivedRequest& request) {
    return request.method == "GET" ? models() : Reply().answer(400, R"({"error":{"message":"no"}})");
  });
  const Ended ended = call({"run", "--model", server.url() + "/v1#toy", "--suite", "gpqa-diamond,choice-smoke",
                            "--limit", "2", "--samples", "1", "--json", "--db", db});
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK_THAT(ended.err, Contains("the prompts of gpqa-diamond, choice-smoke go to 127.0.0.1"));
  CHECK_THAT(ended.err, Contains("warning: gpqa-diamond asks not to be published in plain text"));
  CHECK_THAT(ended.err, !Contains("warning: choice-smoke"));
  CHECK(json_of(ended.out)["sent_to"]["protected_suites"] == Json::array({"gpqa-diamond"}));
  CHECK_THAT(call({"report", "latest", "--db", db}).out, Contains("gpqa-diamond asks not to be published"));
}

TEST_CASE("run: the reference model behind assay serve answers as it does at home", "[cli]") {
  const TemporaryFolder folder;
  Call server({"serve", "--model", "reference", "--device", "cpu", "--port", "0", "--json", "--kv-memory", "512MiB"});
  while (server.out_so_far().find('\n') == std::string::npos) {
    REQUIRE_FALSE(server.has_ended());
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  const std::string port = std::to_string(json_of(server.out_so_far())["port"].get<int>());
  const auto run_on = [&](const std::string& model, const std::string& db) {
    const Ended ended = call({"run", "--model", model, "--device", "cpu", "--suite", "choice-smoke", "--limit", "8",
                              "--temperature", "0", "--json", "--db", db});
    INFO(ended.err);
    REQUIRE(ended.exit_code == 0);
    return json_of(ended.out);
  };
  const Json home = run_on("reference", folder / "home.db");
  const Json there = run_on("http://127.0.0.1:" + port + "/v1#reference", folder / "there.db");
  CHECK(there["suites"][0]["accuracy"] == home["suites"][0]["accuracy"]);
  CHECK(there["tokens"]["prompt"] == home["tokens"]["prompt"]);
  CHECK(there["tokens"]["output"] == home["tokens"]["output"]);
  const auto answers = [](const std::string& db) {
    std::map<std::string, std::string> found;
    for (const auto& [key, content] : stored_content(db)) {
      const Json all = Json::parse(content);
      found[key] = all[5].get<std::string>() + " " + all[6].get<std::string>();  // verdict and answer
    }
    return found;
  };
  CHECK(answers(folder / "there.db") == answers(folder / "home.db"));
  CHECK(home["hardware"]["device_kind"] == "cpu");
  CHECK(there["hardware"]["device_kind"] == "remote");
  const Ended compared = call({"compare", folder / "home.db", folder / "there.db", "--db", folder / "home.db"});
  INFO(compared.err);
  REQUIRE(compared.exit_code == 0);
  CHECK_THAT(compared.out,
             Contains("nothing left the machine") && Contains("prompts of choice-smoke went to 127.0.0.1"));
}

TEST_CASE("generate: an endpoint's replies, thoughts in front", "[cli]") {
  ScriptedServer server([](const ReceivedRequest& request) {
    if (request.method == "GET") return models();
    if (request.target == "/v1/completions") {
      return Reply().answer(200, R"({"choices":[{"index":0,"text":" upon a time","finish_reason":"length"}]})");
    }
    return right_reply(request);
  });
  const std::string model = server.url() + "/v1#toy";
  CHECK(call({"generate", "--model", model, "--prompt", "number 12?"}).out == "<think>\nEasy\n</think>\n\na12\n");
  const Ended raw =
      call({"generate", "--model", model, "--prompt", "Once", "--raw", "--max-output-tokens", "4", "--json"});
  INFO(raw.err);
  const Json line = json_of(raw.out);
  CHECK(line["text"] == " upon a time");
  CHECK(line["finish_reason"] == "length");
  const Ended warned = call({"generate", "--model", model, "--prompt", "number 1?", "--device", "cpu"});
  CHECK_THAT(warned.err, Contains("--device has no effect on an endpoint"));
}
