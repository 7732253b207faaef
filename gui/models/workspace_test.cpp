#include "gui/models/workspace.h"

#include <QSignalSpy>

#include "gui/test_waiting.h"
#include "results/test_facts.h"

namespace assay::gui {

namespace {

using namespace results::testing;

/// Makes a database with one run of one item; gives its writer's run id.
QString make_database(const QString& path, const std::string& name, std::int64_t started_at_ms = kNowMs) {
  auto store = results::Store::open_or_create(path.toStdString());
  REQUIRE(ok(store));
  auto writer = store->begin_run(some_run(name, 1, 1), some_environment(), started_at_ms);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->add_sample(some_sample("i0", 0), some_verdict(results::Verdict::correct), started_at_ms, 10)));
  REQUIRE(ok(writer->finish(results::RunState::finished, started_at_ms + 1, 20)));
  return QString::fromStdString(writer->run_id().value);
}

}  // namespace

TEST_CASE("workspace: the runs of all databases, newest first, a copy once") {
  const TemporaryFolder folder;
  const QString a = QString::fromStdString(folder / "a.db"), b = QString::fromStdString(folder / "b.db"),
                copy = QString::fromStdString(folder / "copy.db");
  const QString first = make_database(a, "first", kNowMs), second = make_database(b, "second", kNowMs + 5000);
  REQUIRE(std::filesystem::copy_file(a.toStdString(), copy.toStdString()));
  Workspace workspace;
  workspace.set_databases({a, b, copy});
  REQUIRE(wait_until([&] { return workspace.runs()->size() == 2; }));
  CHECK(workspace.runs()->at(0).run.run_id.value == second.toStdString());
  CHECK(workspace.runs()->at(1).database == a);
  REQUIRE(workspace.find(first) != nullptr);
  CHECK(workspace.find("nobody") == nullptr);
  CHECK(workspace.find(first)->title == "first");

  CHECK(*find_run_id(*workspace.runs(), "latest") == second);
  CHECK(*find_run_id(*workspace.runs(), "first") == first);
  CHECK(*find_run_id(*workspace.runs(), second.left(10)) == second);
  CHECK_FALSE(find_run_id(*workspace.runs(), "third").has_value());
  CHECK_FALSE(find_run_id(*workspace.runs(), "").has_value());
}

TEST_CASE("workspace: a file that can't be read is named and left out, the others stay") {
  const TemporaryFolder folder;
  const QString good = QString::fromStdString(folder / "good.db");
  make_database(good, "good");
  const QString bad = QString::fromStdString(folder.write("bad.db", "no database at all, but some text").string());
  Workspace workspace;
  const QSignalSpy failures(&workspace, &Workspace::failed);
  workspace.set_databases({bad, good, QString::fromStdString(folder / "missing.db")});
  REQUIRE(wait_until([&] { return workspace.runs()->size() == 1; }));
  CHECK(failures.size() == 2);
  CHECK(failures.at(0).at(0).toString() == bad);
  CHECK(workspace.databases() == QStringList{good});
}

TEST_CASE("workspace: what another process writes appears by itself, and the file is not written") {
  const TemporaryFolder folder;
  const QString path = QString::fromStdString(folder / "live.db");
  make_database(path, "before");
  Workspace workspace;
  workspace.set_databases({path});
  REQUIRE(wait_until([&] { return workspace.runs()->size() == 1; }));
  make_database(path, "after", kNowMs + 1000);
  REQUIRE(wait_until([&] { return workspace.runs()->size() == 2; }));
  CHECK(workspace.runs()->front().run.facts.name == "after");
  workspace.set_databases({});
  REQUIRE(wait_until([&] { return workspace.runs()->empty(); }));
}

}  // namespace assay::gui
