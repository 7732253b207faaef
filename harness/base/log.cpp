#include "harness/base/log.h"

#include <unistd.h>

#include <atomic>
#include <string>

namespace assay {

namespace {
std::atomic<LogLevel> current_level{LogLevel::normal};
}

void set_log_level(LogLevel level) { current_level = level; }
LogLevel log_level() { return current_level; }

void log_line(LogLevel level, std::string_view text) {
  if (current_level.load() < level) return;
  std::string line = "assay: ";
  line += text;
  line += '\n';
  // One write, so that lines of several threads or processes don't interleave.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace assay
