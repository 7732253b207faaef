#include "results/summary.h"

#include <tuple>

#include "results/report.h"
#include "results/test_facts.h"
#include "results/text_table.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinAbs;
using Catch::Matchers::WithinRel;

namespace {

/// Stores the verdicts of one suite, row by item and column by sample: '1' correct, '0' incorrect, 'n' no answer,
/// 't' truncated, 'e' error (a failed sample). Sample number i of all has an end-to-end time of i + 1 ms.
Result<RunId> store_run(Store& store, RunFacts facts, const std::vector<std::string>& rows,
                        const std::string& device_kind, double wall_ms, bool with_device_times = true) {
  ASSAY_ASSIGN(auto writer, store.begin_run(facts, some_environment(device_kind), kNowMs));
  int n_stored = 0;
  for (std::size_t item = 0; item < rows.size(); ++item) {
    for (std::size_t i = 0; i < rows[item].size(); ++i) {
      const char outcome = rows[item][i];
      SampleFacts sample = some_sample(item_name(static_cast<std::int64_t>(item)), static_cast<std::int64_t>(i));
      sample.e2e_ms = ++n_stored;
      if (with_device_times) {
        sample.prefill_device_ms = 1;
        sample.decode_device_ms = 3;
      }
      VerdictFacts verdict = some_verdict(Verdict::correct, "2");
      if (outcome == '0') verdict = some_verdict(Verdict::incorrect, "3");
      if (outcome == 'n') verdict = some_verdict(Verdict::no_answer, std::nullopt);
      if (outcome == 't') verdict = some_verdict(Verdict::truncated, std::nullopt);
      if (outcome == 'e') {
        sample = {};
        sample.key = {"sums", ItemId(item_name(static_cast<std::int64_t>(item))), static_cast<std::int64_t>(i)};
        sample.failure = "endpoint down";
        verdict = some_verdict(Verdict::error, std::nullopt);
      }
      ASSAY_TRY(writer.add_sample(sample, verdict, kNowMs, wall_ms));
    }
  }
  ASSAY_TRY(writer.finish(RunState::finished, kNowMs + 1, wall_ms));
  return writer.run_id();
}

Result<RunSummary> summary_of(RunFacts facts, const std::vector<std::string>& rows,
                              const std::string& device_kind = "cpu", bool with_device_times = true) {
  TemporaryFolder folder;
  ASSAY_ASSIGN(auto store, Store::open_or_create(folder / "a.db"));
  ASSAY_ASSIGN(const RunId run, store_run(store, std::move(facts), rows, device_kind, 4000, with_device_times));
  return summarise(store, run);
}

}  // namespace

TEST_CASE("summary: a device's time is the sum over segments, and unknown if one of them is", "[results][summary]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  std::optional<RunId> run;
  const auto add_segment = [&](const std::optional<DeviceTime>& time) {
    auto writer = run ? store->resume_run(*run, some_environment("cuda"), kNowMs)
                      : store->begin_run(some_run(), some_environment("cuda"), kNowMs);
    REQUIRE(ok(writer));
    run = writer->run_id();
    REQUIRE(writer->finish(RunState::interrupted, kNowMs + 1, 10, time));
  };
  add_segment(DeviceTime{1, 2, 3});
  add_segment(DeviceTime{10, 20, 30});
  auto summary = summarise(*store, *run);
  REQUIRE(ok(summary));
  REQUIRE(summary->device_time);
  CHECK(summary->device_time->prefill_ms == 11);
  CHECK(summary->device_time->decode_ms == 22);
  CHECK(summary->device_time->idle_ms == 33);
  CHECK(to_json(*summary)["throughput"]["device_time"]["idle_ms"] == 33);
  CHECK_THAT(report_text(*summary), Catch::Matchers::Contains("waiting 50.0 %"));
  add_segment({});
  summary = summarise(*store, *run);
  REQUIRE(ok(summary));
  CHECK_FALSE(summary->device_time);
  CHECK(to_json(*summary)["throughput"]["device_time"].is_null());
}

// The five-by-four example of the statistics: mean 0.5, error over questions 0.1767767, for these questions
// sqrt(0.1666667 / 20) = 0.0912871. pass@4 = 4/5 by counting; maj@4 by counting: 1, 0, 1/2, 1, 0.
TEST_CASE("summarise: the five-by-four example", "[results]") {
  const auto summary = summary_of(some_run("trial", 5, 4), {"1101", "0000", "1010", "1111", "0100"});
  REQUIRE(ok(summary));
  REQUIRE(summary->suites.size() == 1);
  const SuiteSummary& suite = summary->suites[0];
  CHECK_THAT(*suite.accuracy, WithinRel(0.5, 1e-12));
  CHECK_THAT(*suite.stderr_accuracy, WithinAbs(0.1767767, 5e-8));
  CHECK_THAT(*suite.stderr_fixed_items, WithinAbs(0.0912871, 5e-8));
  CHECK(suite.ci95_method == "bca");
  REQUIRE(suite.pass_at_k.size() == 3);  // k = 1, 2, 4
  CHECK_THAT(suite.pass_at_k.at(1), WithinRel(0.5, 1e-12));
  // C(4,2) = 6 pairs: 1 - C(1,2)/6 = 1; 0; 1 - 1/6; 1; 1 - 3/6.
  CHECK_THAT(suite.pass_at_k.at(2), WithinRel((1 + 0 + 5.0 / 6 + 1 + 0.5) / 5, 1e-12));
  CHECK_THAT(suite.pass_at_k.at(4), WithinRel(0.8, 1e-12));
  CHECK_THAT(suite.maj_at_k.at(1), WithinRel(0.5, 1e-12));
  CHECK_THAT(suite.maj_at_k.at(4), WithinRel(0.5, 1e-12));
  CHECK(suite.suite.n_correct == 10);
  CHECK(suite.suite.n_incorrect == 10);
  CHECK(suite.by_tag.empty());
}

TEST_CASE("summarise: the five outcomes are counted apart, and a failed sample has no times", "[results]") {
  const auto summary = summary_of(some_run("trial", 6, 1), {"1", "0", "n", "t", "e", "1"});
  REQUIRE(ok(summary));
  const RunSuiteRecord& counts = summary->suites[0].suite;
  CHECK(counts.n_correct == 2);
  CHECK(counts.n_incorrect == 1);
  CHECK(counts.n_no_answer == 1);
  CHECK(counts.n_truncated == 1);
  CHECK(counts.n_errors == 1);
  CHECK_THAT(*summary->suites[0].accuracy, WithinRel(2.0 / 6, 1e-12));
  // Two are right; no answer, truncated and error might have been.
  CHECK_THAT(summary->suites[0].accuracy_bounds.value()[0], WithinRel(2.0 / 6, 1e-12));
  CHECK_THAT(summary->suites[0].accuracy_bounds.value()[1], WithinRel(5.0 / 6, 1e-12));
  CHECK_THAT(report_text(*summary), Contains("33.3 to 83.3 %"));
  CHECK(summary->suites[0].ci95_method == "wilson");
  CHECK_FALSE(summary->suites[0].stderr_fixed_items);  // single samples
  CHECK(summary->n_prompt_tokens == 50);               // five samples of 10, 4 and 5
  CHECK(summary->n_cached_prompt_tokens == 20);
  CHECK(summary->n_output_tokens == 25);
  CHECK(summary->e2e_ms.n == 5);
  CHECK(summary->e2e_ms.p50 == 3);  // of 1, 2, 3, 4, 6
  CHECK_THAT(*summary->output_tokens_per_s, WithinRel(25 / 4.0, 1e-12));
  CHECK_THAT(*summary->requests_per_s, WithinRel(5 / 4.0, 1e-12));
}

TEST_CASE("summarise: percentiles need samples", "[results]") {
  const auto with_samples = [](std::int64_t n) {
    return summary_of(some_run("trial", n, 1), std::vector<std::string>(static_cast<std::size_t>(n), "1"));
  };
  const auto nine = with_samples(9);
  CHECK(nine->e2e_ms.p50 == 5);
  CHECK_FALSE(nine->e2e_ms.p90);
  const auto many = with_samples(101);  // 1 to 101 ms: the p-th percentile is p + 1
  CHECK_THAT(*many->e2e_ms.p50, WithinRel(51, 1e-12));
  CHECK_THAT(*many->e2e_ms.p90, WithinRel(91, 1e-12));
  CHECK_THAT(*many->e2e_ms.p99, WithinRel(100, 1e-12));
  CHECK_FALSE(with_samples(99)->e2e_ms.p99);
}

// 3.60 $/h times 2 devices for 4 s is 0.008 $; a quarter of the device time is prefill.
TEST_CASE("summarise: cost adds up, and is unknown rather than 0", "[results]") {
  RunFacts priced = some_run("trial", 4, 1);
  priced.price_usd_per_gpu_hour = 3.6;
  priced.n_priced_devices = 2;
  const auto summary = summary_of(priced, {"1", "1", "0", "0"});
  REQUIRE(ok(summary));
  CHECK_THAT(*summary->usd_total, WithinRel(0.008, 1e-12));
  CHECK_THAT(*summary->usd_per_correct, WithinRel(0.004, 1e-12));
  CHECK_THAT(*summary->usd_per_mtok_input, WithinRel(0.002 / 40 * 1e6, 1e-12));
  CHECK_THAT(*summary->usd_per_mtok_output, WithinRel(0.006 / 20 * 1e6, 1e-12));
  CHECK_FALSE(summary_of(some_run("trial", 1, 1), {"1"})->usd_total);
  CHECK_FALSE(summary_of(priced, {"0", "0", "0", "0"})->usd_per_correct);
  CHECK_FALSE(summary_of(priced, {"1", "1", "1", "1"}, "cpu", false)->usd_per_mtok_input);
  const auto replayed = summary_of(priced, {"1", "1", "1", "1"}, "replay");
  CHECK_FALSE(replayed->usd_total);
  CHECK_FALSE(replayed->output_tokens_per_s);
  CHECK(replayed->e2e_ms.p50);  // recorded
}

TEST_CASE("summarise: maj@k is left out where correct samples have no answer to vote with", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run("trial", 1, 1), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  REQUIRE(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::correct, std::nullopt), kNowMs, 1));
  const auto summary = summarise(*store, writer->run_id());
  REQUIRE(ok(summary));
  CHECK(summary->suites[0].pass_at_k.at(1) == 1);
  CHECK(summary->suites[0].maj_at_k.empty());
}

TEST_CASE("summarise: by tag, and over a run that is half done or empty", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  RunFacts facts = some_run("trial", 4, 1);
  for (std::size_t i = 0; i < 4; ++i) facts.suites[0].items[i].tag = i < 2 ? "small" : "large";
  auto writer = store->begin_run(facts, some_environment(), kNowMs);
  REQUIRE(ok(writer));

  const auto empty = summarise(*store, writer->run_id());
  REQUIRE(ok(empty));
  CHECK_FALSE(empty->suites[0].accuracy);
  CHECK_FALSE(empty->n_output_tokens);
  CHECK(to_json(*empty)["suites"][0]["accuracy"].is_null());
  CHECK_THAT(report_text(*empty), Contains("0/4"));

  for (const char* item : {"i0", "i2", "i3"}) {
    const bool correct = std::string(item) != "i3";
    const auto verdict = some_verdict(correct ? Verdict::correct : Verdict::incorrect);
    REQUIRE(ok(writer->add_sample(some_sample(item, 0), verdict, kNowMs, 1)));
  }
  const auto half = summarise(*store, writer->run_id());
  REQUIRE(ok(half));
  CHECK(half->suites[0].n_items_sampled == 3);
  CHECK_THAT(*half->suites[0].accuracy, WithinRel(2.0 / 3, 1e-12));
  REQUIRE(half->suites[0].by_tag.size() == 2);
  CHECK(half->suites[0].stderr_by_tag.has_value());
  CHECK(half->suites[0].by_tag[0].tag == "large");
  CHECK(half->suites[0].by_tag[0].accuracy == 0.5);
  CHECK(half->suites[0].by_tag[1].n_items == 1);
  CHECK(half->suites[0].by_tag[1].ci95[0] < 1);
  CHECK(summarise(*store, RunId("nope")).error().kind == ErrorKind::bad_input);

  // A headline resamples the suite alone: neither its tags nor its votes.
  const auto headline = summarise(*store, writer->run_id(), {}, SummaryParts::headline);
  REQUIRE(ok(headline));
  CHECK(headline->suites[0].accuracy == half->suites[0].accuracy);
  CHECK(headline->suites[0].ci95 == half->suites[0].ci95);
  CHECK(headline->n_output_tokens == half->n_output_tokens);
  CHECK(headline->suites[0].by_tag.empty());
  CHECK(headline->suites[0].pass_at_k.empty());
  CHECK(headline->suites[0].maj_at_k.empty());
}

TEST_CASE("summary: the canary of each segment, different ones are seen", "[results][summary]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  std::optional<RunId> run;
  const auto add_segment = [&](const Json& device) {
    EnvironmentFacts environment = some_environment();
    environment.details["device"] = device;
    auto writer =
        run ? store->resume_run(*run, environment, kNowMs) : store->begin_run(some_run(), environment, kNowMs);
    REQUIRE(ok(writer));
    run = writer->run_id();
    REQUIRE(writer->finish(RunState::interrupted, kNowMs + 1, 10));
    auto summary = summarise(*store, *run);
    REQUIRE(ok(summary));
    return std::pair(to_json(*summary)["hardware"], report_text(*summary));
  };
  const auto n_rows = [](const std::string& text) {
    int n = 0;
    for (std::size_t at = 0; (at = text.find("\ncanary", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  const Json canary = {{"logits_sha256", std::string(64, 'e')}, {"n_positions", 40}, {"mean_kl_divergence", 3e-6}};
  auto [hardware, text] = add_segment({{"canary", canary}});
  CHECK(hardware["canary"] == canary);
  CHECK(hardware["n_canaries"] == 1);
  CHECK_THAT(text, Contains("logits eeeeeeeeeeee  KL 3.0e-06 from the stored reference"));
  std::tie(hardware, text) = add_segment({{"canary", canary}});
  CHECK(hardware["n_canaries"] == 1);
  CHECK(n_rows(text) == 1);
  std::tie(hardware, text) = add_segment({{"canary", {{"failure", "the logits are no numbers"}}}});
  CHECK(n_rows(text) == 2);
  std::tie(hardware, text) = add_segment({{"canary", {{"logits_sha256", std::string(64, 'f')}, {"n_positions", 20}}}});
  CHECK(hardware["n_canaries"] == 2);
  CHECK_THAT(text, Contains("logits ffffffffffff"));
  // Details that are no canary's are no figure either.
  std::tie(hardware, text) = add_segment({{"canary", "yes"}});
  CHECK(n_rows(text) == 3);
  run = {};
  std::tie(hardware, text) = add_segment(Json(3));
  CHECK(hardware["canary"].is_null());
  CHECK(hardware["n_canaries"] == 0);
}

// The record as the interface document lists it.
TEST_CASE("to_json: the run record", "[results]") {
  const auto summary = summary_of(some_run("trial", 2, 2), {"11", "0n"});
  REQUIRE(ok(summary));
  const Json record = *parse_json(to_json_text(to_json(*summary)), "record");
  for (const char* key : {"run_id", "name", "model", "hardware", "suites", "tokens", "latency", "throughput", "cost",
                          "energy", "wall_s"}) {
    CAPTURE(key);
    CHECK(record.contains(key));
  }
  const Json& suite = record["suites"][0];
  for (const char* key : {"suite", "items", "samples", "accuracy", "stderr", "ci95", "pass_at_k", "maj_at_k",
                          "no_answer", "truncated", "errors"}) {
    CAPTURE(key);
    CHECK(suite.contains(key));
  }
  CHECK(suite["items"] == 2);
  CHECK(suite["samples"] == 2);
  CHECK(suite["accuracy"] == 0.5);
  CHECK(suite["ci95"].size() == 2);
  CHECK(suite["pass_at_k"]["2"] == 0.5);
  CHECK(suite["no_answer"] == 1);
  CHECK(record["tokens"]["output"] == 20);
  CHECK(record["latency"]["ttft_ms"]["p50"] == 20);
  CHECK(record["latency"]["itl_ms"]["p99"].is_null());
  CHECK(record["latency"]["e2e_ms"].contains("p90"));
  CHECK(record["throughput"]["output_tokens_per_s"] == 5);
  for (const char* key : {"usd_total", "usd_per_mtok_input", "usd_per_mtok_output", "usd_per_correct"}) {
    CAPTURE(key);
    CHECK(record["cost"][key].is_null());
  }
  CHECK(record["energy"].is_null());
  CHECK(record["wall_s"] == 4);
  CHECK(suite["provenance"] == "measured");
  CHECK(record["model"]["weights_sha256"] == std::string(64, 'a'));
  CHECK(record["hardware"]["gpu_name"].is_null());
}

TEST_CASE("report_text: what a person reads, without control characters of others", "[results]") {
  RunFacts facts = some_run("na\x1b[31mme", 30, 1);
  facts.price_usd_per_gpu_hour = 3.6;
  std::vector<std::string> rows(30, "1");
  std::fill_n(rows.begin(), 6, "0");
  const auto summary = summary_of(facts, rows);
  REQUIRE(ok(summary));
  const std::string text = report_text(*summary);
  CHECK_THAT(text, Contains("80.0 %"));
  CHECK_THAT(text, Contains("62.7 to 90.5 %"));  // Wilson, 24 of 30
  CHECK_THAT(text, Contains("30/30"));
  CHECK_THAT(text, Contains("$0.004"));
  CHECK_THAT(text, Contains("na\\x1b[31mme"));
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.back() == '\n');
}

TEST_CASE("text_table: columns are aligned by code points", "[results]") {
  CHECK(text_table({{"a", "bb"}, {"ééé", "c", "d"}}) == "a    bb\nééé   c  d\n");
  CHECK(text_table({{"a", "b"}, {"aa", "ccc"}}, {1}) == "a   b\naa  ccc\n");
  CHECK(text_table({}).empty());
}
