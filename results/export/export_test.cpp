#include "results/export/export.h"

#include "results/export/svg_charts.h"
#include "results/summary.h"
#include "results/test_facts.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::results;
using namespace assay::results::testing;
using Catch::Matchers::Contains;

namespace {

std::string exported(const Store& store, std::vector<RunId> runs, ExportFormat format, bool include_protected = false) {
  std::string text;
  const auto done = export_runs(store, runs, {.format = format, .include_protected = include_protected},
                                [&](std::string_view part) -> Result<> {
                                  text += part;
                                  return {};
                                });
  REQUIRE(ok(done));
  return text;
}

/// A run of two items whose names and replies are made to break files.
RunId write_hostile_run(Store& store, bool is_protected) {
  RunFacts facts = some_run("<script>alert(1)</script>", 2, 1);
  facts.suites[0].is_protected = is_protected;
  facts.suites[0].items[0].prompt = "a secret question";
  facts.tags = {{"evil", "\"><img src=x>"}};
  facts.model.name = "=HYPERLINK(\"http://x\")";
  auto writer = store.begin_run(facts, some_environment("cuda"), kNowMs);
  REQUIRE(ok(writer));
  SampleFacts one = some_sample("i0", 0);
  one.text = "line one\r\nsaid \"two\", three</think>-1\xff";
  REQUIRE(ok(writer->add_sample(one, some_verdict(Verdict::correct, "-5"), kNowMs, 10)));
  SampleFacts two = some_sample("i1", 0);
  two.finish_reason.reset();
  two.failure = "@SUM(1+1)";
  REQUIRE(ok(writer->add_sample(two, some_verdict(Verdict::error, std::nullopt), kNowMs, 10)));
  const std::vector<GpuSample> gpu = {{0, 0, {}, {}, 300, {}, {}, {}}, {0, 1000, {}, {}, 350, {}, {}, {}}};
  REQUIRE(ok(writer->add_gpu_samples(gpu)));
  REQUIRE(ok(writer->finish(RunState::finished, kNowMs, 20)));
  return writer->run_id();
}

/// The cells of RFC 4180 text, by a reader that knows nothing of the writer.
std::vector<std::vector<std::string>> csv_cells(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string& cell = rows.back().back();
    if (quoted) {
      if (text[i] != '"') {
        cell += text[i];
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cell += text[++i];
      } else {
        quoted = false;
      }
    } else if (text[i] == '"') {
      quoted = true;
    } else if (text[i] == ',') {
      rows.back().emplace_back();
    } else if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
      rows.push_back({""});
    } else {
      cell += text[i];
    }
  }
  rows.pop_back();
  return rows;
}

}  // namespace

TEST_CASE("export: JSON is the record of the run with its items and samples", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_hostile_run(*store, false);
  const auto record = parse_json(exported(*store, {run}, ExportFormat::json), "export");
  REQUIRE(ok(record));
  CHECK((*record)["run_id"] == run.value);
  CHECK((*record)["items"].size() == 2);
  CHECK((*record)["items"][0]["prompt"] == "a secret question");
  CHECK((*record)["samples"][0]["tokens"] == Json({1, 2, 300, 70'000}));
  CHECK((*record)["samples"][1]["failure"] == "@SUM(1+1)");
  CHECK((*record)["gpu_samples"][1]["power_watts"] == 350);
  // All that `report --json` says stands in it, the same.
  const Json report = to_json(*summarise(*store, run));
  for (const auto& [key, value] : report.items()) CHECK((*record)[key] == value);
  // Several runs are an array.
  const auto records = parse_json(exported(*store, {run, run}, ExportFormat::json), "export");
  REQUIRE(ok(records));
  CHECK(records->size() == 2);
}

TEST_CASE("export: JSON Lines has a line a sample", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_hostile_run(*store, false);
  const std::string text = exported(*store, {run}, ExportFormat::jsonl);
  const std::size_t end = text.find('\n');
  const auto line = parse_json(text.substr(0, end), "line");
  REQUIRE(ok(line));
  CHECK((*line)["id"] == "i0");
  CHECK((*line)["output"] == "<think>\nline one\r\nsaid \"two\", three</think>-1\xEF\xBF\xBD");
  CHECK((*line)["prompt_tokens"] == 10);
  CHECK((*line)["verdict"] == "correct");
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
}

TEST_CASE("export: CSV reads back cell by cell, and no cell is a formula", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_hostile_run(*store, false);
  const auto rows = csv_cells(exported(*store, {run}, ExportFormat::csv));
  REQUIRE(rows.size() == 3);
  for (const auto& row : rows) {
    CHECK(row.size() == rows[0].size());
    for (const std::string& cell : row) {
      CAPTURE(cell);
      const bool begins_formula = !cell.empty() && std::string("=+-@\t\r").find(cell[0]) != std::string::npos;
      CHECK((!begins_formula || cell == "-5"));  // a number computes nothing
    }
  }
  const auto column = [&](const std::string& name) {
    return static_cast<std::size_t>(std::find(rows[0].begin(), rows[0].end(), name) - rows[0].begin());
  };
  CHECK(rows[1][column("output")] == "<think>\nline one\r\nsaid \"two\", three</think>-1\xEF\xBF\xBD");
  CHECK(rows[1][column("answer")] == "-5");
  CHECK(rows[1][column("model")] == "'=HYPERLINK(\"http://x\")");
  CHECK(rows[2][column("failure")] == "'@SUM(1+1)");
  CHECK(rows[2][column("answer")].empty());
  CHECK(rows[2][column("ttft_ms")] == "20");
}

TEST_CASE("export: what a protected suite's items and replies say stays here unless it is asked for",
          "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_hostile_run(*store, true);
  CHECK(*protected_suites(*store, std::vector<RunId>{run}) == std::vector<std::string>{"sums"});
  for (const ExportFormat format : {ExportFormat::json, ExportFormat::jsonl, ExportFormat::csv, ExportFormat::html}) {
    const std::string hidden = exported(*store, {run}, format);
    CHECK_THAT(hidden, !Contains("secret") && !Contains("line one") && !Contains("1+1 is 2"));
    CHECK_THAT(hidden, Contains("correct"));
    if (format == ExportFormat::html) continue;
    CHECK_THAT(exported(*store, {run}, format, true), Contains("line one"));
  }
  CHECK_THAT(exported(*store, {run}, ExportFormat::json, true), Contains("a secret question"));
}

TEST_CASE("export: the HTML report runs nothing, fetches nothing and shows hostile text as text", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_hostile_run(*store, false);
  const std::string html = exported(*store, {run}, ExportFormat::html);
  CHECK_THAT(html, Contains("&lt;script&gt;alert(1)&lt;/script&gt;") && Contains("&quot;&gt;&lt;img src=x&gt;"));
  for (const char* active : {"<script", "<img", "<link", "<iframe", "<object", "href=", "url(", "@import", "onload="}) {
    CHECK_THAT(html, !Contains(active));
  }
  CHECK_THAT(html, Contains("Content-Security-Policy") && Contains("default-src 'none'"));
  for (const char* title : {"<h2>Accuracy", "<h2>Outcomes", "<h2>Latency", "<h2>Length", "<h2>GPU power"}) {
    CHECK_THAT(html, Contains(title));
  }
  CHECK_THAT(html, Contains("prefers-color-scheme:dark") && Contains("<svg") && Contains("measured"));
  CHECK_THAT(html, !Contains(">nan") && !Contains("\"nan") && !Contains(">inf") && !Contains("\"inf"));
  CHECK(exported(*store, {run}, ExportFormat::html) == html);
}

TEST_CASE("charts: few, equal and extreme values give figures, never NaN", "[results][export]") {
  CHECK(histogram({}, "ms").empty());
  for (const std::vector<double>& values :
       {std::vector<double>{5}, {0, 0, 0}, {1e-9, 1e9}, {1, 2, 3, 1000}, {1e300, 1e-300}}) {
    const std::string svg = histogram(values, "ms");
    CHECK_THAT(svg, Contains("<rect") && !Contains("nan") && !Contains("inf"));
  }
  CHECK_THAT(line_chart({{"GPU 0", {{0, 0}}}}, "watts"), Contains("<polyline") && !Contains("nan"));
  CHECK_THAT(bar_chart({{"a<b", 0}}, "tokens/s"), Contains("a&lt;b") && !Contains("nan"));
  // Every value is in some bin: the counts in the titles add up.
  const std::string svg = histogram({1, 2, 2, 3, 10, 10, 10}, "ms");
  int sum = 0;
  for (std::size_t at = svg.find("ms: "); at != std::string::npos; at = svg.find("ms: ", at + 1)) {
    sum += std::stoi(svg.substr(at + 4));
  }
  CHECK(sum == 7);
}

TEST_CASE("export: an error of the sink ends it", "[results][export]") {
  TemporaryFolder folder;
  auto store = Store::open_or_create(folder / "x.db");
  const RunId run = write_hostile_run(*store, false);
  for (const ExportFormat format : {ExportFormat::json, ExportFormat::jsonl, ExportFormat::csv, ExportFormat::html}) {
    const auto done = export_runs(*store, std::vector<RunId>{run}, {.format = format, .include_protected = false},
                                  [](std::string_view) -> Result<> { return environment_error("disk full"); });
    REQUIRE_FALSE(done);
    CHECK(done.error().message == "disk full");
  }
}
