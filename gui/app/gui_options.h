#pragma once
// The words that assay-gui is called with.

#include <QSize>
#include <QString>
#include <QStringList>
#include <optional>
#include <string>
#include <vector>

#include "gui/models/view_state.h"

namespace assay::gui {

enum class ThemeChoice { system, light, dark };

struct GuiOptions {
  QStringList databases;  ///< absolute paths
  QStringList runs;       ///< as given: ids, prefixes, names, latest
  QString link;           ///< assay://…; empty: none
  ThemeChoice theme = ThemeChoice::system;
  QSize size = {1280, 800};  ///< of the window, in units that `scale` multiplies
  double scale = 1;
  struct Screenshot {
    QString page;
    QString file;
  };
  std::optional<Screenshot> screenshot;
};

/// Parses the words after the program's name. A text instead of options is what to print on standard output and end
/// with 0 (--help, --version). Error{bad_input} says what is wrong. `environment_db` is $ASSAY_DB, empty if it is not
/// set.
struct ParsedOptions {
  GuiOptions options;
  std::string text;
};
Result<ParsedOptions> parse_gui_options(const std::vector<std::string>& words, const std::string& environment_db);

/// What is to be shown at first: the link's state with the databases and runs of the options added. Reads the
/// databases. Error as theirs if one can't be read, Error{bad_input} for a run that none of them holds.
Result<ViewState> first_state(const GuiOptions& options);

}  // namespace assay::gui
