#include "gui/models/comparison.h"
#include "gui/models/plain_text.h"

#include <QAbstractItemModelTester>

#include "gui/test_database.h"
#include "results/gate/wording.h"

namespace assay::gui {

using namespace testing;

namespace {

/// The row of a table whose first cells are these.
std::vector<TableCell> row_of(const Table& table, const QStringList& begin) {
  for (const std::vector<TableCell>& row : table.rows) {
    bool is_it = true;
    for (qsizetype i = 0; i < begin.size(); ++i) is_it = is_it && row[static_cast<std::size_t>(i)].text == begin[i];
    if (is_it) return row;
  }
  FAIL("no such row");
  return {};
}

}  // namespace

TEST_CASE("read_comparison: the figures and words of assay compare and assay check") {
  const TestDatabase database;
  const ComparisonAnswer answer = read_comparison({database.chosen(), false, {}}, kNowMs, {});
  INFO(answer.refusal);
  REQUIRE(answer.comparison.has_value());
  CHECK(answer.obstacles.empty());
  REQUIRE(answer.comparison->runs.size() == 1);
  const results::SuiteComparison& suite = answer.comparison->runs[0].suites.at(0);
  // By hand: 11 of 12 against 9.5 of 12.
  CHECK(suite.accuracy.difference == Approx(-1.5 / 12));
  REQUIRE(answer.gates.size() == 1);
  REQUIRE(answer.gates[0].check.has_value());

  const Table accuracy = accuracy_table(answer);
  const auto row = row_of(accuracy, {visible_text(kHostileName), "sums"});
  CHECK(row[2].text == "12");
  CHECK(row[3].text == "91.7 %");
  CHECK(row[4].text == "79.2 %");
  CHECK(row[5].text == "-12.5");
  CHECK(row[6].interval == suite.accuracy.interval);
  CHECK(row[10].text == QString::fromStdString(to_string(suite.accuracy_test.finding)));
  CHECK(row[5].tooltip.contains("n: 12 items"));
  CHECK(row[5].tooltip.contains("provenance: baseline measured"));

  const Table gate = gate_table(answer.gates[0]);
  REQUIRE(gate.rows.size() == answer.gates[0].check->metrics.size());
  for (std::size_t i = 0; i < gate.rows.size(); ++i) {
    const results::MetricVerdict& metric = answer.gates[0].check->metrics[i];
    CHECK(gate.rows[i][0].text == visible_text(results::metric_title(metric)));
    CHECK(gate.rows[i][6].text == QString::fromStdString(to_string(metric.verdict)));
  }
  for (const Table& table : {accuracy, gate, lengths_table(answer), latency_table(answer), run_figures_table(answer),
                             environment_table(answer)}) {
    TableModel model;
    QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
    model.set_table(table);
  }
  // 24 samples support a p90 and no p99.
  const auto latency = row_of(latency_table(answer), {visible_text(kHostileName), "itl_ms"});
  CHECK(latency[4].text != unknown_text());
  CHECK(latency[6].text == unknown_text());
  CHECK(latency[6].tooltip.contains("100"));
}

TEST_CASE("flips_table: what was lost and gained, the largest change first, with a way to the item") {
  const TestDatabase database;
  const ComparisonAnswer answer = read_comparison({database.chosen(), false, {}}, kNowMs, {});
  REQUIRE(answer.comparison.has_value());
  const Table all = flips_table(answer, "", "");
  REQUIRE(all.rows.size() == 4);
  CHECK(all.rows[0][1].text == "i1");
  CHECK(all.rows[0][3].text == "correct 2/2");
  CHECK(all.rows[0][4].text == "▼ incorrect 0/2");
  CHECK(all.rows[3][1].text == "i3");
  CHECK(parse_flip_key(all.row_keys[0]) == std::pair<QString, QString>("sums", "i1"));
  CHECK(flips_table(answer, "lost", "").rows.size() == 3);
  REQUIRE(flips_table(answer, "gained", "").rows.size() == 1);
  CHECK(flips_table(answer, "gained", "sums").rows[0][4].text.startsWith("▲"));
  CHECK(flips_table(answer, "", "another").rows.empty());
}

TEST_CASE("read_comparison: runs that are not comparable say why, unless forced") {
  const TestDatabase database;
  auto store = results::Store::open_or_create(database.path.toStdString());
  REQUIRE(ok(store));
  results::RunFacts facts = results::testing::some_run("hot", 1, 1);
  facts.suites[0].sampling = {{"temperature", 1.5}};
  facts.suites[0].items[0].prompt_sha256 = std::string(62, 'd') + "10";
  auto writer = store->begin_run(facts, results::testing::some_environment(), kNowMs);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->add_sample(results::testing::some_sample("i0", 0),
                                results::testing::some_verdict(Verdict::correct), kNowMs, 1)));
  REQUIRE(ok(writer->finish(results::RunState::finished, kNowMs, 2)));
  const std::vector<ChosenRun> runs = {{database.path, database.before, "before", ""},
                                       {database.path, QString::fromStdString(writer->run_id().value), "hot", ""}};
  const ComparisonAnswer refused = read_comparison({runs, false, {}}, kNowMs, {});
  CHECK_FALSE(refused.comparison.has_value());
  REQUIRE(refused.obstacles.size() == 1);
  CHECK(refused.obstacles[0].candidate == "hot");
  CHECK_THAT(refused.refusal, Catch::Matchers::Contains("temperature"));
  CHECK(accuracy_table(refused).rows.empty());
  REQUIRE(refused.gates.size() == 1);
  CHECK_THAT(refused.gates[0].refusal, Catch::Matchers::Contains("temperature"));
  const ComparisonAnswer forced = read_comparison({runs, true, {}}, kNowMs, {});
  REQUIRE(forced.comparison.has_value());
  CHECK_THAT(accuracy_table(forced).rows[0][5].tooltip.toStdString(), Catch::Matchers::Contains("FORCED"));
}

TEST_CASE("read_comparison: a policy of the user's is followed, a broken one is named") {
  const TestDatabase database;
  const QString policy = QString::fromStdString(database.folder.write("policy.json", R"({"level": 0.01})").string());
  const QString broken = QString::fromStdString(database.folder.write("broken.json", R"({"lvel": 0.01})").string());
  const ComparisonAnswer answer = read_comparison({database.chosen(), false, policy}, kNowMs, {});
  REQUIRE(answer.gates.at(0).check.has_value());
  CHECK(answer.gates[0].check->level == 0.01);
  const ComparisonAnswer refused = read_comparison({database.chosen(), false, broken}, kNowMs, {});
  CHECK(refused.comparison.has_value());
  CHECK_THAT(refused.gates.at(0).refusal, Catch::Matchers::Contains("lvel"));
}

TEST_CASE("read_comparison: a file that is gone is said") {
  const ComparisonAnswer answer =
      read_comparison({{{"/nowhere/x.db", "a", "a", ""}, {"/nowhere/x.db", "b", "b", ""}}, false, {}}, kNowMs, {});
  CHECK_THAT(answer.refusal, Catch::Matchers::Contains("/nowhere/x.db"));
  CHECK(answer.summaries.empty());
}

}  // namespace assay::gui
