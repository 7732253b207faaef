#pragma once
// Two finished runs of three items each in a database of the test's own, the same at every run of the test.

#include <QSettings>
#include <QStringList>

#include "gui/models/view_state.h"
#include "results/test_facts.h"

namespace assay::gui {

struct TestRuns {
  results::testing::TemporaryFolder folder;
  QString database = QString::fromStdString(folder / "runs.db");
  QSettings settings{QString::fromStdString(folder / "settings.ini"), QSettings::IniFormat};
  QStringList runs = {"000000000001", "000000000002"};

  TestRuns() {
    using namespace results;
    using namespace results::testing;
    auto store = Store::open_or_create(database.toStdString());
    REQUIRE(ok(store));
    for (int n = 0; n < runs.size(); ++n) {
      const RunOrigin origin{RunId(runs[n].toStdString()), kNowMs + 1000 * n};
      auto writer =
          store->begin_run(some_run(n == 0 ? "one" : "two"), some_environment(), origin.started_at_ms, origin);
      REQUIRE(ok(writer));
      for (int item = 0; item < 3; ++item) {
        for (int sample = 0; sample < 2; ++sample) {
          const Verdict verdict = (item + sample + n) % 2 == 0 ? Verdict::correct : Verdict::incorrect;
          REQUIRE(
              ok(writer->add_sample(some_sample(item_name(item), sample), some_verdict(verdict), kNowMs, 10 * item)));
        }
      }
      REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 100, 50)));
    }
  }

  /// Both runs chosen.
  ViewState state() const {
    ViewState state;
    state.databases = {database};
    state.runs = runs;
    return state;
  }
};

}  // namespace assay::gui
