// One engine over several processes (--across): the samples are those of one, whoever ends first the others end, and
// what was finished is kept.

#include <algorithm>
#include <chrono>
#include <csignal>
#include <memory>

#include "harness/base/text.h"
#include "tests/cli/program_process.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::program_test;
using Catch::Matchers::Contains;

namespace {

std::string free_address() { return "127.0.0.1:" + std::to_string(free_port()); }

/// A command of the reference model on the processors, alone or in parts.
struct Spread {
  std::vector<std::string> words;
  std::string address = free_address();

  std::vector<std::string> part(int part, int n_parts = 2) const {
    std::vector<std::string> all = words;
    for (const std::string& word : {std::string("--tensor-parallel"), std::to_string(n_parts), std::string("--across"),
                                    address, std::string("--part"), std::to_string(part)}) {
      all.push_back(word);
    }
    return all;
  }
  /// All parts of it; part 0's end. The others must end well.
  Ended run(int n_parts = 2) const {
    std::vector<std::unique_ptr<Call>> others;
    for (int i = 1; i < n_parts; ++i) others.push_back(std::make_unique<Call>(part(i, n_parts)));
    const Ended led = call(part(0, n_parts));
    for (const auto& other : others) {
      const Ended ended = other->wait();
      INFO(ended.err);
      CHECK(ended.exit_code == 0);
      CHECK(ended.out.empty());
    }
    return led;
  }
};

Spread spread_run(const std::string& db, const std::vector<std::string>& more = {}) {
  Spread spread{{"run",
                 "--model",
                 "reference",
                 "--device",
                 "cpu",
                 "--threads",
                 "1",
                 "--suite",
                 "choice-smoke",
                 "--limit",
                 "12",
                 "--samples",
                 "2",
                 "--temperature",
                 "0.8",
                 "--seed",
                 "5",
                 "--max-output-tokens",
                 "60",
                 "--db",
                 db}};
  spread.words.insert(spread.words.end(), more.begin(), more.end());
  return spread;
}

/// A safetensors file of one sequence.
std::string safetensors_of(const std::vector<std::int32_t>& tokens) {
  const std::size_t n_bytes = tokens.size() * sizeof(std::int32_t);
  const std::string header =
      to_json_text(Json{{"tokens.0", {{"dtype", "I32"}, {"shape", {tokens.size()}}, {"data_offsets", {0, n_bytes}}}}});
  const std::uint64_t n_header = header.size();
  return std::string(reinterpret_cast<const char*>(&n_header), sizeof n_header) + header +
         std::string(reinterpret_cast<const char*>(tokens.data()), n_bytes);
}

}  // namespace

TEST_CASE("across: two and four processes give the samples of one, bit by bit", "[cli]") {
  const TemporaryFolder folder;
  const std::string alone = folder / "alone.db";
  REQUIRE(call(spread_run(alone).words).exit_code == 0);
  const auto content = stored_content(alone);
  CHECK(content.size() == 24);
  for (const auto& [n_parts, more] :
       {std::pair(2, std::vector<std::string>{}), std::pair(4, std::vector<std::string>{}),
        std::pair(2, std::vector<std::string>{"--speculate", "on"}),
        std::pair(2, std::vector<std::string>{"--kv-memory", "9MB", "--max-batch", "8"})}) {
    const std::string db = folder / ("parts" + std::to_string(n_parts) + "-" + std::to_string(more.size()) +
                                     (more.empty() ? "" : more[0]) + ".db");
    const Ended led = spread_run(db, more).run(n_parts);
    INFO(led.err);
    REQUIRE(led.exit_code == 0);
    if (more.empty() || more[0] != "--speculate") {
      CHECK(stored_content(db) == content);
    } else {  // what was drafted is stored, too
      CHECK(stored_content(db).size() == content.size());
    }
  }
}

TEST_CASE("across: generate, logits and bench take it", "[cli]") {
  const TemporaryFolder folder;
  const Spread generate{{"generate", "--model", "reference", "--device", "cpu", "--threads", "1", "--prompt",
                         "What is 2 + 2?", "--max-output-tokens", "20", "--logprobs", "2", "--json"}};
  const Json one = json_of(call(generate.words).out), two = json_of(generate.run().out);
  for (const char* key : {"tokens", "text", "logprobs", "finish_reason"}) {
    if (one.contains(key)) CHECK(one[key] == two[key]);
  }
  const std::string tokens = folder / "tokens.safetensors";
  write_text(tokens, safetensors_of({3, 20, 200, 7, 9, 11, 100, 4}));
  const Spread logits{{"logits", "--model", "reference", "--device", "cpu", "--hidden", "--tokens", tokens, "--out"}};
  Spread alone = logits, parts = logits;
  alone.words.push_back(folder / "one.safetensors");
  parts.words.push_back(folder / "two.safetensors");
  REQUIRE(call(alone.words).exit_code == 0);
  const Ended ended = parts.run();
  INFO(ended.err);
  REQUIRE(ended.exit_code == 0);
  CHECK(read_text(folder / "one.safetensors") == read_text(folder / "two.safetensors"));
  const Spread bench{{"bench", "decode", "--model", "reference", "--device", "cpu", "--threads", "1", "--batch", "1,2",
                      "--context", "32", "--steps", "8", "--repeats", "1", "--db", folder / "bench.db"}};
  const Ended measured = bench.run();
  INFO(measured.err);
  CHECK((measured.exit_code == 0 || measured.exit_code == 3));  // 3: the machine was too busy to believe it
  CHECK_THAT(measured.out, Contains("decode"));
}

TEST_CASE("across: a killed part ends the command with code 3, and resumed it has the samples of one process",
          "[cli]") {
  const TemporaryFolder folder;
  const std::string alone = folder / "alone.db", db = folder / "parts.db";
  const auto spread = [&](const std::string& to) {
    Spread made = spread_run(to);
    for (std::size_t i = 0; i + 1 < made.words.size(); ++i) {
      if (made.words[i] == "--limit") made.words[i + 1] = "40";
      if (made.words[i] == "--max-output-tokens") made.words[i + 1] = "200";
    }
    made.words.insert(made.words.end(), {"--max-batch", "4"});
    return made;
  };
  REQUIRE(call(spread(alone).words).exit_code == 0);
  const Spread parts = spread(db);
  Call other(parts.part(1)), first(parts.part(0));
  wait_for_samples(first, db, 5);
  REQUIRE_FALSE(first.has_ended());
  other.send(SIGKILL);
  const auto killed = std::chrono::steady_clock::now();
  const Ended ended = first.wait();
  CHECK(std::chrono::steady_clock::now() - killed < std::chrono::seconds(20));
  INFO(ended.err);
  REQUIRE(ended.exit_code == 3);
  CHECK_THAT(ended.err,
             Contains("part 1 (") && Contains("no longer takes part") && Contains("--across " + parts.address));
  CHECK(other.wait().signal == SIGKILL);
  CHECK(n_stored(db) >= 5);
  CHECK(n_stored(db) < 80);
  CHECK(state_of_newest_run(db) == "interrupted");

  // The words of the message, for every part.
  std::vector<std::string> words = resume_words(ended.err);
  std::erase_if(words,
                [](const std::string& word) { return word.starts_with("(") || word == "every" || word == "part)"; });
  const auto resume = [&](int part) {
    std::vector<std::string> all = words;
    all.insert(all.end(), {"--part", std::to_string(part)});
    return all;
  };
  Call again(resume(1));
  const Ended resumed = call(resume(0));
  INFO(resumed.err);
  REQUIRE(resumed.exit_code == 0);
  CHECK(again.wait().exit_code == 0);
  CHECK(stored_content(db) == stored_content(alone));
}

TEST_CASE("across: who loses part 0 ends with code 3, a stop of part 0 ends all as they should", "[cli]") {
  const TemporaryFolder folder;
  const std::string db = folder / "parts.db";
  Spread spread = spread_run(db);
  spread.words.insert(spread.words.end(), {"--max-batch", "2"});
  const int signal_number = GENERATE(SIGKILL, SIGTERM);
  Call other(spread.part(1)), first(spread.part(0));
  wait_for_samples(first, db, 1);
  REQUIRE_FALSE(first.has_ended());
  first.send(signal_number);
  const Ended led = first.wait(), followed = other.wait();
  INFO(led.err << followed.err);
  if (signal_number == SIGKILL) {
    CHECK(led.signal == SIGKILL);
    CHECK(followed.exit_code == 3);
    CHECK_THAT(followed.err, Contains("part 1: part 0 (") && Contains("no longer takes part"));
  } else {
    CHECK(led.exit_code == 4);
    CHECK_THAT(led.err, Contains("resume with") && Contains("--across"));
    CHECK(followed.exit_code == 0);
  }
}

TEST_CASE("across: what can't be is refused in one line", "[cli]") {
  const TemporaryFolder folder;
  const auto refused = [](const std::vector<std::string>& more, const std::string& why) {
    std::vector<std::string> words = {"generate", "--prompt", "hi", "--device", "cpu"};
    words.insert(words.end(), more.begin(), more.end());
    const Ended ended =
        call(words, {{"OMPI_COMM_WORLD_RANK", ""}, {"PMI_RANK", ""}, {"PMIX_RANK", ""}, {"SLURM_PROCID", ""}});
    INFO(ended.err);
    CHECK(ended.exit_code == 2);
    CHECK(ended.out.empty());
    CHECK_THAT(ended.err, Contains(why));
    std::int64_t n_lines = 0;
    for (const std::string& line : split(ended.err, '\n')) {
      n_lines += !line.empty() && line.find("warning: ") == std::string::npos;
    }
    CHECK(n_lines == 1);
  };
  const std::string address = free_address();
  refused({"--model", "reference", "--across", address, "--part", "0"}, "over how many processes");
  refused({"--model", "reference", "--across", address, "--tensor-parallel", "2"}, "which part is this");
  refused({"--model", "reference", "--part", "1"}, "takes --across");
  refused({"--model", "reference", "--across", "nowhere", "--part", "0"}, "HOST:PORT");
  refused({"--model", "reference", "--across", "mpi", "--tensor-parallel", "2", "--part", "0"}, "--across");
  refused({"--model", "replay:x.jsonl", "--across", address, "--tensor-parallel", "2", "--part", "0"},
          "spreads a model");
  refused({"--model", "reference", "--across", address, "--tensor-parallel", "2", "--link-gb-s", "50", "--part", "0"},
          "--link-gb-s");
  const Spread experts{
      {"generate", "--model", "reference", "--device", "cpu", "--prompt", "hi", "--expert-parallel", "2"}};
  std::vector<std::string> words = experts.words;
  words.insert(words.end(), {"--across", experts.address, "--part"});
  std::vector<std::string> others = words;
  words.push_back("0");
  others.push_back("1");
  Call other(others);
  const Ended led = call(words);
  CHECK(led.exit_code == 2);
  CHECK_THAT(led.err, Contains("give --tensor-parallel"));
  other.wait();
}

#ifdef ASSAY_MPIEXEC
TEST_CASE("across: mpirun starts the parts, and another number of them is refused", "[cli]") {
  const TemporaryFolder folder;
  const std::string alone = folder / "alone.db", db = folder / "parts.db";
  REQUIRE(call(spread_run(alone).words).exit_code == 0);
  const auto under = [](int n, std::vector<std::string> words) {
    words.insert(words.end(), {"--tensor-parallel", "2", "--across", "mpi"});
    // As root, with more processes than cores.
    const std::map<std::string, std::string> variables = {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
                                                          {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
                                                          {"OMPI_MCA_rmaps_base_oversubscribe", "1"},
                                                          {"ASAN_OPTIONS", "detect_leaks=0"}};
    return Call(words, variables, "", {ASSAY_MPIEXEC, "-n", std::to_string(n), "--bind-to", "none"}).wait();
  };
  const Ended led = under(2, spread_run(db).words);
  INFO(led.err);
  REQUIRE(led.exit_code == 0);
  CHECK(stored_content(db) == stored_content(alone));
  CHECK_THAT(led.out, Contains("choice-smoke"));
  const Ended wrong = under(3, spread_run(db).words);
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.err, Contains("3 processes were started for a model in 2 parts"));
}
#endif
