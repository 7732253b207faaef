#pragma once
// Messages to people, on standard error only. The one global state of the program.

#include <sstream>
#include <string_view>

namespace assay {

enum class LogLevel { quiet, normal, verbose };

/// Sets what is shown: `quiet` errors only, `normal` also warnings and notes, `verbose` also details. Call once, at
/// start.
void set_log_level(LogLevel level);
LogLevel log_level();

/// Writes "assay: TEXT\n" to standard error in one piece if the current level is at least `level`. Any thread.
void log_line(LogLevel level, std::string_view text);

template <class... Parts>
void log_note(const Parts&... parts) {
  std::ostringstream line;
  (line << ... << parts);
  log_line(LogLevel::normal, line.str());
}
template <class... Parts>
void log_warning(const Parts&... parts) {
  log_note("warning: ", parts...);
}
template <class... Parts>
void log_detail(const Parts&... parts) {
  if (log_level() != LogLevel::verbose) return;
  std::ostringstream line;
  (line << ... << parts);
  log_line(LogLevel::verbose, line.str());
}

}  // namespace assay
