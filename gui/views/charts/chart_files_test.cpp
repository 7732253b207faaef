#include "gui/views/charts/chart_files.h"
#include "gui/models/plain_text.h"

#include <QApplication>
#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <cmath>

#include "tests/support/catch.h"

using namespace assay::gui;
using Catch::Matchers::Contains;

namespace {

Chart small_chart() {
  Chart chart;
  chart.title = "Speed & <accuracy>";
  chart.x = {.title = "Speed", .unit = "tokens/s"};
  chart.y = {.title = "Accuracy", .is_share = true};
  ChartPoint point{12.5, 0.5};
  point.label = "run, \"one\"";
  point.y_interval = assay::results::Interval{0.4, 0.6};
  ChartPoint published{20, 0.25};
  published.label = "=1+1";
  published.is_hollow = true;
  chart.series.push_back({.name = "H100", .points = {point, published}});
  chart.missing = {"run b: no time"};
  return chart;
}

ChartFileOptions options() {
  ChartFileOptions made;
  made.size = {400, 300};
  made.font = QApplication::font();
  return made;
}

QByteArray bytes_of(ChartFormat format) { return chart_bytes(small_chart(), format, options()).value(); }

}  // namespace

TEST_CASE("chart_csv: RFC 4180, headers with units, no formulas, missing rows", "[charts]") {
  CHECK(chart_csv(small_chart()) ==
        "series,label,Speed (tokens/s),Accuracy,Speed (tokens/s) low,Speed (tokens/s) high,Accuracy low,Accuracy high,"
        "measured here,missing\r\n"
        "H100,\"run, \"\"one\"\"\",12.5,0.5,,,0.4,0.6,yes,\r\n"
        "H100,'=1+1,20,0.25,,,,,no,\r\n"
        ",,,,,,,,,run b: no time\r\n");
}

TEST_CASE("csv_cell: quotes what must be, and defuses what a spreadsheet would compute", "[charts]") {
  CHECK(csv_cell("plain") == "plain");
  CHECK(csv_cell("a,b") == "\"a,b\"");
  CHECK(csv_cell("two\nlines") == "\"two\nlines\"");
  CHECK(csv_cell("@SUM(A1)") == "'@SUM(A1)");
  CHECK(csv_cell("\tx") == "'\tx");
  CHECK(csv_cell("-1.5") == "-1.5");
  CHECK(csv_cell("-x") == "'-x");
}

TEST_CASE("chart_bytes: SVG is text that holds the chart's words", "[charts]") {
  const QString svg = QString::fromUtf8(bytes_of(ChartFormat::svg));
  CHECK(svg.startsWith("<?xml"));
  CHECK(svg.contains("<svg"));
  CHECK(svg.contains("viewBox=\"0 0 400 300\""));
  for (const char* each : {"Speed (tokens/s)", "Accuracy", "Speed &amp; &lt;accuracy&gt;", "run, &quot;one&quot;",
                           "Not shown: run b: no time", "50%"}) {
    CAPTURE(each);
    CHECK(svg.contains(each));
  }
}

TEST_CASE("chart_bytes: PDF is one page of the chart's size with real text", "[charts]") {
  const QByteArray pdf = bytes_of(ChartFormat::pdf);
  CHECK(pdf.startsWith("%PDF-1."));
  CHECK(pdf.trimmed().endsWith("%%EOF"));
  CHECK(pdf.contains("/MediaBox [0 0 300"));  // 400 pixels of 1/96 inch in points
  CHECK(pdf.contains("/Font"));
  CHECK(pdf.contains("/ToUnicode"));
  CHECK(pdf.count("/Type /Page\n") == 1);
}

TEST_CASE("chart_bytes: PNG has as many pixels as its scale says", "[charts]") {
  QImage image;
  REQUIRE(image.loadFromData(bytes_of(ChartFormat::png), "PNG"));
  CHECK(image.size() == QSize(800, 600));
  CHECK(image.pixelColor(1, 1) == light_theme().panel);
  CHECK(image.text("Title") == "Speed & <accuracy>");
}

TEST_CASE("save_chart: writes by the ending, replaces files whole, and says what fails", "[charts]") {
  const QTemporaryDir folder;
  for (const char* name : {"a.png", "a.SVG", "a.pdf", "a.csv"}) {
    const QString path = folder.filePath(name);
    REQUIRE(save_chart(small_chart(), path, options()));
    REQUIRE(save_chart(small_chart(), path, options()));
    CHECK(QFile(path).size() > 100);
  }
  CHECK(QDir(folder.path()).entryList(QDir::Files).size() == 4);  // nothing half-written stays

  const auto unknown = save_chart(small_chart(), folder.filePath("a.bmp"), options());
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().kind == assay::ErrorKind::bad_input);
  CHECK_THAT(unknown.error().message, Contains(".png, .svg, .pdf or .csv"));

  const auto nowhere = save_chart(small_chart(), folder.filePath("no/such/folder/a.svg"), options());
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().kind == assay::ErrorKind::environment);
  CHECK_THAT(nowhere.error().message, Contains("no/such/folder/a.svg: "));
}
