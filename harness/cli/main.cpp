// assay: everything headless. Commands return a Result; this file alone maps it to an exit code.

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "harness/base/log.h"
#include "harness/base/text.h"
#include "harness/cli/program.h"

namespace {

/// One line on standard error, whatever a file's name or a library put into the message.
int fail(assay::ErrorKind kind, const std::string& message) {
  assay::log_line(assay::LogLevel::quiet, assay::replace_all(message, "\n", " "));
  return static_cast<int>(kind);
}

/// Opens the standard descriptors that the caller left closed, so that no file of ours becomes one of them. What is
/// then printed on standard output fails, as it would have, and log lines are lost.
void claim_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const bool is_closed = ::fcntl(descriptor, F_GETFD) < 0 && errno == EBADF;
    if (is_closed)
      ::open("/dev/null", descriptor == STDERR_FILENO ? O_WRONLY : O_RDONLY);  // takes the lowest that is free
  }
}

}  // namespace

int main(int argc, char** argv) {
  claim_standard_descriptors();
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of the write, which says what is stored
  try {
    const assay::Result<int> done = assay::cli::run_program(std::vector<std::string>(argv + 1, argv + argc));
    return done ? *done : fail(done.error().kind, done.error().message);
  } catch (const std::bad_alloc&) {
    return fail(assay::ErrorKind::environment, "out of memory");
  } catch (const std::exception& thrown) {
    return fail(assay::ErrorKind::environment, std::string("a library failed: ") + thrown.what());
  }
}
