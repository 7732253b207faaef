#include "gui/views/charts/timeline_strip.h"

#include <QTest>
#include <cmath>

#include "gui/views/theme.h"
#include "tests/support/catch.h"

using namespace assay::gui;
using Catch::Matchers::WithinAbs;

TEST_CASE("TimelineStrip: stretches are as long as their share of the whole, never too thin to see", "[charts]") {
  TimelineStrip strip;
  strip.resize(1002, strip.sizeHint().height());
  strip.set_stretches({{"queue", 0, 100, 0, {}}, {"prefill", 100, 300, 1, {}}, {"decode", 300, 1000, 2, {}}});
  CHECK(strip.total_ms() == 1000);
  CHECK_THAT(strip.stretch_box(0).width(), WithinAbs(100, 1e-6));
  CHECK_THAT(strip.stretch_box(1).left(), WithinAbs(101, 1e-6));
  CHECK_THAT(strip.stretch_box(2).right(), WithinAbs(1001, 1e-6));
  CHECK(strip.part_at({150, 5}) == 1);
  CHECK(strip.part_at({150, 500}) == -1);
  strip.set_stretches({{"queue", 0, 0.001, 0, {}}, {"decode", 0.001, 1000, 2, {}}}, 2000);
  CHECK(strip.total_ms() == 2000);
  CHECK(strip.stretch_box(0).width() == 2);
  CHECK_THAT(strip.stretch_box(1).right(), WithinAbs(501, 1e-6));
}

TEST_CASE("TimelineStrip: what is no stretch of time is left out; nothing says why", "[charts]") {
  TimelineStrip strip;
  strip.set_stretches({{"a", std::nan(""), 1, 0, {}}, {"b", 5, 3, 0, {}}, {"c", 0, HUGE_VAL, 0, {}}}, std::nan(""),
                      "The endpoint gave no times");
  CHECK(strip.n_parts() == 0);
  CHECK(strip.description() == "The endpoint gave no times");
  strip.grab();
}

TEST_CASE("TimelineStrip: keys walk it and screen readers hear each stretch", "[charts]") {
  TimelineStrip strip;
  strip.set_stretches({{"queue", 0, 250, 0, {}}, {"decode", 250, 12'650, 2, "decode\n1,024 tokens"}});
  strip.resize(400, 60);
  strip.show();
  QTest::keyClick(&strip, Qt::Key_Right);
  CHECK(strip.current_part() == 0);
  CHECK(strip.part_name(0) == "queue: 250 ms");
  QTest::keyClick(&strip, Qt::Key_Right);
  QTest::keyClick(&strip, Qt::Key_Right);
  CHECK(strip.current_part() == 1);
  QAccessibleInterface* accessible = QAccessible::queryAccessibleInterface(&strip);
  REQUIRE(accessible->childCount() == 2);
  CHECK(accessible->child(1)->text(QAccessible::Name) == "decode\n1,024 tokens");
  CHECK(accessible->text(QAccessible::Description) == "Whole time: 12.7 s");
}

TEST_CASE("duration_text: three figures, words for long times, a dash for none", "[charts]") {
  CHECK(duration_text(1.234) == "1.23 ms");
  CHECK(duration_text(350) == "350 ms");
  CHECK(duration_text(2500) == "2.50 s");
  CHECK(duration_text(12'400) == "12.4 s");
  CHECK(duration_text(185'000) == "3 min 5 s");
  CHECK(duration_text(7'260'000) == "2 h 1 min");
  CHECK(duration_text(-1) == "—");
  CHECK(duration_text(std::nan("")) == "—");
}
