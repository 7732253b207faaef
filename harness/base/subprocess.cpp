#include "harness/base/subprocess.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "harness/base/text.h"

namespace assay {

namespace {

constexpr std::size_t kMostOutputBytes = std::size_t{1} << 28;
constexpr int kStopPeriodMs = 50;

/// One end of a pipe, closed at the end.
class PipeEnd {
 public:
  explicit PipeEnd(int descriptor = -1) : descriptor_(descriptor) {}
  ~PipeEnd() { close(); }
  PipeEnd(const PipeEnd&) = delete;
  PipeEnd& operator=(const PipeEnd&) = delete;
  void open(int descriptor) { descriptor_ = descriptor; }
  int get() const { return descriptor_; }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

 private:
  int descriptor_;
};

struct Pipe {
  PipeEnd read, write;
  bool open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read.open(ends[0]);
    write.open(ends[1]);
    return true;
  }
};

/// Takes what is there; closes the end when the program has.
void take(PipeEnd& end, std::string& text) {
  std::array<char, 65536> part{};
  const ssize_t n = ::read(end.get(), part.data(), part.size());
  if (n > 0) {
    const std::size_t room = kMostOutputBytes - std::min(kMostOutputBytes, text.size());
    text.append(part.data(), std::min(static_cast<std::size_t>(n), room));
  } else if (n == 0 || errno != EINTR) {
    end.close();
  }
}

/// In the new process: only what may be called between fork and exec.
[[noreturn]] void become(char* const* arguments, const Pipe& out, const Pipe& err, int report) {
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int in = ::open("/dev/null", O_RDONLY);
  ::dup2(in, STDIN_FILENO);
  ::dup2(out.write.get(), STDOUT_FILENO);
  ::dup2(err.write.get(), STDERR_FILENO);
  ::execvp(arguments[0], arguments);
  const int code = errno;
  [[maybe_unused]] const ssize_t told = ::write(report, &code, sizeof code);
  ::_exit(127);
}

}  // namespace

Result<ProcessOutput> run_process(const std::vector<std::string>& words, std::stop_token stop) {
  ASSAY_ASSERT(!words.empty(), "a program is named");
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const auto failed = [&](int code) { return environment_error(shown(words.front()), ": ", std::strerror(code)); };

  Pipe out, err, report;  // the last one says why the program could not be started
  if (!out.open() || !err.open() || !report.open()) return failed(errno);
  const pid_t process = ::fork();
  if (process < 0) return failed(errno);
  if (process == 0) become(arguments.data(), out, err, report.write.get());
  out.write.close();
  err.write.close();
  report.write.close();

  ProcessOutput output;
  bool is_stopped = false;
  while (out.read.get() >= 0 || err.read.get() >= 0) {
    std::array<pollfd, 2> ends = {{{out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}}};
    ::poll(ends.data(), ends.size(), kStopPeriodMs);
    if (ends[0].revents != 0) take(out.read, output.out);
    if (ends[1].revents != 0) take(err.read, output.err);
    if (stop.stop_requested() && !is_stopped) ::kill(process, SIGTERM);
    is_stopped = stop.stop_requested();
  }
  int code = 0;
  const bool was_started = ::read(report.read.get(), &code, sizeof code) != sizeof code;
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (!was_started) return failed(code);
  if (WIFEXITED(status)) output.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) output.signal = WTERMSIG(status);
  return output;
}

}  // namespace assay
