#pragma once
// Runs for the tests of the pages of runs and items: different models, suites, lengths and outcomes.

#include <QtGlobal>

#include "gui/models/workspace.h"
#include "gui/test_waiting.h"
#include "results/test_facts.h"

namespace assay::gui {

struct BrowseRuns {
  results::testing::TemporaryFolder folder;
  QString database = QString::fromStdString(folder / "runs.db");
  const QString first, second, third;

  /// `mark` tells the ids of one database from those of another.
  explicit BrowseRuns(const QString& mark = "0")
      : first("0000000000" + mark + "a"), second("0000000000" + mark + "b"), third("0000000000" + mark + "c") {
    using namespace results;
    using namespace results::testing;
    add(first, "one", "tiny", 0, [](int item, int) { return item == 1 ? Verdict::incorrect : Verdict::correct; });
    add(second, "two", "large", 1, [](int, int sample) { return sample == 0 ? Verdict::correct : Verdict::truncated; });
    add(third, "<b>bold</b>", "tiny", 2, [](int, int) { return Verdict::no_answer; });
  }

  template <class Outcome>
  void add(const QString& id, const std::string& name, const std::string& model, int n, Outcome outcome) const {
    using namespace results;
    using namespace results::testing;
    auto store = Store::open_or_create(database.toStdString());
    REQUIRE(ok(store));
    RunFacts facts = some_run(name, 4, 2);
    facts.model.name = model;
    facts.seed = 7 - n;
    facts.provenance = n == 2 ? "published" : "measured";
    facts.tags = {{"team", n == 0 ? "red" : "blue"}};
    for (ItemFacts& item : facts.suites.front().items)
      item.prompt_sha256 = std::string(63, 'e') + item.item.value.back();
    auto writer = store->begin_run(facts, some_environment(), kNowMs + 86'400'000 * n,
                                   results::RunOrigin{RunId(id.toStdString()), kNowMs + 86'400'000 * n});
    REQUIRE(ok(writer));
    for (int item = 0; item < 4; ++item) {
      for (int sample = 0; sample < 2; ++sample) {
        SampleFacts reply = some_sample(item_name(item), sample);
        reply.text = "I think of " + name + ".</think>\n\nThe zebra of " + model + " has \\boxed{2} stripes";
        reply.e2e_ms = 100 + 10 * n + item;
        REQUIRE(ok(writer->add_sample(reply, some_verdict(outcome(item, sample)), kNowMs, 1000 * (item + 1))));
      }
    }
    REQUIRE(ok(writer->finish(RunState::finished, kNowMs + 86'400'000 * n + 5000, 5000)));
  }

  std::unique_ptr<Workspace> opened() const {
    auto workspace = std::make_unique<Workspace>();
    workspace->set_databases({database});
    REQUIRE(wait_until([&] { return workspace->runs()->size() == 3; }));
    return workspace;
  }
  std::shared_ptr<const Runs> runs() const { return std::make_shared<const Runs>(read_runs({database}).runs); }
};

}  // namespace assay::gui
