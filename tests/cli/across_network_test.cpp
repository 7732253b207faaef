// One engine over processes on several hosts (--across), with a network that is slow, loses packets, or is gone: the
// hosts are namespaces of this machine. Skipped where it can't have them.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>

#include "tests/cli/program_process.h"
#include "tests/support/catch.h"
#include "tests/support/host_network.h"

using namespace assay;
using namespace assay::program_test;
using assay::test_support::HostNetwork;
using Catch::Matchers::Contains;
using Clock = std::chrono::steady_clock;

namespace {

/// Ends the test as skipped where there can be no hosts.
std::unique_ptr<HostNetwork> network_of(int n_hosts) {
  auto network = HostNetwork::create(n_hosts);
  if (network && call_under((*network)->on(0), {"--version"}).exit_code == 0) return std::move(*network);
  std::printf("skipped: %s\n", network ? "nsenter is missing" : network.error().message.c_str());
  std::fflush(stdout);
  std::_Exit(77);
}

std::vector<std::string> run_words(const std::string& db, int n_items, int max_output_tokens) {
  return {"run",
          "--model",
          "reference",
          "--device",
          "cpu",
          "--threads",
          "1",
          "--suite",
          "choice-smoke",
          "--limit",
          std::to_string(n_items),
          "--samples",
          "2",
          "--temperature",
          "0.8",
          "--seed",
          "5",
          "--max-output-tokens",
          std::to_string(max_output_tokens),
          "--max-batch",
          "4",
          "--db",
          db};
}

/// The parts of one engine, part i on hosts[i]; part 0 listens.
class Parts {
 public:
  Parts(const HostNetwork& network, std::vector<int> hosts, const std::vector<std::string>& words) {
    for (std::size_t part = 0; part < hosts.size(); ++part) {
      std::vector<std::string> all = words;
      all.insert(all.end(), {"--across", HostNetwork::address_of(hosts[0]) + ":7700", "--part", std::to_string(part)});
      calls_.push_back(std::make_unique<Call>(all, std::map<std::string, std::string>{}, "", network.on(hosts[part])));
    }
  }
  Call& operator[](std::size_t part) { return *calls_[part]; }
  std::vector<Ended> wait() {
    std::vector<Ended> ended;
    for (const auto& call : calls_) ended.push_back(call->wait());
    return ended;
  }

 private:
  std::vector<std::unique_ptr<Call>> calls_;
};

std::vector<std::string> spread(std::vector<std::string> words, std::size_t n_parts) {
  words.insert(words.end(), {"--tensor-parallel", std::to_string(n_parts)});
  return words;
}

}  // namespace

TEST_CASE("across: a slow network that loses packets, or is away for a while, changes no token", "[cli][network]") {
  const auto network = network_of(3);
  const TemporaryFolder folder;
  const std::string alone = folder / "alone.db", db = folder / "parts.db";
  REQUIRE(call(run_words(alone, 6, 4)).exit_code == 0);
  network->set_quality({.delay = std::chrono::milliseconds(4), .loss_ratio = 0.01});
  Parts parts(*network, {0, 1, 2, 0}, spread(run_words(db, 6, 4), 4));
  wait_for_samples(parts[0], db, 1);
  network->set_reachable(2, false);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  REQUIRE_FALSE(parts[0].has_ended());
  network->set_reachable(2, true);
  for (const Ended& ended : parts.wait()) {
    INFO(ended.err);
    CHECK(ended.exit_code == 0);
  }
  CHECK(stored_content(db) == stored_content(alone));
}

TEST_CASE(
    "across: a host that is gone ends every part with code 3 within a minute, and resumed it has the same samples",
    "[cli][network]") {
  const auto network = network_of(3);
  const TemporaryFolder folder;
  const std::string alone = folder / "alone.db", db = folder / "parts.db";
  Parts parts(*network, {0, 1, 2, 0}, spread(run_words(db, 20, 100), 4));
  wait_for_samples(parts[0], db, 3);
  REQUIRE_FALSE(parts[0].has_ended());
  network->set_reachable(2, false);
  const auto gone = Clock::now();
  REQUIRE(call(run_words(alone, 20, 100)).exit_code == 0);
  const std::vector<Ended> ended = parts.wait();
  CHECK(Clock::now() - gone < std::chrono::seconds(60));  // 30 s, and what a busy machine adds
  for (const Ended& part : ended) {
    INFO(part.err);
    CHECK(part.exit_code == 3);
  }
  CHECK_THAT(ended[0].err, Contains("part 2 (host2) no longer takes part") && Contains("resume with: assay"));
  for (const std::size_t part : {1, 3}) {
    CHECK_THAT(ended[part].err, Contains("part 0 (host0) can't go on: part 2 (host2) no longer takes part") &&
                                    Contains("the same command goes on"));
  }
  CHECK_THAT(ended[2].err, Contains("part 0 (host0) no longer takes part") && Contains("the same command goes on"));
  CHECK(n_stored(db) >= 3);
  CHECK(n_stored(db) < 40);
  CHECK(state_of_newest_run(db) == "interrupted");

  // The same commands, once the host is back.
  network->set_reachable(2, true);
  for (const Ended& part : Parts(*network, {0, 1, 2, 0}, spread(run_words(db, 20, 100), 4)).wait()) {
    INFO(part.err);
    CHECK(part.exit_code == 0);
  }
  CHECK(stored_content(db) == stored_content(alone));
}
