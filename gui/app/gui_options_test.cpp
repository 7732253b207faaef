#include "gui/app/gui_options.h"

#include <QDir>

#include "tests/support/catch.h"
#include "tests/support/temporary_folder.h"

namespace assay::gui {

namespace {

GuiOptions parsed(const std::vector<std::string>& words, const std::string& environment_db = "") {
  const auto options = parse_gui_options(words, environment_db);
  if (!options) FAIL(options.error().message);
  return options->options;
}

std::string refusal(const std::vector<std::string>& words) {
  const auto options = parse_gui_options(words, "");
  REQUIRE_FALSE(options.has_value());
  CHECK(options.error().kind == ErrorKind::bad_input);
  return options.error().message;
}

}  // namespace

TEST_CASE("gui options: lists take all words that follow, or come one by one") {
  const GuiOptions options = parsed(
      {"--db", "/a.db", "/b.db", "--run", "x", "y", "--db", "/c.db", "assay://compare?suite=aime", "--theme", "dark"});
  CHECK(options.databases == QStringList{"/a.db", "/b.db", "/c.db"});
  CHECK(options.runs == QStringList{"x", "y"});
  CHECK(options.link == "assay://compare?suite=aime");
  CHECK(options.theme == ThemeChoice::dark);
  CHECK_FALSE(options.screenshot.has_value());
  CHECK(parsed({"--db", "rel/../a.db"}).databases == QStringList{QDir::current().absoluteFilePath("a.db")});
}

TEST_CASE("gui options: the usual database is the environment's, and none where a link names its own") {
  CHECK(parsed({}, "/env.db").databases == QStringList{"/env.db"});
  CHECK(parsed({"--db", "/a.db"}, "/env.db").databases == QStringList{"/a.db"});
  CHECK(parsed({"assay://runs?db=/b.db"}, "/env.db").databases.isEmpty());
}

TEST_CASE("gui options: a screenshot's page, file, size and scale") {
  const GuiOptions options = parsed({"--screenshot", "cost", "/tmp/c.png", "--size", "1600x900", "--scale", "2"});
  REQUIRE(options.screenshot.has_value());
  CHECK(options.screenshot->page == "cost");
  CHECK(options.screenshot->file == "/tmp/c.png");
  CHECK(options.size == QSize(1600, 900));
  CHECK(options.scale == 2);
}

TEST_CASE("gui options: what is wrong is said") {
  using Catch::Matchers::Contains;
  CHECK_THAT(refusal({"--screenshot", "nowhere", "a.png"}),
             Contains("unknown page \"nowhere\"; there are runs, compare"));
  for (const char* size : {"800", "800x", "x600", "800x600x", "1x1", "99999x600", "-800x600", "800X600"}) {
    CHECK_THAT(refusal({"--size", size}), Contains("must be WIDTHxHEIGHT"));
  }
  refusal({"--scale", "0"});
  refusal({"--scale", "5"});
  refusal({"--theme", "blue"});
  refusal({"--screenshot", "runs"});
  refusal({"--colour"});
  CHECK_THAT(parse_gui_options({"--help"}, "")->text, Contains("--screenshot PAGE FILE.png"));
}

TEST_CASE("gui options: a database that is none ends it before a window opens") {
  const test_support::TemporaryFolder folder;
  GuiOptions options;
  options.databases = {QString::fromStdString(folder.write("text.db", "hello").string())};
  CHECK(first_state(options).error().kind == ErrorKind::bad_input);
  options.databases.clear();
  options.runs = {"latest"};
  CHECK_THAT(first_state(options).error().message, Catch::Matchers::Contains("no run \"latest\""));
  options.runs.clear();
  options.link = "assay://items?item=3";
  CHECK(first_state(options)->item == "3");
}

}  // namespace assay::gui
