#include <QAbstractItemModelTester>
#include <QElapsedTimer>
#include <QSignalSpy>

#include "gui/browse_runs.h"
#include "gui/models/outcome_matrix.h"
#include "gui/models/samples_index.h"
#include "gui/models/transcript.h"
#include "gui/models/transcript_search.h"
#include "gui/models/word_diff.h"

namespace assay::gui {

namespace {

using Mode = QAbstractItemModelTester::FailureReportingMode;

std::vector<ChosenRun> two_runs(const BrowseRuns& fixture) {
  return {{fixture.database, fixture.first, "one", "1"}, {fixture.database, fixture.second, "two", "1"}};
}

QStringList words(const QString& text, const std::vector<TextSpan>& spans) {
  QStringList words;
  for (const TextSpan& span : spans) words << text.mid(span.begin, span.end - span.begin);
  return words;
}

}  // namespace

TEST_CASE("outcome matrix: items by runs, and which differ") {
  const BrowseRuns fixture;
  OutcomeModel model;
  const QAbstractItemModelTester tester(&model, Mode::Fatal);
  model.set_matrix(read_outcome_matrix(two_runs(fixture), "", {}));
  CHECK(model.matrix().suite == "sums");
  REQUIRE(model.rowCount() == 4);
  REQUIRE(model.columnCount() == 3);
  CHECK(model.index(0, 1).data().toString() == "C 2/2");
  CHECK(model.index(1, 1).data().toString() == "I 0/2");
  CHECK(model.index(0, 2).data().toString() == "C 1/2");
  CHECK(model.index(0, 2).data(OutcomeModel::CellRole).toList() == QVariantList{1, 0, 0, 1, 0});
  CHECK(model.index(0, 2).data(Qt::ToolTipRole).toString().contains("truncated 1 of 2"));
  CHECK(model.row_of("i3") == 3);
  CHECK(model.row_of("") == -1);
  model.set_only_differing(true);
  CHECK(model.rowCount() == 4);
  model.set_matrix(read_outcome_matrix({two_runs(fixture)[0], two_runs(fixture)[0]}, "", {}));
  CHECK(model.rowCount() == 0);
  CHECK(model.row_of("i3") == -1);
}

TEST_CASE("outcome matrix: a run that can't be read is named, the others are shown") {
  const BrowseRuns fixture;
  std::vector<ChosenRun> runs = two_runs(fixture);
  runs[0].database = "/nowhere/x.db";
  const OutcomeMatrix matrix = read_outcome_matrix(runs, "", {});
  CHECK(matrix.runs.size() == 1);
  REQUIRE(matrix.failures.size() == 1);
  CHECK(matrix.failures[0].contains("/nowhere/x.db"));
}

TEST_CASE("transcript: the reply is cut behind its reasoning") {
  CHECK(parts_of_reply("<think>a</think>b").reasoning == "<think>a</think>");
  CHECK(parts_of_reply("<think>a</think>\n\n b").answer == "b");
  CHECK(parts_of_reply("<think>a</think>b</think>c").answer == "c");
  CHECK(parts_of_reply("<think>never ends").answer.isEmpty());
  CHECK_FALSE(parts_of_reply("<think>never ends").has_reasoning_end);
  CHECK(parts_of_reply("plain").answer == "plain");
  CHECK(find_answer("12 or 2, 12", "2") == 6);
  CHECK(find_answer("only 12", "2") == 6);
  CHECK(find_answer("none", "2") == -1);
  CHECK(find_answer("x", "") == -1);
  const BrowseRuns fixture;
  const auto read = read_transcripts({{fixture.database, fixture.second, "two", "sums", "i1", 1},
                                      {fixture.database, fixture.second, "two", "sums", "i1", 9},
                                      {fixture.database, fixture.second, "two", "sums", "nothing", 0}},
                                     {});
  REQUIRE(read.size() == 3);
  CHECK(read[0].reasoning == "<think>\nI think of two.</think>\n\n");
  CHECK(read[0].answer.startsWith("The zebra of large"));
  CHECK(read[0].verdict->verdict == results::Verdict::truncated);
  CHECK(read[1].failure.contains("no sample 9"));
  CHECK(read[2].failure.contains("did not ask"));
}

TEST_CASE("word diff: what one side lacks, by word") {
  const QString a = "the red  house has a door", b = "the blue house has the old door";
  const WordDiff diff = word_diff(a, b);
  CHECK(diff.is_exact);
  CHECK(words(a, diff.left) == QStringList{"red", "a"});
  CHECK(words(b, diff.right) == QStringList{"blue", "the old"});
  CHECK(word_diff(a, a).left.empty());
  CHECK(word_diff("", b).right == std::vector<TextSpan>{{0, b.size()}});
  CHECK(word_diff("", "").right.empty());
}

TEST_CASE("word diff: long texts take no time to speak of") {
  QString a, b;
  for (int i = 0; i < 200'000; ++i) {
    a += QString::number(i * 7 % 1000) + ' ';
    b += QString::number(i * 11 % 1000) + ' ';
  }
  QElapsedTimer timer;
  timer.start();
  const WordDiff diff = word_diff(a, b);
  CHECK_FALSE(diff.is_exact);
  CHECK(diff.left.size() == 1);
  QString c, d;
  for (int i = 0; i < 1900; ++i) {
    c += QString::number(i * 7 % 100) + ' ';
    d += QString::number(i * 11 % 100) + ' ';
  }
  CHECK(word_diff(c, d).is_exact);
  CHECK(timer.elapsed() < 2000);  // some 60 ms on two busy cores
}

TEST_CASE("samples index: pages come as they are looked at") {
  const BrowseRuns fixture;
  const auto workspace = fixture.opened();
  SamplesIndex model(*workspace);
  const QAbstractItemModelTester tester(&model, Mode::Fatal);
  QString shown_at_first;  // its page comes in one of the event loop's next turns
  QObject::connect(&model, &QAbstractItemModel::modelReset, [&] {
    if (model.rowCount() > 0 && shown_at_first.isEmpty()) shown_at_first = model.index(0, 0).data().toString();
  });
  model.ask({{fixture.database, {}}}, {.order = results::SampleOrder::e2e_ms, .descending = true});
  REQUIRE(wait_until([&] { return model.rowCount() == 24; }));
  CHECK(shown_at_first == "…");
  REQUIRE(wait_until([&] { return model.row_at(0) != nullptr; }));
  CHECK(model.index(0, SamplesIndex::e2e_ms).data().toString() == "123");
  CHECK(model.index(0, 0).data(SamplesIndex::RunIdRole).toString() == fixture.third);
  model.ask({{fixture.database, {}}}, {.verdicts = {results::Verdict::incorrect}});
  REQUIRE(wait_until([&] { return model.rowCount() == 2; }));
  REQUIRE(wait_until([&] { return model.row_at(1) != nullptr; }));
  CHECK(model.index(1, SamplesIndex::verdict).data().toString() == "incorrect");
  model.ask({{"/nowhere/x.db", {}}}, {});
  REQUIRE(wait_until([&] { return !model.failure().isEmpty(); }));
  CHECK(model.rowCount() == 0);
}

TEST_CASE("samples index: without an index the first rows are there at once, and the rest follows") {
  const BrowseRuns fixture;
  const auto workspace = fixture.opened();
  SamplesIndex model(*workspace);
  std::vector<std::pair<int, std::int64_t>> seen;  // rows, and how many are said to be missing
  QObject::connect(&model, &SamplesIndex::changed, [&] {
    const std::pair<int, std::int64_t> now(model.rowCount(), model.n_left_out());
    if (seen.empty() || seen.back() != now) seen.push_back(now);
  });
  model.ask({{fixture.database, {}}}, {.order = results::SampleOrder::e2e_ms, .most_unindexed = 5});
  REQUIRE(wait_until([&] { return !model.is_busy() && model.rowCount() == 24; }));
  CHECK(seen == std::vector<std::pair<int, std::int64_t>>{{0, 0}, {5, 19}, {24, 0}});
}

TEST_CASE("samples of several databases: one order over all files, each row from its own file") {
  const BrowseRuns here;
  const BrowseRuns there("1");
  Workspace workspace;
  workspace.set_databases({here.database, there.database});
  REQUIRE(wait_until([&] { return workspace.runs()->size() == 6; }));
  const std::vector<SampleSource> all = sample_sources(workspace, {});
  REQUIRE(all.size() == 2);
  CHECK(all[0].runs.empty());
  CHECK(all[1].runs.empty());
  const std::vector<SampleSource> chosen = sample_sources(workspace, {there.second, here.first});
  REQUIRE(chosen.size() == 2);
  CHECK(chosen[0] == SampleSource{here.database, {RunId(here.first.toStdString())}});
  CHECK(chosen[1] == SampleSource{there.database, {RunId(there.second.toStdString())}});
  CHECK(sample_sources(workspace, {there.second}).front().database == there.database);

  SamplesIndex model(workspace);
  const QAbstractItemModelTester tester(&model, Mode::Fatal);
  model.ask(all, {.order = results::SampleOrder::e2e_ms});
  REQUIRE(wait_until([&] { return model.rowCount() == 48; }));
  REQUIRE(wait_until([&] { return model.row_at(0) != nullptr; }));
  QStringList runs;
  for (int row = 0; row < 4; ++row) runs << model.index(row, 0).data(SamplesIndex::RunIdRole).toString();
  CHECK(runs == QStringList{here.first, here.first, there.first, there.first});
  model.ask(chosen, {.order = results::SampleOrder::item, .descending = true});
  REQUIRE(wait_until([&] { return model.rowCount() == 16; }));
  REQUIRE(wait_until([&] { return model.row_at(0) != nullptr; }));
  CHECK(model.index(0, SamplesIndex::item).data().toString() == "i3");
  CHECK(model.index(3, SamplesIndex::item).data().toString() == "i3");
  CHECK(model.index(2, SamplesIndex::run).data(Qt::ToolTipRole).toString().contains(there.database));
  model.ask({{here.database, {}}, {"/nowhere/x.db", {}}}, {});
  REQUIRE(wait_until([&] { return model.rowCount() == 24; }));
  CHECK(model.failure().contains("/nowhere/x.db"));
  REQUIRE(wait_until([&] { return model.row_at(0) != nullptr; }));  // a page that could be read doesn't hide it
  CHECK(model.failure().contains("/nowhere/x.db"));

  TranscriptSearch search(workspace);
  search.set_databases(workspace.databases());
  REQUIRE(wait_until([&] { return search.status().contains("all 48 replies"); }));
  search.search("zebra", {});
  REQUIRE(wait_until([&] { return search.rowCount() == 48; }));
  search.search("zebra", {there.first});
  REQUIRE(wait_until([&] { return search.rowCount() == 8; }));
  CHECK(search.hits()[0].run.value == there.first.toStdString());
}

TEST_CASE("samples of several databases: of one whose runs stand with an earlier one only the others are meant") {
  const BrowseRuns here;
  BrowseRuns copy;  // the same three ids
  copy.add("00000000000d", "four", "tiny", 3, [](int, int) { return results::Verdict::correct; });
  Workspace workspace;
  workspace.set_databases({here.database, copy.database});
  REQUIRE(wait_until([&] { return workspace.runs()->size() == 4; }));
  const std::vector<SampleSource> all = sample_sources(workspace, {});
  REQUIRE(all.size() == 2);
  CHECK(all[0].runs.empty());
  CHECK(all[1].runs == std::vector<RunId>{RunId("00000000000d")});
}

TEST_CASE("samples of several databases: what is read before the index is there is of all together") {
  const BrowseRuns here;
  const BrowseRuns there("1");
  Workspace workspace;
  workspace.set_databases({here.database, there.database});
  REQUIRE(wait_until([&] { return workspace.runs()->size() == 6; }));
  SamplesIndex model(workspace);
  std::vector<int> seen;
  QObject::connect(&model, &SamplesIndex::changed, [&] {
    if (seen.empty() || seen.back() != model.rowCount()) seen.push_back(model.rowCount());
  });
  model.ask(sample_sources(workspace, {}), {.order = results::SampleOrder::e2e_ms, .most_unindexed = 10});
  REQUIRE(wait_until([&] { return !model.is_busy() && model.rowCount() == 48; }));
  CHECK(seen == std::vector<int>{0, 10, 48});
}

TEST_CASE("samples index: views are told of many rows in parts, and nothing of a part is lost") {
  const BrowseRuns fixture;
  const auto workspace = fixture.opened();
  SamplesIndex model(*workspace, nullptr, 10);
  const QAbstractItemModelTester tester(&model, Mode::Fatal);
  QSignalSpy resets(&model, &QAbstractItemModel::modelReset);
  QSignalSpy insertions(&model, &QAbstractItemModel::rowsInserted);
  model.ask(sample_sources(*workspace, {}), {});
  REQUIRE(wait_until([&] { return !model.is_busy() && model.rowCount() > 0; }));
  CHECK(resets.size() == 1);
  REQUIRE(insertions.size() == 2);
  CHECK(insertions[1][1].toInt() == 20);
  CHECK(insertions[1][2].toInt() == 23);
  REQUIRE(wait_until([&] { return model.row_at(23) != nullptr; }));
  // Fewer rows come while the others are still being told of.
  model.ask(sample_sources(*workspace, {}), {.order = results::SampleOrder::item});
  REQUIRE(wait_until([&] { return resets.size() == 2; }));
  model.ask(sample_sources(*workspace, {}), {.verdicts = {results::Verdict::incorrect}});
  REQUIRE(wait_until([&] { return !model.is_busy() && model.rowCount() == 2; }));
}

TEST_CASE("samples of a run that grows: they are asked for anew") {
  BrowseRuns fixture;
  const auto workspace = fixture.opened();
  SamplesIndex model(*workspace);
  model.ask(sample_sources(*workspace, {}), {});
  REQUIRE(wait_until([&] { return model.rowCount() == 24; }));
  fixture.add("00000000000d", "four", "tiny", 3, [](int, int) { return results::Verdict::correct; });
  REQUIRE(wait_until([&] { return workspace->runs()->size() == 4; }));
  model.ask(sample_sources(*workspace, {}), {});
  REQUIRE(wait_until([&] { return model.rowCount() == 32; }));
}

TEST_CASE("transcript search: the index grows in the background, hits name run, item and sample") {
  const BrowseRuns fixture;
  const auto workspace = fixture.opened();
  TranscriptSearch search(*workspace);
  const QAbstractItemModelTester tester(&search, Mode::Fatal);
  search.set_databases({fixture.database});
  REQUIRE(wait_until([&] { return search.status().contains("all 24 replies"); }));
  search.search("zebra larg*", {});
  REQUIRE(wait_until([&] { return search.rowCount() == 8; }));
  CHECK(search.hits()[0].run.value == fixture.second.toStdString());
  CHECK(search.index(0, TranscriptSearch::item).data().toString() == "i3");
  CHECK(search.index(0, TranscriptSearch::excerpt).data().toString().contains("The zebra of large"));
  search.search("zebra", {fixture.first});
  REQUIRE(wait_until([&] { return !search.is_searching(); }));
  CHECK(search.rowCount() == 8);
  for (const char* hostile : {"\"", "AND", "(", "NEAR(", "text:", "'; --", "*"}) {
    search.search(hostile, {});
    REQUIRE(wait_until([&] { return !search.is_searching(); }));
    INFO(search.status().toStdString());
    CHECK(search.status().endsWith("indexed"));
  }
}

}  // namespace assay::gui
