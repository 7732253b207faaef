// Files that are no database, another's, damaged or tampered with; places that are full or closed.
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <random>

#include "harness/base/archive.h"
#include "harness/base/file.h"
#include "results/child_process.h"
#include "results/merge.h"
#include "results/schema.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;

namespace {

namespace fs = std::filesystem;

void write_bytes(const fs::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// Opens both ways; both must refuse with `kind` and leave the bytes as they are.
void check_refused(const fs::path& path, ErrorKind kind, const std::string& what) {
  const std::string before = *read_file(path);
  const auto reader = Store::open_read_only(path);
  REQUIRE_FALSE(reader);
  CHECK(reader.error().kind == kind);
  CHECK_THAT(reader.error().message, Contains(path.string()) && Contains(what));
  const auto writer = Store::open_or_create(path);
  REQUIRE_FALSE(writer);
  CHECK(writer.error().kind == kind);
  CHECK_THAT(writer.error().message, Contains(what));
  CHECK(*read_file(path) == before);
}

/// Makes a file with SQLite itself, defences off, as another program would.
void run_sql(const fs::path& path, const std::string& sql) {
  sqlite3* raw = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &raw) == SQLITE_OK);
  const std::unique_ptr<sqlite3, SqliteClose> connection(raw);
  char* message = nullptr;
  sqlite3_exec(raw, sql.c_str(), nullptr, nullptr, &message);
  const std::string problem = message == nullptr ? "" : message;
  sqlite3_free(message);
  REQUIRE(problem == "");
}

/// A database with one finished run, in one file without a log.
RunId write_database(const fs::path& path) {
  RunId run;
  {
    auto store = Store::open_or_create(path);
    REQUIRE(ok(store));
    auto writer = store->begin_run(some_run("trial", 2, 2), some_environment(), kNowMs);
    REQUIRE(ok(writer));
    run = writer->run_id();
    for (const char* item : {"i0", "i1"}) {
      for (std::int64_t sample = 0; sample < 2; ++sample) {
        REQUIRE(ok(writer->add_sample(some_sample(item, sample), some_verdict(Verdict::correct), kNowMs, 10)));
      }
    }
    REQUIRE(ok(writer->finish(RunState::finished, kNowMs, 20)));
  }
  REQUIRE_FALSE(fs::exists(path.string() + "-wal"));
  REQUIRE_FALSE(fs::exists(path.string() + "-lock"));
  return run;
}

/// Reads all that a report reads. The outcome does not matter, only that there is one.
bool can_be_summarised(const fs::path& path) {
  const auto store = Store::open_read_only(path);
  if (!store) return false;
  const auto runs = store->list_runs();
  if (!runs || runs->empty()) return false;
  for (const RunRecord& run : *runs) {
    if (!summarise(*store, run.run_id, {.n_resamples = 10, .seed = 0})) return false;
    const auto use = [](const SampleRecord&) -> Result<> { return {}; };
    if (!store->for_each_sample(run.run_id, "", SampleParts::transcripts, use)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("store: what is no Assay database is refused and left as it is", "[results][hostile]") {
  TemporaryFolder folder;
  const fs::path path = folder / "x.db";
  SECTION("random bytes") {
    std::mt19937 random(1);
    for (const std::size_t size : {1, 15, 16, 99, 100, 5000}) {
      std::string bytes(size, '\0');
      for (char& byte : bytes) byte = static_cast<char>(random());
      write_bytes(path, bytes);
      check_refused(path, ErrorKind::bad_input, "no SQLite database");
    }
  }
  SECTION("SQLite's name and nothing else") {
    write_bytes(path, std::string_view("SQLite format 3\0", 16));
    check_refused(path, ErrorKind::bad_input, "no SQLite database");
  }
  SECTION("another program's, by its application_id") {
    run_sql(path, "PRAGMA application_id = 1196444487; CREATE TABLE t (a)");
    check_refused(path, ErrorKind::bad_input, "another program");
  }
  SECTION("another program's, without application_id") {
    run_sql(path, "CREATE TABLE t (a)");
    check_refused(path, ErrorKind::bad_input, "another program");
  }
  SECTION("ours by its number, but of no version") {
    run_sql(path, std::string("PRAGMA application_id = ").append(std::to_string(kApplicationId)));
    check_refused(path, ErrorKind::bad_input, "schema version 0");
  }
  SECTION("a newer version") {
    write_database(path);
    run_sql(path, "PRAGMA user_version = 999");
    check_refused(path, ErrorKind::environment, "schema version 999");
  }
  SECTION("a folder, a pipe") {
    CHECK(Store::open_or_create(folder.path()).error().kind == ErrorKind::bad_input);
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    CHECK(Store::open_read_only(path).error().kind == ErrorKind::bad_input);
    CHECK(Store::open_or_create(path).error().kind == ErrorKind::bad_input);
  }
  SECTION("nothing, or an empty file: an error to a reader, a new database to a writer") {
    CHECK(Store::open_read_only(path).error().kind == ErrorKind::bad_input);
    CHECK_FALSE(fs::exists(path));
    write_bytes(path, "");
    CHECK(Store::open_read_only(path).error().kind == ErrorKind::bad_input);
    CHECK(Store::open_or_create(path));
    CHECK(Store::open_read_only(path));
  }
  SECTION("a folder that is missing") {
    CHECK(Store::open_or_create(folder / "no/x.db").error().kind == ErrorKind::environment);
  }
  SECTION("a name that SQLite would read as more than a name") {
    for (const char* name : {"a?mode=memory", "b#c", "d%00e", ":memory:", "file:f", " "}) {
      CAPTURE(name);
      CHECK(Store::open_or_create(folder / name));
      CHECK(fs::exists(folder / name));
      CHECK(Store::open_read_only(folder / name));
    }
  }
}

TEST_CASE("store: a tampered schema is refused, naming the object", "[results][hostile]") {
  TemporaryFolder folder;
  const fs::path path = folder / "x.db";
  write_database(path);
  SECTION("a trigger") {
    run_sql(path, "CREATE TRIGGER sly AFTER INSERT ON samples BEGIN DELETE FROM verdicts; END");
    check_refused(path, ErrorKind::bad_input, "trigger sly is not Assay's");
  }
  SECTION("a view in place of a table") {
    run_sql(path,
            "ALTER TABLE run_tags RENAME TO hidden; CREATE VIEW run_tags AS SELECT run_key, tag, value FROM hidden");
    check_refused(path, ErrorKind::bad_input, "table run_tags is missing");
  }
  SECTION("a rule taken away") {
    run_sql(path,
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, ' CHECK (score BETWEEN 0 AND "
            "1)', '') "
            "WHERE name = 'verdicts'");
    check_refused(path, ErrorKind::bad_input, "table verdicts differs");
  }
  SECTION("a value against the rules is an error where it is read") {
    run_sql(path, "PRAGMA ignore_check_constraints = ON; UPDATE verdicts SET verdict = 'splendid'");
    const auto store = Store::open_read_only(path);
    REQUIRE(ok(store));
    const auto summary = summarise(*store, *store->find_run("latest"));
    REQUIRE_FALSE(summary);
    CHECK_THAT(summary.error().message, Contains("splendid"));
  }
  SECTION("counts that are not those of the rows are an error where both are read") {
    run_sql(path, "UPDATE gradings SET n_correct = 3, n_incorrect = 1");
    const auto store = Store::open_read_only(path);
    REQUIRE(ok(store));
    const auto summary = summarise(*store, *store->find_run("latest"));
    REQUIRE_FALSE(summary);
    CHECK_THAT(summary.error().message, Contains("sums") && Contains("verdicts"));
  }
  SECTION("JSON that is none is an error where it is read") {
    run_sql(path, "UPDATE models SET details = '{'");
    const auto store = Store::open_read_only(path);
    REQUIRE(ok(store));
    CHECK_THAT(store->list_runs().error().message, Contains("models.details"));
  }
}

TEST_CASE("store: a truncated file is an error, never half a result", "[results][hostile]") {
  TemporaryFolder folder;
  write_database(folder / "whole.db");
  const std::string whole = *read_file(folder / "whole.db");
  REQUIRE(can_be_summarised(folder / "whole.db"));
  for (std::size_t size = 1; size < whole.size(); size += size < 200 ? 7 : 1021) {
    const fs::path path = folder / "cut.db";
    write_bytes(path, std::string_view(whole).substr(0, size));
    CAPTURE(size);
    CHECK_FALSE(can_be_summarised(path));
  }
}

TEST_CASE("store: a damaged file gives an answer or an error", "[results][hostile]") {
  TemporaryFolder folder;
  write_database(folder / "whole.db");
  const std::string whole = *read_file(folder / "whole.db");
  std::mt19937 random(7);
  int n_refused = 0;
  constexpr int kRounds = 300;
  for (int round = 0; round < kRounds; ++round) {
    std::string bytes = whole;
    const int n_changes = 1 + static_cast<int>(random() % 30);
    for (int i = 0; i < n_changes; ++i) bytes[random() % bytes.size()] = static_cast<char>(random());
    write_bytes(folder / "mutant.db", bytes);
    n_refused += can_be_summarised(folder / "mutant.db") ? 0 : 1;
  }
  // Damage in free space or in text goes unseen; damage in structure must not.
  CHECK(n_refused > kRounds / 10);
}

TEST_CASE("sqlite: a full database is an environment error, and what was committed stays", "[results][hostile]") {
  TemporaryFolder folder;
  const auto database = Database::open(folder / "full.db", Database::Mode::create);
  REQUIRE(ok(database));
  REQUIRE((*database)->execute("CREATE TABLE t (a); PRAGMA max_page_count = 40"));
  std::int64_t n_stored = 0;
  while (true) {
    const auto stored = [&]() -> Result<> {
      ASSAY_ASSIGN(auto transaction, Transaction::begin(**database, Transaction::Kind::write));
      ASSAY_ASSIGN(auto row, (*database)->prepare("INSERT INTO t (a) VALUES (?1)"));
      ASSAY_TRY(row.bind(1, std::string(3000, 'x')).run());
      return transaction.commit();
    }();
    if (stored) {
      ++n_stored;
      REQUIRE(n_stored < 1000);
      continue;
    }
    CHECK(stored.error().kind == ErrorKind::environment);
    CHECK_THAT(stored.error().message, Contains("full"));
    break;
  }
  CHECK(n_stored > 0);
  CHECK(*(*database)->query_integer("SELECT count(*) FROM t") == n_stored);
}

// The limit on file sizes stands in for a full disk: both make write(2) fail.
TEST_CASE("store: no room for a sample is an environment error, and the run goes on once there is",
          "[results][hostile]") {
  TemporaryFolder folder;
  const fs::path path = folder / "x.db";
  int to_parent[2];
  REQUIRE(::pipe(to_parent) == 0);
  const pid_t child = start_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto store = Store::open_or_create(path);
    if (!store) return 10;
    auto writer = store->begin_run(some_run("trial", 100, 1), some_environment(), kNowMs);
    if (!writer) return 11;
    const rlimit limit = {600'000, 600'000};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 12;
    for (int i = 0; i < 100; ++i) {
      SampleFacts sample = some_sample(item_name(i), 0);
      sample.text = std::string(20'000, 'x');
      const auto added = writer->add_sample(sample, some_verdict(Verdict::correct), kNowMs, 1);
      if (!added) return added.error().kind == ErrorKind::environment ? 0 : 13;
      if (::write(to_parent[1], "+", 1) != 1) return 14;
    }
    return 15;  // the limit was never met
  });
  ::close(to_parent[1]);
  std::size_t n_acknowledged = 0;
  for (char byte = 0; ::read(to_parent[0], &byte, 1) == 1;) ++n_acknowledged;
  ::close(to_parent[0]);
  CHECK(wait_for(child) == 0);
  CHECK(n_acknowledged > 0);

  auto store = Store::open_or_create(path);
  REQUIRE(ok(store));
  const auto run = store->find_run("latest");
  REQUIRE(ok(run));
  CHECK(store->stored_samples(*run)->size() == n_acknowledged);
  auto writer = store->resume_run(*run, some_environment(), kNowMs);
  REQUIRE(ok(writer));
  CHECK(ok(writer->add_sample(some_sample("i99", 0), some_verdict(Verdict::correct), kNowMs, 1)));
}

TEST_CASE("store: a place that can't be written is read, and refused for writing", "[results][hostile]") {
  TemporaryFolder folder;
  const fs::path path = folder / "x.db";
  write_database(path);
  REQUIRE(::chmod(path.c_str(), 0444) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0555) == 0);
  const pid_t child = start_child([&] {
    if (::geteuid() == 0 && ::setuid(65534) != 0) return 10;  // root may write anywhere; become nobody
    if (!can_be_summarised(path)) return 11;
    const auto store = Store::open_or_create(path);
    if (store || store.error().kind != ErrorKind::environment) return 12;
    const auto fresh = Store::open_or_create(folder / "new.db");
    if (fresh || fresh.error().kind != ErrorKind::environment) return 13;
    return 0;
  });
  CHECK(wait_for(child) == 0);
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
}

TEST_CASE("store: a page of garbage is an error that names the file, wherever it lies", "[results][hostile]") {
  TemporaryFolder folder;
  write_database(folder / "whole.db");
  const std::string whole = *read_file(folder / "whole.db");
  constexpr std::size_t kPageBytes = 4096;
  REQUIRE(whole.size() > 20 * kPageBytes);
  std::mt19937 random(13);
  int n_refused = 0;
  for (std::size_t page = 1; page < whole.size() / kPageBytes; ++page) {
    CAPTURE(page);
    std::string bytes = whole;
    for (std::size_t i = 0; i < kPageBytes; ++i) bytes[page * kPageBytes + i] = static_cast<char>(random());
    write_bytes(folder / "bad.db", bytes);
    const auto summary = [&]() -> Result<RunSummary> {
      ASSAY_ASSIGN(const Store store, Store::open_read_only(folder / "bad.db"));
      ASSAY_ASSIGN(const RunId run, store.find_run("trial"));
      return summarise(store, run, {.n_resamples = 10, .seed = 0});
    }();
    if (summary) continue;  // an index that this question does not need
    ++n_refused;
    CHECK(summary.error().kind == ErrorKind::bad_input);
    CHECK_THAT(summary.error().message, Contains("bad.db"));
  }
  CHECK(n_refused > 10);
}

// As above, the limit on file sizes stands in for a full disk.
TEST_CASE("store: no room for a migration or a merge leaves the database as it was", "[results][hostile]") {
  TemporaryFolder folder;
  const fs::path old = folder / "old.db";
  const auto stored = read_packed_file(fs::path(ASSAY_SOURCE_DIR) / "results/testdata/v1.sqlite.gz");
  REQUIRE(ok(stored));
  write_bytes(old, *stored);
  const fs::path target = folder / "target.db";
  write_database(target);
  const fs::path other = folder / "other.db";
  {
    auto store = Store::open_or_create(other);
    auto writer = store->begin_run(some_run("large", 200, 1), some_environment(), kNowMs);
    for (int i = 0; i < 200; ++i) {
      SampleFacts sample = some_sample(item_name(i), 0);
      sample.text = std::string(20'000, 'x');
      REQUIRE(ok(writer->add_sample(sample, some_verdict(Verdict::correct), kNowMs, 1)));
    }
    REQUIRE(ok(writer->finish(RunState::finished, kNowMs, 1)));
  }
  const auto with_limit = [](rlim_t n_bytes, const std::function<Result<>()>& work) {
    return wait_for(start_child([&] {
      std::signal(SIGXFSZ, SIG_IGN);
      const rlimit limit = {n_bytes, n_bytes};
      if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 10;
      const auto done = work();
      if (done) return 11;
      return done.error().kind == ErrorKind::environment ? 0 : 12;
    }));
  };
  CHECK(with_limit(16'000, [&]() -> Result<> {
          ASSAY_TRY(Store::open_or_create(old));
          return {};
        }) == 0);
  CHECK(with_limit(1'000'000, [&]() -> Result<> {
          ASSAY_TRY(merge_databases(target, std::vector<fs::path>{other},
                                    [](std::int64_t, std::int64_t) -> Result<> { return {}; }));
          return {};
        }) == 0);
  // With room both go through, and nothing had been lost.
  const auto migrated = Store::open_or_create(old);
  REQUIRE(ok(migrated));
  CHECK(migrated->read_run(*migrated->find_run("stored"))->suites[0].n_samples == 4);
  CHECK(Store::open_read_only(target)->list_runs()->size() == 1);
  CHECK(can_be_summarised(target));
  REQUIRE(ok(merge_databases(target, std::vector<fs::path>{other},
                             [](std::int64_t, std::int64_t) -> Result<> { return {}; })));
  CHECK(Store::open_read_only(target)->list_runs()->size() == 2);
}

TEST_CASE("merge: a hostile database with triggers and views is refused, and nothing of it runs",
          "[results][hostile]") {
  TemporaryFolder folder;
  write_database(folder / "a.db");
  write_database(folder / "all.db");
  run_sql(folder / "a.db", "CREATE TRIGGER sly AFTER INSERT ON runs BEGIN DELETE FROM verdicts; END");
  const auto merged = merge_databases(folder / "all.db", std::vector<fs::path>{folder / "a.db"},
                                      [](std::int64_t, std::int64_t) -> Result<> { return {}; });
  REQUIRE_FALSE(merged);
  CHECK_THAT(merged.error().message, Contains("trigger sly"));
  CHECK(can_be_summarised(folder / "all.db"));
}
