// assay-gui: the dashboard.

#include <QApplication>
#include <QSettings>
#include <QTemporaryDir>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "gui/app/gui_options.h"
#include "gui/app/main_window.h"
#include "gui/app/screenshot.h"
#include "gui/views/line_style.h"
#include "harness/base/log.h"
#include "harness/base/text.h"

namespace {

using namespace assay;
using namespace assay::gui;

QString theme_name(ThemeChoice theme) {
  switch (theme) {
    case ThemeChoice::light:
      return "light";
    case ThemeChoice::dark:
      return "dark";
    case ThemeChoice::system:
      break;
  }
  return "system";
}

/// Qt ends the program where it finds no display, so this is asked before it is.
Result<> check_display() {
  for (const char* variable : {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}) {
    if (!qEnvironmentVariableIsEmpty(variable)) return {};
  }
  return environment_error(
      "no display: neither DISPLAY nor WAYLAND_DISPLAY is set; --screenshot PAGE FILE.png needs none");
}

/// The offscreen platform warns of what it lacks; standard error is for what went wrong.
void drop_warnings(QtMsgType type, const QMessageLogContext&, const QString& text) {
  if (type == QtCriticalMsg || type == QtFatalMsg) log_line(LogLevel::quiet, text.toStdString());
}

/// A screenshot must be the same for everybody: no setting of the user's, no display, no theme of the desktop, no local
/// time.
void be_reproducible(const GuiOptions& options) {
  qInstallMessageHandler(drop_warnings);
  qputenv("QT_QPA_PLATFORM", "offscreen");
  qputenv("TZ", "UTC");
  qputenv("QT_SCALE_FACTOR", QByteArray::number(options.scale));
  qunsetenv("QT_QPA_PLATFORMTHEME");
  qunsetenv("QT_STYLE_OVERRIDE");
}

Result<int> take_screenshot(const GuiOptions& options, ViewState state) {
  const QTemporaryDir folder;
  QSettings settings(folder.filePath("settings.ini"), QSettings::IniFormat);
  apply_theme(options.theme == ThemeChoice::dark ? "dark" : "light");
  MainWindow window(std::move(state), settings);
  window.resize(options.size);
  ASSAY_TRY(save_screenshot(window, options.screenshot->file));
  return 0;
}

Result<int> open_window(const GuiOptions& options, ViewState state) {
  QSettings settings(QSettings::IniFormat, QSettings::UserScope, "assay", "assay-gui");
  apply_theme(options.theme == ThemeChoice::system ? settings.value("theme", "system").toString()
                                                   : theme_name(options.theme));
  MainWindow window(std::move(state), settings);
  if (!window.restoreGeometry(settings.value("geometry").toByteArray())) window.resize(options.size);
  window.show();
  return QApplication::exec();
}

Result<int> run(int argc, char** argv) {
  const char* environment_db = std::getenv("ASSAY_DB");
  ASSAY_ASSIGN(const ParsedOptions parsed,
               parse_gui_options({argv + 1, argv + argc}, environment_db != nullptr ? environment_db : ""));
  if (!parsed.text.empty()) {
    std::fputs(parsed.text.c_str(), stdout);
    return 0;
  }
  const GuiOptions& options = parsed.options;
  ASSAY_ASSIGN(ViewState state, first_state(options));
  if (options.screenshot) {
    be_reproducible(options);
  } else {
    ASSAY_TRY(check_display());
  }
  int n_words = 1;  // Qt has options of its own, which are none of ours
  QApplication application(n_words, argv);
  QApplication::setApplicationName("assay-gui");
  QApplication::setApplicationDisplayName("Assay");
  QApplication::setApplicationVersion(ASSAY_VERSION);
  QApplication::setStyle(new LineStyle);
  return options.screenshot ? take_screenshot(options, std::move(state)) : open_window(options, std::move(state));
}

int fail(ErrorKind kind, const std::string& message) {
  log_line(LogLevel::quiet, replace_all(message, "\n", " "));
  return static_cast<int>(kind);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const Result<int> done = run(argc, argv);
    return done ? *done : fail(done.error().kind, done.error().message);
  } catch (const std::bad_alloc&) {
    return fail(ErrorKind::environment, "out of memory");
  } catch (const std::exception& thrown) {
    return fail(ErrorKind::environment, std::string("a library failed: ") + thrown.what());
  }
}
