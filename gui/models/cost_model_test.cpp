#include <cmath>

#include "gui/models/cost.h"
#include "gui/models/what_if_fields.h"
#include "gui/test_database.h"

namespace assay::gui {

using namespace testing;

TEST_CASE("parse_cost_options: prices and shares are checked, the field is named") {
  CostQuestion question;
  REQUIRE(ok(parse_cost_options(question)));
  CHECK_FALSE(parse_cost_options(question)->price.has_value());
  question.usd_per_gpu_hour = "2.5";
  question.utilisation_pct = "50";
  REQUIRE(ok(parse_cost_options(question)));
  CHECK(parse_cost_options(question)->price->usd == 2.5);
  CHECK(parse_cost_options(question)->utilisation_ratio == 0.5);
  for (const char* wrong : {"0", "-1", "2,5", "abc", "1e99", "nan"}) {
    question.usd_per_gpu_hour = wrong;
    const auto options = parse_cost_options(question);
    REQUIRE_FALSE(options.has_value());
    CHECK_THAT(options.error().message, Catch::Matchers::Contains("price of a GPU-hour"));
  }
  question.usd_per_gpu_hour.clear();
  question.utilisation_pct = "101";
  CHECK_FALSE(parse_cost_options(question).has_value());
  question.utilisation_pct.clear();
  question.hardware = "h100-sxm5";
  REQUIRE(ok(parse_cost_options(question)));
  CHECK(parse_cost_options(question)->price->provenance == "published");
  question.hardware = "no-such-card";
  CHECK_FALSE(parse_cost_options(question).has_value());
  question.hardware.clear();
  question.what_if = R"({"own_hardware": {"years": 3}})";
  CHECK_FALSE(parse_cost_options(question).has_value());
}

TEST_CASE("cost_table: parts per million tokens, from the stored price or the user's") {
  const TestDatabase database;
  CostQuestion question;
  question.runs = database.chosen();
  CostAnswer answer = read_costs(question, {});
  REQUIRE(answer.refusal.empty());
  REQUIRE(answer.costs.size() == 2);
  // By hand: 2 s at 2 USD an hour; 22 of 24 samples are correct.
  const double whole = 2.0 * 2 / 3600;
  Table table = cost_table(answer);
  CHECK(*table.rows[0][2].value == Approx(whole));
  CHECK(*table.rows[0][7].value == Approx(whole / 22));
  // 40 of 50 ms on output, 24 samples of 5 tokens.
  CHECK(*table.rows[0][6].value == Approx(whole * 0.8 / (24 * 5) * 1e6));
  CHECK(table.rows[0][10].text == "measured");
  CHECK(table.rows[0][7].tooltip.contains("24 samples"));

  question.utilisation_pct = "50";
  answer = read_costs(question, {});
  table = cost_table(answer);
  CHECK(*table.rows[0][2].value == Approx(2 * whole));
  CHECK(table.rows[0][10].text == "projected");

  const Table energy = energy_table(answer);
  CHECK(energy.rows[0][1].text == unknown_text());
  CHECK_FALSE(energy.rows[0][1].tooltip.isEmpty());
  CHECK_FALSE(hosted_table(answer.costs[0]).rows.empty());
  CHECK(brain_table(answer).rows.back()[1].text == "14.4 kJ");
}

TEST_CASE("what_if_fields: a form writes the document that assay cost reads") {
  QString document;
  for (const WhatIfField& field : what_if_fields()) {
    CHECK(what_if_value(document, field).isEmpty());
    const Result<QString> next = with_what_if_value(document, field, field.example);
    REQUIRE(ok(next));
    document = *next;
    CHECK(what_if_value(document, field) == field.example);
  }
  const auto what_if = results::parse_what_if(document.toStdString(), "form");
  REQUIRE(ok(what_if));
  CHECK(what_if->own_hardware->capital_usd.high == 40'000);
  CHECK(what_if->jevons->elasticities == std::vector<double>{0.5, 1, 2});
  for (const WhatIfField& field : what_if_fields()) document = *with_what_if_value(document, field, " ");
  CHECK(document.isEmpty());
}

TEST_CASE("what_if_fields: texts that are no figures are refused, broken documents start anew") {
  const WhatIfField& capital = what_if_fields()[0];
  for (const char* wrong : {"a lot", "1 to", "1 to 2 to 3", "1,000"}) {
    const Result<QString> next = with_what_if_value("", capital, wrong);
    REQUIRE_FALSE(next.has_value());
    CHECK_THAT(next.error().message, Catch::Matchers::Contains("Price of a GPU"));
  }
  for (const char* broken : {"{", "[1]", "7", R"({"own_hardware": 3})"}) {
    CHECK(what_if_value(broken, capital).isEmpty());
    CHECK(what_if_value(*with_what_if_value(broken, capital, "5"), capital) == "5");
  }
}

}  // namespace assay::gui
