#include "gui/models/run_process.h"

#include "gui/test_waiting.h"
#include "tests/support/catch.h"

namespace assay::gui {

TEST_CASE("run process: its end is told by its exit code, its last lines are kept") {
  RunProcess process;
  process.start("/bin/sh", {"-c", "echo first >&2; echo second >&2; exit 0"});
  CHECK(process.is_alive());
  REQUIRE(wait_until([&] { return !process.is_alive(); }));
  CHECK(process.state() == RunProcess::State::finished);
  CHECK(process.lines() == QStringList{"first", "second"});
  process.start("/bin/sh", {"-c", "echo bad words >&2; exit 2"});
  REQUIRE(wait_until([&] { return !process.is_alive(); }));
  CHECK(process.state() == RunProcess::State::failed);
  CHECK(process.exit_code() == 2);
  CHECK(process.lines() == QStringList{"bad words"});
  process.start("/nonexistent/assay", {});
  REQUIRE(wait_until([&] { return !process.is_alive(); }));
  CHECK(process.state() == RunProcess::State::failed);
  CHECK_THAT(process.lines().last().toStdString(), Catch::Matchers::Contains("can't start /nonexistent/assay"));
}

TEST_CASE("run process: a pause lets it save, and it can go on") {
  RunProcess process;
  const QStringList words = {"-c", "trap 'echo saved >&2; exit 4' TERM; echo begun >&2; while :; do sleep 0.01; done"};
  process.start("/bin/sh", words);
  REQUIRE(wait_until([&] { return process.lines().contains("begun"); }));
  process.pause();
  CHECK(process.state() == RunProcess::State::pausing);
  REQUIRE(wait_until([&] { return !process.is_alive(); }));
  CHECK(process.state() == RunProcess::State::paused);
  CHECK(process.lines().last() == "saved");
  process.start("/bin/sh", {"-c", "exit 0"});
  REQUIRE(wait_until([&] { return !process.is_alive(); }));
  CHECK(process.state() == RunProcess::State::finished);
}

TEST_CASE("run process: stopping lets it save, a second time ends it at once") {
  RunProcess process;
  process.start("/bin/sh", {"-c", "trap 'exit 4' TERM; echo begun >&2; while :; do sleep 0.01; done"});
  REQUIRE(wait_until([&] { return process.lines().contains("begun"); }));
  process.stop();
  CHECK(process.state() == RunProcess::State::stopping);
  CHECK(process.is_alive());
  REQUIRE(wait_until([&] { return !process.is_alive(); }));
  CHECK(process.state() == RunProcess::State::stopped);
  process.start("/bin/sh", {"-c", "trap '' TERM; echo deaf >&2; while :; do sleep 0.01; done"});
  REQUIRE(wait_until([&] { return process.lines().contains("deaf"); }));
  process.pause();
  process.stop();
  process.stop();
  REQUIRE(wait_until([&] { return !process.is_alive(); }));
  CHECK(process.state() == RunProcess::State::stopped);
}

TEST_CASE("run process: a flood of words neither grows without bound nor is lost at its end") {
  RunProcess process;
  process.start("/bin/sh",
                {"-c", "seq 1 20000 >&2; head -c 5000000 /dev/zero | tr '\\0' x >&2; echo >&2; echo last >&2"});
  REQUIRE(wait_until([&] { return !process.is_alive(); }));
  CHECK(process.lines().size() <= RunProcess::kMaxLines);
  CHECK(process.lines().last() == "last");
  for (const QString& line : process.lines()) CHECK(line.size() <= RunProcess::kMaxLineLength);
}

}  // namespace assay::gui
