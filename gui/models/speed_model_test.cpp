#include <QAbstractItemModelTester>

#include "gui/models/hardware.h"
#include "gui/models/speed.h"
#include "gui/test_database.h"

namespace assay::gui {

using namespace testing;

TEST_CASE("read_speed: times of samples, sorted, and when each was at work") {
  const TestDatabase database;
  std::vector<ChosenRun> runs = database.chosen();
  runs.push_back({database.path, database.published, "published", ""});
  const SpeedAnswer answer = read_speed(runs, {});
  REQUIRE(answer.refusal.empty());
  REQUIRE(answer.runs.size() == 3);
  const SpeedRun& before = answer.runs[0];
  CHECK(before.itl_ms.size() == 24);
  CHECK(before.itl_ms.front() == 10);
  CHECK(before.itl_ms.back() == 21);
  REQUIRE(before.spans.size() == 24);
  CHECK(before.spans[2].item == "i1");
  CHECK(before.end_ms == 1200);
  CHECK(answer.runs[2].spans.empty());

  const Table percentiles = percentiles_table(answer);
  REQUIRE(percentiles.rows.size() == 6);  // figures alone have no latency
  CHECK(percentiles.rows[0][5].text == unknown_text());
  CHECK(percentiles.rows[0][5].tooltip.contains("needs 100"));
  CHECK(device_time_table(answer).rows[0][2].text == unknown_text());
  CHECK(token_rates_table(answer).rows.size() == 2);
}

TEST_CASE("kernel_points: a share of the ceiling that belongs to what was counted") {
  const TestDatabase database;
  const SpeedAnswer answer = read_speed({{database.path, database.published, "published", ""}}, {});
  REQUIRE(answer.runs.size() == 1);
  REQUIRE(answer.runs[0].profile.has_value());
  const std::vector<KernelPoint> points = kernel_points(answer, {*answer.runs[0].profile}, "");
  REQUIRE(points.size() == 2);
  CHECK(points[0].is_collective);
  CHECK(points[0].ceiling_bytes_per_s == 200e9);  // half of 400 GB/s in both directions
  CHECK(points[1].flop_per_s == 2e14);
  const Table table = kernels_table(points);
  CHECK(table.rows[0][5].text == "76.5 %");
  CHECK(*table.rows[1][5].value == Approx(1.0 / 3.35));
  CHECK(kernels_table(kernel_points(answer, {}, "no such profile")).rows[0][5].text == unknown_text());
}

TEST_CASE("throttle_reasons_of: idle and set clocks are no fault") {
  results::GpuSample sample;
  CHECK(throttle_reasons_of(sample).empty());
  sample.throttle_reasons = 0b11;
  CHECK(throttle_reasons_of(sample).empty());
  sample.throttle_reasons = 0b101;
  CHECK(throttle_reasons_of(sample) == std::vector<std::string>{"sw_power_cap"});
}

TEST_CASE("profiles_table: values side by side, ratios, disputes and dashes with reasons") {
  const auto all = results::load_hardware({});
  REQUIRE(ok(all));
  std::vector<results::HardwareProfile> profiles;
  for (const QString& name : default_profiles()) {
    const auto profile = results::find_hardware(*all, name.toStdString());
    REQUIRE(ok(profile));
    profiles.push_back(*profile);
  }
  const Table table = profiles_table(profiles);
  bool has_link = false;
  for (const std::vector<TableCell>& row : table.rows) {
    if (row[0].text == "memory_bandwidth_gb_per_s") {
      CHECK(row[2].text == "3,350 *");
      CHECK(row[2].tooltip.contains("disputed"));
    }
    if (row[0].text == "fp64_tensor_tflops") {
      CHECK(row[2].text == unknown_text());
      CHECK(row[2].tooltip.contains("not known"));
      CHECK(row[5].text == unknown_text());
    }
    if (row[0].text != "link_gb_per_s") continue;
    has_link = true;
    CHECK(row[5].text == "2.250×");
    CHECK(row[2].tooltip.contains("secondary"));
  }
  CHECK(has_link);
  CHECK(profiles_table({}).rows.empty());
  TableModel model;
  QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::Fatal);
  model.set_table(table);
  model.set_table(sources_table(profiles));
  CHECK(model.rowCount() >= static_cast<int>(3 * 10));
}

TEST_CASE("read_hardware_runs: devices apart, tokens compared, figures alone kept for their table") {
  const TestDatabase database;
  HardwareQuestion question{database.chosen(), "sums", 0};
  question.runs.push_back({database.path, database.published, "published", ""});
  const HardwareAnswer answer = read_hardware_runs(question, {});
  REQUIRE(answer.refusal.empty());
  const Table runs = hardware_runs_table(answer);
  REQUIRE(runs.rows.size() == 2);
  CHECK(runs.rows[0][0].text == "Test CPU, 2 threads");
  CHECK(runs.rows[1][11].text == "100.0 %");  // the test's samples all have the same tokens
  CHECK(runs.rows[1][11].tooltip.contains("24 samples of 24"));
  const Table figures = hardware_measurements_table(answer);
  REQUIRE(figures.rows.size() == 4);
  CHECK(figures.rows[0][0].text == "NVIDIA H800 SXM5 80 GB");
  CHECK(figures.rows[0][7].text == "published");
  CHECK(figures.rows[0][8].text == "source: day 6");
}

}  // namespace assay::gui
