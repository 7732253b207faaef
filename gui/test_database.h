#pragma once
// A small database for the dashboard's tests: two runs of one suite that differ, and a published figure.

#include <QString>
#include <string>

#include "gui/models/chosen_runs.h"
#include "gui/models/figure_text.h"
#include "gui/models/plain_text.h"
#include "results/test_facts.h"

namespace assay::gui::testing {

using results::Verdict;
using results::testing::kNowMs;
using results::testing::ok;
using results::testing::TemporaryFolder;

inline constexpr int kItems = 12;
/// What a page must show as text and never as what it could be taken for.
inline constexpr auto kHostileName = "<b>after</b>\x01\u202E";

/// Two samples of an item; `verdicts` has a letter an item: C both correct, I none, H the first alone.
inline QString store_run(results::Store& store, const std::string& name, const std::string& verdicts, double itl_ms) {
  results::RunFacts facts = results::testing::some_run(name, kItems, 2);
  for (std::size_t i = 0; i < facts.suites[0].items.size(); ++i) {
    facts.suites[0].items[i].prompt_sha256 = std::string(62, 'd') + std::to_string(10 + i);
  }
  facts.price_usd_per_gpu_hour = 2;
  auto writer = store.begin_run(facts, results::testing::some_environment(), kNowMs);
  REQUIRE(ok(writer));
  for (int i = 0; i < kItems; ++i) {
    for (int n = 0; n < 2; ++n) {
      results::SampleFacts sample = results::testing::some_sample("i" + std::to_string(i), n);
      sample.queued_ms = 0;
      sample.started_ms = 100 * i;
      sample.first_token_ms = 100 * i + 20;
      sample.finished_ms = 100 * i + 100;
      sample.itl_ms_mean = itl_ms + i;
      sample.prefill_device_ms = 10;
      sample.decode_device_ms = 40;
      const char letter = verdicts[static_cast<std::size_t>(i)];
      const bool is_correct = letter == 'C' || (letter == 'H' && n == 0);
      const auto verdict = results::testing::some_verdict(is_correct ? Verdict::correct : Verdict::incorrect);
      REQUIRE(ok(writer->add_sample(sample, verdict, kNowMs, 100 * i + 100)));
    }
  }
  REQUIRE(ok(writer->finish(results::RunState::finished, kNowMs + 2000, 2000)));
  return QString::fromStdString(writer->run_id().value);
}

/// Figures alone, as `assay import` stores them.
inline QString store_published(results::Store& store) {
  results::RunFacts facts = results::testing::some_run("published", 0, 1);
  facts.suites.clear();
  facts.provenance = "published";
  facts.hardware_profile = "h800-sxm5";
  facts.measurements = {{"decode", "output_tokens_per_s_per_gpu", 1850, {}, {}, {{"source", "day 6"}}},
                        {"decode", "output_tokens_per_s_per_user", 21, {}, {}, {{"source", "day 6"}}},
                        {"dispatch", "bytes_per_s", 153e9, {}, {}, Json::object()},
                        {"gemm", "bytes_per_s", 1e12, {}, 3, {{"flop/s", 2e14}}}};
  auto writer = store.begin_run(facts, results::testing::some_environment("remote"), kNowMs - 1000);
  REQUIRE(ok(writer));
  REQUIRE(ok(writer->finish(results::RunState::finished, kNowMs, 0)));
  return QString::fromStdString(writer->run_id().value);
}

/// "before" is wrong in i0 alone; "after" gains i0, loses i1 and i2, and half of i3.
struct TestDatabase {
  TemporaryFolder folder;
  QString path = QString::fromStdString(folder / "runs.db");
  QString before, after, published;

  TestDatabase() {
    auto store = results::Store::open_or_create(path.toStdString());
    REQUIRE(ok(store));
    before = store_run(*store, "before", "ICCCCCCCCCCC", 10);
    after = store_run(*store, kHostileName, "CIIHCCCCCCCC", 20);
    published = store_published(*store);
  }

  std::vector<ChosenRun> chosen() const {
    return {{path, before, "before", ""}, {path, after, visible_text(kHostileName), ""}};
  }
};

}  // namespace assay::gui::testing
