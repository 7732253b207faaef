// Reads what was written with Arrow's own reader.
#include <arrow/api.h>
#include <arrow/io/memory.h>
#include <parquet/arrow/reader.h>

#include "results/export/export.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;

namespace {

std::string exported(const Store& store, const RunId& run, bool include_protected) {
  std::string bytes;
  const auto done = export_runs(store, std::vector<RunId>{run},
                                {.format = ExportFormat::parquet, .include_protected = include_protected},
                                [&](std::string_view part) -> Result<> {
                                  bytes += part;
                                  return {};
                                });
  REQUIRE(ok(done));
  return bytes;
}

std::shared_ptr<arrow::Table> read_back(const std::string& bytes) {
  auto reader = parquet::arrow::OpenFile(std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(bytes)),
                                         arrow::default_memory_pool());
  REQUIRE(reader.ok());
  std::shared_ptr<arrow::Table> table;
  REQUIRE((*reader)->ReadTable(&table).ok());
  REQUIRE(table->ValidateFull().ok());
  return table;
}

/// A cell as Arrow prints it; "null" where there is none.
std::string cell(const arrow::Table& table, const std::string& column, std::int64_t row) {
  const auto values = table.GetColumnByName(column);
  REQUIRE(values);
  const auto scalar = values->GetScalar(row);
  REQUIRE(scalar.ok());
  return (*scalar)->ToString();
}

RunId write_run(Store& store, bool is_protected, std::int64_t n_items) {
  RunFacts facts = some_run("parquet", n_items, 1);
  facts.suites[0].is_protected = is_protected;
  auto writer = store.begin_run(facts, some_environment("cpu"), kNowMs);
  REQUIRE(ok(writer));
  for (std::int64_t i = 0; i < n_items; ++i) {
    SampleFacts sample = some_sample("i" + std::to_string(i), 0);
    sample.text = "reply " + std::to_string(i) + (i == 0 ? " \xff" : "");
    if (i == 1) sample.ttft_ms.reset();
    REQUIRE(ok(writer->add_sample(sample, some_verdict(Verdict::correct, "=1+1"), kNowMs, 10)));
  }
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs, 20)));
  return writer->run_id();
}

}  // namespace

TEST_CASE("parquet: columns have their types, missing values are null, texts are valid", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_run(*store, false, 3);
  const auto table = read_back(exported(*store, run, false));
  REQUIRE(table->num_rows() == 3);
  CHECK(table->schema()->GetFieldByName("score")->type()->Equals(arrow::float64()));
  CHECK(table->schema()->GetFieldByName("output_tokens")->type()->Equals(arrow::int64()));
  CHECK(table->schema()->GetFieldByName("output")->type()->Equals(arrow::utf8()));
  CHECK(cell(*table, "id", 2) == "i2");
  CHECK(cell(*table, "answer", 0) == "=1+1");  // nothing computes it, so it is as it is
  CHECK(cell(*table, "output", 0) == "<think>\nreply 0 \xEF\xBF\xBD");
  CHECK(cell(*table, "ttft_ms", 0) == "20");
  CHECK(cell(*table, "ttft_ms", 1) == "null");
}

TEST_CASE("parquet: more samples than a row group holds", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_run(*store, false, 9000);
  const auto table = read_back(exported(*store, run, false));
  REQUIRE(table->num_rows() == 9000);
  for (const std::int64_t row : {0, 8191, 8192, 8999}) {
    const std::string id = cell(*table, "id", row);
    CHECK_THAT(cell(*table, "output", row), Catch::Matchers::Contains("reply " + id.substr(1)));
  }
}

TEST_CASE("parquet: what a protected suite says stays here unless it is asked for", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_run(*store, true, 2);
  const auto hidden = read_back(exported(*store, run, false));
  CHECK(cell(*hidden, "output", 0) == "null");
  CHECK(cell(*hidden, "answer", 0) == "null");
  CHECK(cell(*hidden, "verdict", 0) == "correct");
  CHECK(cell(*read_back(exported(*store, run, true)), "answer", 0) == "=1+1");
}

TEST_CASE("parquet: an error of the sink is the one that is told", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_run(*store, false, 2);
  const auto done =
      export_runs(*store, std::vector<RunId>{run}, {.format = ExportFormat::parquet, .include_protected = false},
                  [](std::string_view) -> Result<> { return environment_error("disk full"); });
  REQUIRE_FALSE(done);
  CHECK(done.error().message == "disk full");
}
