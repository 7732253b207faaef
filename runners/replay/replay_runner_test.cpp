#include "runners/replay/replay_runner.h"

#include <fstream>
#include <string>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/sha256.h"
#include "runners/replay/replay_record.h"
#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

using namespace assay;
using namespace assay::runners;

namespace {

/// A recording in a folder of its own.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text) { std::ofstream(path(), std::ios::binary) << text; }
  std::filesystem::path path() const { return folder_ / "recorded.jsonl"; }

 private:
  test_support::TemporaryFolder folder_;
};

Request request_for(const std::string& id, std::int64_t sample) {
  Request request;
  request.id = id;
  request.sample = sample;
  return request;
}

const std::string kTwoRecords =
    R"({"id":"q1","sample":0,"output":"\\boxed{7}","prompt_tokens":11,"output_tokens":5,"ttft_ms":12.5,"e2e_ms":80,"finish_reason":"length"})"
    "\n\n"
    R"({"id":"q1","sample":1,"output":"none","note":"not read"})"
    "\r\n";

std::string message_of(std::string_view line) {
  const auto record = parse_replay_record(line, "f.jsonl:3");
  REQUIRE_FALSE(record);
  CHECK(record.error().kind == ErrorKind::bad_input);
  CHECK(record.error().message.find("f.jsonl:3") == 0);
  CHECK(record.error().message.find('\n') == std::string::npos);
  return record.error().message;
}

}  // namespace

TEST_CASE("replay: recorded outputs, counts and times are passed on in the order of the requests", "[replay]") {
  const TemporaryFile file(kTwoRecords);
  auto runner = open_replay_runner(file.path());
  REQUIRE(runner);
  CHECK((*runner)->model_facts().weights_sha256 == sha256_hex(kTwoRecords));
  CHECK((*runner)->model_facts().reference == "replay:" + file.path().string());
  CHECK((*runner)->device_facts().kind == "replay");

  std::vector<Completion> got;
  std::int64_t n_finished = 0;
  REQUIRE((*runner)->run(
      {request_for("q1", 1), request_for("q1", 0)},
      [&](Completion c) -> Result<> {
        got.push_back(std::move(c));
        return {};
      },
      [&](const Progress& p) { n_finished = p.n_finished; }, {}));
  REQUIRE(got.size() == 2);
  CHECK(n_finished == 2);
  CHECK(got[0].sample == 1);
  CHECK(got[0].text == "none");
  CHECK(got[0].finish_reason == FinishReason::eos);
  CHECK_FALSE(got[0].timings.ttft_ms.has_value());
  CHECK(got[1].text == "\\boxed{7}");
  CHECK(got[1].n_prompt_tokens == 11);
  CHECK(got[1].n_cached_prompt_tokens < 0);
  CHECK(got[1].n_output_tokens == 5);
  CHECK(got[1].timings.ttft_ms == 12.5);
  CHECK(got[1].timings.e2e_ms == 80.0);
  CHECK(got[1].finish_reason == FinishReason::length);
  CHECK(got[1].failure.empty());
}

TEST_CASE("replay: a request without a record fails alone, and says where it was looked for", "[replay]") {
  const TemporaryFile file(kTwoRecords);
  auto runner = open_replay_runner(file.path());
  REQUIRE(runner);
  std::vector<Completion> got;
  REQUIRE((*runner)->run({request_for("q1", 2), request_for("q1", 0)},
                         [&](Completion c) -> Result<> {
                           got.push_back(std::move(c));
                           return {};
                         },
                         {}, {}));
  REQUIRE(got.size() == 2);
  CHECK(got[0].failure == file.path().string() + " holds no output for id \"q1\", sample 2");
  CHECK(got[1].failure.empty());
}

TEST_CASE("replay: a stop and the sink's error end the run early", "[replay]") {
  const TemporaryFile file(kTwoRecords);
  auto runner = open_replay_runner(file.path());
  REQUIRE(runner);
  std::stop_source stop;
  int n_seen = 0;
  const auto stopped = (*runner)->run(
      {request_for("q1", 0), request_for("q1", 1)},
      [&](Completion) -> Result<> {
        ++n_seen;
        stop.request_stop();
        return {};
      },
      {}, stop.get_token());
  REQUIRE_FALSE(stopped);
  CHECK(stopped.error().kind == ErrorKind::interrupted);
  CHECK(n_seen == 1);

  const auto failed = (*runner)->run({request_for("q1", 0), request_for("q1", 1)},
                                     [](Completion) -> Result<> { return environment_error("disk full"); }, {}, {});
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == "disk full");
}

TEST_CASE("replay: each broken field is refused by name", "[replay]") {
  using Catch::Matchers::Contains;
  CHECK_THAT(message_of(R"({"sample":0,"output":""})"), Contains("\"id\""));
  CHECK_THAT(message_of(R"({"id":"","sample":0,"output":""})"), Contains("\"id\""));
  CHECK_THAT(message_of(R"({"id":"a","output":""})"), Contains("\"sample\""));
  CHECK_THAT(message_of(R"({"id":"a","sample":-1,"output":""})"), Contains("\"sample\""));
  CHECK_THAT(message_of(R"({"id":"a","sample":0.5,"output":""})"), Contains("\"sample\""));
  CHECK_THAT(message_of(R"({"id":"a","sample":0,"output":7})"), Contains("\"output\""));
  CHECK_THAT(message_of(R"({"id":"a","sample":0,"output":"","prompt_tokens":-4})"), Contains("\"prompt_tokens\""));
  CHECK_THAT(message_of(R"({"id":"a","sample":0,"output":"","output_tokens":"5"})"), Contains("\"output_tokens\""));
  CHECK_THAT(message_of(R"({"id":"a","sample":0,"output":"","e2e_ms":-0.5})"), Contains("\"e2e_ms\""));
  CHECK_THAT(message_of(R"({"id":"a","sample":0,"output":"","ttft_ms":9,"e2e_ms":8})"), Contains("\"ttft_ms\""));
  CHECK_THAT(message_of(R"({"id":"a","sample":0,"output":"","finish_reason":"tired"})"), Contains("finish_reason"));
  CHECK_THAT(message_of(R"([1])"), Contains("object"));
}

TEST_CASE("replay: files that are missing, empty or name a sample twice are refused with the line", "[replay]") {
  using Catch::Matchers::Contains;
  CHECK_FALSE(open_replay_runner("/nonexistent/recorded.jsonl"));
  CHECK_FALSE(open_replay_runner(TemporaryFile("\n \n").path()));
  const TemporaryFile twice(R"({"id":"a","sample":0,"output":"x"})"
                            "\n"
                            R"({"id":"a","sample":0,"output":"y"})");
  const auto refused = open_replay_runner(twice.path());
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains(":2: ") && Contains("line 1"));
}

TEST_CASE("replay: a record cut or changed at any byte is read or refused, never more", "[replay]") {
  const std::string line = R"({"id":"q1","sample":0,"output":"\u00e9","e2e_ms":80,"finish_reason":"length"})";
  for (std::size_t length = 0; length < line.size(); ++length) {
    CHECK_FALSE(parse_replay_record(std::string_view(line).substr(0, length), "f:1"));
  }
  for (std::size_t at = 0; at < line.size(); ++at) {
    for (const char byte : {'\0', '"', '}', '9', '\x80', '\xff'}) {
      std::string changed = line;
      changed[at] = byte;
      const auto record = parse_replay_record(changed, "f:1");
      if (record) CHECK((record->sample >= 0 && !record->id.empty()));
      if (!record) CHECK(record.error().message.find("f:1: ") == 0);
    }
  }
}
