#include "results/store.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>

#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;

namespace {

/// A store with one finished run of `name`, all samples correct.
RunId add_finished_run(Store& store, const std::string& name, std::int64_t now_ms) {
  auto writer = store.begin_run(some_run(name, 1, 1), some_environment(), now_ms);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::correct), now_ms, 1)));
  REQUIRE(ok(writer->finish(RunState::finished, now_ms + 1, 2)));
  return writer->run_id();
}

std::vector<SampleRecord> all_samples(const Store& store, const RunId& run, SampleParts parts) {
  std::vector<SampleRecord> records;
  REQUIRE(store.for_each_sample(run, "", parts, [&](const SampleRecord& record) -> Result<> {
    records.push_back(record);
    return {};
  }));
  return records;
}

}  // namespace

TEST_CASE("store: what was stored is read back, by another connection too", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  const RunFacts facts = some_run();
  auto writer = store->begin_run(facts, some_environment(), kNowMs);
  REQUIRE(ok(writer));

  SampleFacts sample = some_sample("i1", 1);
  sample.text = std::string("nul \0 and ill-formed \xff", 23);
  sample.tokens = {0, -1, 2'147'483'647, -2'147'483'647 - 1};
  sample.n_drafted_tokens = 8;
  sample.n_accepted_tokens = 6;
  VerdictFacts verdict = some_verdict(Verdict::no_answer, std::nullopt);
  verdict.detail = {{"why", "no box"}};
  verdict.sandboxed = false;
  REQUIRE(ok(writer->add_sample(sample, verdict, kNowMs + 5, 1500)));

  const auto reader = Store::open_read_only(folder / "a.db");
  REQUIRE(ok(reader));
  const auto run = reader->read_run(writer->run_id());
  REQUIRE(ok(run));
  CHECK(run->facts.name == "trial");
  CHECK(run->facts.seed == 7);
  CHECK(run->facts.tags == facts.tags);
  CHECK(run->facts.model.details == facts.model.details);
  CHECK(run->facts.model.weights_sha256 == facts.model.weights_sha256);
  CHECK(run->identity_sha256 == run_identity(facts));
  CHECK(run->state == RunState::running);
  CHECK(run->is_active);
  CHECK_FALSE(run->finished_at_ms);
  CHECK(run->wall_s == 1.5);
  REQUIRE(run->segments.size() == 1);
  CHECK(run->segments[0].environment.n_cores == 2);
  CHECK_FALSE(run->segments[0].environment.gpu_name);
  CHECK(run->segments[0].environment.details == some_environment().details);
  REQUIRE(run->suites.size() == 1);
  CHECK(run->suites[0].n_items == 3);
  CHECK(run->suites[0].n_samples == 1);
  CHECK(run->suites[0].n_no_answer == 1);
  CHECK(run->suites[0].facts.sampling == facts.suites[0].sampling);

  const auto records = all_samples(*reader, writer->run_id(), SampleParts::transcripts);
  REQUIRE(records.size() == 1);
  CHECK(records[0].sample.key == sample.key);
  CHECK(records[0].sample.text == sample.text);
  CHECK(records[0].sample.prefill == sample.prefill);
  CHECK(records[0].sample.tokens == sample.tokens);
  CHECK(records[0].sample.n_accepted_tokens == 6);
  CHECK(records[0].sample.ttft_ms == 20);
  CHECK_FALSE(records[0].sample.decode_device_ms);
  CHECK(records[0].verdict.verdict == Verdict::no_answer);
  CHECK_FALSE(records[0].verdict.answer);
  CHECK(records[0].verdict.detail == verdict.detail);
  CHECK_FALSE(records[0].verdict.sandboxed);
  CHECK(all_samples(*reader, writer->run_id(), SampleParts::facts)[0].sample.text.empty());

  const auto items = reader->read_items(writer->run_id(), "sums");
  REQUIRE(ok(items));
  REQUIRE(items->size() == 3);
  CHECK((*items)[2].item == ItemId("i2"));
  CHECK((*items)[2].prompt == "1+1?");
}

namespace {

/// Whether some process but the asking one has a lock on the file.
bool is_locked_for_others(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;  // the whole file
    const bool asked = file >= 0 && ::fcntl(file, F_GETLK, &lock) == 0;
    ::_exit(!asked ? 2 : lock.l_type == F_UNLCK ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WEXITSTATUS(status) != 2);
  return WEXITSTATUS(status) == 1;
}

}  // namespace

TEST_CASE("store: to look at a database that this process has open leaves its locks in place", "[results]") {
  TemporaryFolder folder;
  const std::string path = folder / "a.db";
  auto store = Store::open_or_create(path);
  REQUIRE(ok(store));
  REQUIRE(ok(store->begin_run(some_run(), some_environment(), kNowMs)));
  REQUIRE(is_locked_for_others(path));
  // Without its locks, another process that closes the file takes the log away, and what is written to it.
  REQUIRE(ok(Store::open_read_only(path)));
  CHECK(is_locked_for_others(path));
  REQUIRE(ok(Store::open_or_create(path)));
  CHECK(is_locked_for_others(path));
}

TEST_CASE("store: an unfinished run is found by its identity and goes on", "[results]") {
  TemporaryFolder folder;
  const std::string identity = run_identity(some_run());
  RunId run;
  {
    auto store = Store::open_or_create(folder / "a.db");
    REQUIRE(ok(store));
    CHECK_FALSE(*store->find_resumable(identity));
    auto writer = store->begin_run(some_run(), some_environment(), kNowMs);
    REQUIRE(ok(writer));
    run = writer->run_id();
    REQUIRE(ok(writer->add_sample(some_sample("i0", 1), some_verdict(Verdict::correct), kNowMs, 1000)));
    REQUIRE(ok(writer->finish(RunState::interrupted, kNowMs + 1000, 1500)));
  }
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  CHECK(*store->find_resumable(identity) == run);
  auto writer = store->resume_run(run, some_environment("cuda"), kNowMs + 5000);
  REQUIRE(ok(writer));
  CHECK(*store->stored_samples(run) == std::vector<SampleKey>{{"sums", ItemId("i0"), 1}});
  for (const char* item : {"i0", "i1", "i2"}) {
    for (std::int64_t sample = 0; sample < 2; ++sample) {
      const auto added = writer->add_sample(some_sample(item, sample), some_verdict(Verdict::correct), kNowMs, 2000);
      CHECK(added.has_value() == !(std::string(item) == "i0" && sample == 1));  // stored before
      if (!added) CHECK(added.error().kind == ErrorKind::bad_input);
    }
  }
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 9000, 2500)));
  const auto record = store->read_run(run);
  CHECK(record->state == RunState::finished);
  CHECK(record->finished_at_ms == kNowMs + 9000);
  CHECK(record->wall_s == 4.0);  // 1500 ms and 2500 ms
  CHECK(record->segments.size() == 2);
  CHECK(record->segments[1].environment.device_kind == "cuda");
  CHECK(record->suites[0].n_samples == 6);
  CHECK_FALSE(*store->find_resumable(identity));
  CHECK(store->resume_run(run, some_environment(), kNowMs).error().kind == ErrorKind::bad_input);
}

TEST_CASE("run_identity: what changes a sample's tokens or verdict changes it, nothing else does", "[results]") {
  const std::string identity = run_identity(some_run());
  const auto changed = [](const auto& change) {
    RunFacts facts = some_run();
    change(facts);
    return run_identity(facts);
  };
  CHECK(changed([](RunFacts& f) { f.seed = 8; }) != identity);
  CHECK(changed([](RunFacts& f) { f.name = "other"; }) != identity);
  CHECK(changed([](RunFacts& f) { f.model.weights_sha256 = std::string(64, 'e'); }) != identity);
  CHECK(changed([](RunFacts& f) { f.suites[0].sampling["temperature"] = 0.7; }) != identity);
  CHECK(changed([](RunFacts& f) { f.suites[0].items.pop_back(); }) != identity);
  CHECK(changed([](RunFacts& f) { f.suites[0].samples = 3; }) != identity);
  CHECK(changed([](RunFacts& f) { f.suites[0].grader_profile = "lm-eval"; }) != identity);
  CHECK(changed([](RunFacts& f) { f.tags.clear(); }) == identity);
  CHECK(changed([](RunFacts& f) { f.price_usd_per_gpu_hour = 2.5; }) == identity);
  CHECK(changed([](RunFacts& f) { f.command_line = "assay run …"; }) == identity);
}

TEST_CASE("store: one writer per run", "[results]") {
  TemporaryFolder folder;
  auto first = Store::open_or_create(folder / "a.db");
  auto second = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(first));
  REQUIRE(ok(second));
  auto writer = first->begin_run(some_run(), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  const RunId run = writer->run_id();
  CHECK(second->begin_run(some_run(), some_environment(), kNowMs).error().kind == ErrorKind::environment);
  CHECK(second->resume_run(run, some_environment(), kNowMs).error().kind == ErrorKind::environment);
  // Nor through another name of the file.
  std::filesystem::create_symlink(folder / "a.db", folder / "link.db");
  auto linked = Store::open_or_create(folder / "link.db");
  REQUIRE(ok(linked));
  CHECK(linked->resume_run(run, some_environment(), kNowMs).error().kind == ErrorKind::environment);
  // Another run in the same file is nobody's business.
  auto other = second->begin_run(some_run("other"), some_environment(), kNowMs);
  REQUIRE(ok(other));
  REQUIRE(ok(other->add_sample(some_sample("i0", 0), some_verdict(Verdict::correct), kNowMs, 1)));
  REQUIRE(ok(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::correct), kNowMs, 1)));
  { const RunWriter dropped = std::move(*writer); }
  const auto killed = second->read_run(run);
  CHECK_FALSE(killed->is_active);
  CHECK(killed->state == RunState::running);
  CHECK(current_state(*killed) == RunState::interrupted);
  CHECK(second->resume_run(run, some_environment(), kNowMs));
}

TEST_CASE("store: a run is found by id, prefix, name and latest", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  CHECK(store->find_run("latest").error().kind == ErrorKind::bad_input);
  const RunId older = add_finished_run(*store, "nightly", kNowMs);
  const RunId newest = add_finished_run(*store, "nightly", kNowMs + 2000);
  const RunId middle = add_finished_run(*store, "weekly", kNowMs + 1000);
  CHECK(*store->find_run("latest") == newest);
  CHECK(*store->find_run("nightly") == newest);
  CHECK(*store->find_run("weekly") == middle);
  CHECK(*store->find_run(older.value) == older);
  CHECK(*store->find_run(older.value.substr(0, 11)) == older);
  for (const char* nothing : {"", "nightl", "%", "_", "no such run"}) {
    CAPTURE(nothing);
    CHECK(store->find_run(nothing).error().kind == ErrorKind::bad_input);
  }
  // With 17 runs two share their first hexadecimal digit.
  for (int i = 0; i < 14; ++i) add_finished_run(*store, "", kNowMs - i);
  int n_ambiguous = 0;
  for (const char digit : std::string("0123456789abcdef")) {
    const auto found = store->find_run(std::string(1, digit));
    n_ambiguous += !found && found.error().message.find("begins several") != std::string::npos ? 1 : 0;
  }
  CHECK(n_ambiguous >= 1);
  const auto runs = store->list_runs();
  REQUIRE(ok(runs));
  CHECK(runs->size() == 17);
  CHECK((*runs)[0].run_id == newest);
  CHECK((*runs)[1].run_id == middle);
}

TEST_CASE("store: values out of range are refused with their place, and nothing of them stays", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run(), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  const auto refused = [&](const auto& change) {
    SampleFacts sample = some_sample("i0", 0);
    VerdictFacts verdict = some_verdict(Verdict::correct);
    change(sample, verdict);
    const auto added = writer->add_sample(sample, verdict, kNowMs, 1);
    return !added && added.error().kind == ErrorKind::bad_input;
  };
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.key.sample = 2; }));
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.key.sample = -1; }));
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.key.item = ItemId("i9"); }));
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.key.suite = "other"; }));
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.finish_reason = "bored"; }));
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.finish_reason = std::nullopt; }));
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.failure = "endpoint down"; }));  // failed and yet finished
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.n_cached_prompt_tokens = 11; }));
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.n_accepted_tokens = 1; }));
  CHECK(refused([](SampleFacts& s, VerdictFacts&) { s.ttft_ms = -1; }));
  CHECK(refused([](SampleFacts&, VerdictFacts& v) { v.score = 1.5; }));
  CHECK(refused([](SampleFacts&, VerdictFacts& v) { v.score = std::nan(""); }));
  CHECK(store->stored_samples(writer->run_id())->empty());
  CHECK_FALSE(writer->finish(RunState::finished, kNowMs, 1));  // six samples are missing
  CHECK(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::correct), kNowMs, 1));

  RunFacts twice = some_run("twice");
  twice.suites.push_back(twice.suites[0]);
  CHECK(store->begin_run(twice, some_environment(), kNowMs).error().kind == ErrorKind::bad_input);
  RunFacts negative = some_run("negative");
  negative.seed = -1;
  CHECK(store->begin_run(negative, some_environment(), kNowMs).error().kind == ErrorKind::bad_input);
  RunFacts cheap = some_run("cheap");
  cheap.price_usd_per_gpu_hour = -1;
  CHECK(store->begin_run(cheap, some_environment(), kNowMs).error().kind == ErrorKind::bad_input);
  CHECK(store->list_runs()->size() == 1);
}

TEST_CASE("store: a regrade becomes current as a whole, and gives way when the run goes on", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run("trial", 2, 1), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  const RunId run = writer->run_id();
  REQUIRE(ok(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::incorrect), kNowMs, 1)));

  const KeyedVerdict regraded = {{"sums", ItemId("i0"), 0}, some_verdict(Verdict::correct)};
  const auto regrade = [&](const std::vector<KeyedVerdict>& verdicts) {
    return store->add_grading(run, "sums", "lm-eval", "3", verdicts, kNowMs);
  };
  CHECK(regrade({}).error().kind == ErrorKind::bad_input);                    // a sample is left out
  CHECK(regrade({regraded, regraded}).error().kind == ErrorKind::bad_input);  // twice
  CHECK(store->read_run(run)->suites[0].current_profile == "canonical");
  CHECK_FALSE(store->add_grading(run, "nope", "lm-eval", "3", {}, kNowMs));

  REQUIRE(regrade({regraded}));
  auto suite = store->read_run(run)->suites[0];
  CHECK(suite.current_profile == "lm-eval");
  CHECK(suite.facts.grader_profile == "canonical");
  CHECK(suite.n_correct == 1);
  CHECK(suite.n_incorrect == 0);
  CHECK(all_samples(*store, run, SampleParts::facts)[0].verdict.verdict == Verdict::correct);

  REQUIRE(ok(writer->add_sample(some_sample("i1", 0), some_verdict(Verdict::no_answer), kNowMs, 1)));
  suite = store->read_run(run)->suites[0];
  CHECK(suite.current_profile == "canonical");
  CHECK(suite.n_incorrect == 1);
  CHECK(suite.n_no_answer == 1);
  CHECK(all_samples(*store, run, SampleParts::facts).size() == 2);
}

TEST_CASE("store: a snapshot does not see what is written meanwhile", "[results]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "a.db");
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run(), some_environment(), kNowMs);
  REQUIRE(ok(writer));
  const auto reader = Store::open_read_only(folder / "a.db");
  REQUIRE(ok(reader));
  const auto read = reader->in_snapshot([&]() -> Result<> {
    CHECK(reader->stored_samples(writer->run_id())->empty());
    REQUIRE(ok(writer->add_sample(some_sample("i0", 0), some_verdict(Verdict::correct), kNowMs, 1)));
    CHECK(reader->stored_samples(writer->run_id())->empty());
    return {};
  });
  CHECK(read);
  CHECK(reader->stored_samples(writer->run_id())->size() == 1);
}

TEST_CASE("verdict, run state: words and back", "[results]") {
  for (const char* word : {"correct", "incorrect", "no_answer", "truncated", "error"}) {
    CHECK(to_string(*parse_verdict(word)) == word);
  }
  for (const char* word : {"running", "finished", "interrupted"}) CHECK(to_string(*parse_run_state(word)) == word);
  CHECK(parse_verdict("Correct").error().message ==
        "verdict \"Correct\" is unknown; expected one of correct, incorrect, no_answer, truncated, error");
}
