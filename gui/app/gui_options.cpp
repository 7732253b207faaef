#include "gui/app/gui_options.h"

#include <CLI/CLI.hpp>
#include <QDir>
#include <QFileInfo>
#include <algorithm>
#include <charconv>
#include <limits>

#include "gui/models/workspace.h"

namespace assay::gui {

namespace {

constexpr int kMaxSide = 8192;

QString absolute(const std::string& path) {
  return QDir::cleanPath(QFileInfo(QString::fromStdString(path)).absoluteFilePath());
}

Result<QSize> parse_size(const std::string& text) {
  int width = 0, height = 0;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, width);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == 'x') {
    const auto second = std::from_chars(first.ptr + 1, end, height);
    if (second.ec == std::errc() && second.ptr == end && width >= 320 && height >= 240 && width <= kMaxSide &&
        height <= kMaxSide) {
      return QSize(width, height);
    }
  }
  return bad_input("--size is \"", text, "\", must be WIDTHxHEIGHT from 320x240 to ", kMaxSide, "x", kMaxSide);
}

struct Words {
  std::vector<std::string> databases, runs, screenshot;
  std::string size = "1280x800", theme = "system", link;
  double scale = 1;
};

void declare(CLI::App& app, Words& words) {
  app.set_version_flag("--version", "assay-gui " ASSAY_VERSION, "Print the version");
  app.set_help_flag("-h,--help", "Print this help");
  app.add_option("LINK", words.link, "A view to open: assay://PAGE?…, as the window copies it")->option_text(" ");
  app.add_option("--db", words.databases,
                 "Results databases to open (default: $ASSAY_DB, else assay.db in this folder if there is one)")
      ->option_text("FILE...")
      ->expected(1, std::numeric_limits<int>::max());
  app.add_option("--run", words.runs,
                 "Runs to choose: ids, unambiguous prefixes of them, names, or latest; the first is the baseline")
      ->option_text("RUN...")
      ->expected(1, std::numeric_limits<int>::max());
  app.add_option("--theme", words.theme, "Default: as the system; a screenshot is light")
      ->option_text("light|dark|system")
      ->check(CLI::IsMember({"light", "dark", "system"}));
  app.add_option("--screenshot", words.screenshot,
                 "Write a picture of PAGE (" + page_names().join(", ").toStdString() +
                     ") to FILE.png and end; needs no display")
      ->option_text("PAGE FILE.png")
      ->expected(2);
  app.add_option("--size", words.size, "The window's size (default: 1280x800)")->option_text("WIDTHxHEIGHT");
  app.add_option("--scale", words.scale, "Pixels per unit of --size in a screenshot, 0.5 to 4 (default: 1)")
      ->option_text("S")
      ->check(CLI::Range(0.5, 4.0));
  app.footer("Example: assay-gui --db results.db --run latest --screenshot runs runs.png --size 1600x900 --theme dark");
}

/// Takes a link out of the words, so that it may stand behind --db FILE…, which takes all that follow.
std::vector<std::string> without_link(std::vector<std::string> words, std::string& link) {
  const auto found =
      std::find_if(words.begin(), words.end(), [](const std::string& word) { return word.starts_with("assay://"); });
  if (found != words.end()) {
    link = *found;
    words.erase(found);
  }
  return words;
}

}  // namespace

Result<ParsedOptions> parse_gui_options(const std::vector<std::string>& given, const std::string& environment_db) {
  CLI::App app("The dashboard over results databases: runs, comparisons, transcripts, speed, hardware, cost.",
               "assay-gui");
  Words words;
  declare(app, words);
  ParsedOptions parsed;
  std::string link;
  std::vector<std::string> reversed = without_link(given, link);
  std::reverse(reversed.begin(), reversed.end());
  try {
    app.parse(std::move(reversed));
  } catch (const CLI::CallForHelp&) {
    parsed.text = app.help();
    return parsed;
  } catch (const CLI::CallForVersion&) {
    parsed.text = app.version() + "\n";
    return parsed;
  } catch (const CLI::ParseError& error) {
    return bad_input(error.what(), " (see assay-gui --help)");
  }

  if (!link.empty()) words.link = std::move(link);
  GuiOptions& options = parsed.options;
  for (const std::string& path : words.databases) options.databases.append(absolute(path));
  if (options.databases.isEmpty() && words.link.empty()) {
    const std::string usual = environment_db.empty() ? "assay.db" : environment_db;
    if (!environment_db.empty() || QFileInfo::exists(QString::fromStdString(usual))) {
      options.databases.append(absolute(usual));
    }
  }
  for (const std::string& run : words.runs) options.runs.append(QString::fromStdString(run));
  options.link = QString::fromStdString(words.link);
  options.theme = words.theme == "light"  ? ThemeChoice::light
                  : words.theme == "dark" ? ThemeChoice::dark
                                          : ThemeChoice::system;
  ASSAY_ASSIGN(options.size, parse_size(words.size));
  options.scale = words.scale;
  if (!words.screenshot.empty()) {
    const QString page = QString::fromStdString(words.screenshot[0]);
    if (!page_names().contains(page)) {
      return bad_input("--screenshot: unknown page \"", words.screenshot[0], "\"; there are ",
                       page_names().join(", ").toStdString());
    }
    options.screenshot = GuiOptions::Screenshot{page, absolute(words.screenshot[1])};
  }
  return parsed;
}

Result<ViewState> first_state(const GuiOptions& options) {
  ViewState state;
  if (!options.link.isEmpty()) {
    ASSAY_ASSIGN(state, parse_link(options.link));
  }
  for (const QString& path : options.databases) {
    if (!state.databases.contains(path)) state.databases.append(path);
  }
  if (options.screenshot) state.page = options.screenshot->page;
  const RunsReading reading = read_runs(state.databases);
  if (!reading.failures.empty()) return reading.failures.front().second;
  for (const QString& words : options.runs) {
    ASSAY_ASSIGN(const QString id, find_run_id(reading.runs, words));
    if (!state.runs.contains(id)) state.runs.append(id);
  }
  return state;
}

}  // namespace assay::gui
