#include "suites/sandbox/running_program.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "harness/base/json.h"
#include "harness/base/text.h"

namespace assay::suites {
namespace {

constexpr int kSignalBase = 128;  // bubblewrap, like a shell, reports death by signal N as exit code 128 + N

constexpr auto kLongestSetup = std::chrono::seconds(1);
constexpr double kNoLimitMs = 1000;  // how long to wait in one go where nothing limits it
constexpr double kLingerMs = 100;    // for others to end by themselves, which tells how, once the first has ended
constexpr double kMostStretch = 10;  // of wall_s, on a machine that is too busy

// Writes to a pipe whose reader may be gone, without SIGPIPE reaching this process.
ssize_t write_quietly(int fd, std::string_view text) {
  sigset_t pipe_signal;
  sigset_t before;
  sigemptyset(&pipe_signal);
  sigaddset(&pipe_signal, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const ssize_t n = write(fd, text.data(), text.size());
  const int error = errno;
  if (n < 0 && error == EPIPE) {
    const timespec now{};
    sigtimedwait(&pipe_signal, nullptr, &now);  // takes the signal that the write raised for this thread
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = error;
  return n;
}

// Python's last word when an allocation fails: the last line of standard error that is not blank.
bool ends_in_memory_error(std::string_view text) {
  text = trim(text);
  const std::size_t line = text.rfind('\n');
  return text.substr(line == std::string_view::npos ? 0 : line + 1).starts_with("MemoryError");
}

}  // namespace

Result<RunningProgram> RunningProgram::adopt(pid_t process, ProgramPipes pipes, std::string stdin_text,
                                             SandboxLimits limits) {
  RunningProgram program;
  program.process_id_ = process;
  program.started_ = Clock::now();
  program.limits_ = limits;
  program.take_pipes(std::move(pipes), std::move(stdin_text));
  auto descriptor = open_process(process);
  if (!descriptor) {
    ::kill(process, SIGKILL);  // not reaped yet, so the number is still its own
    return descriptor.error();
  }
  program.process_ = std::move(*descriptor);
  return program;
}

RunningProgram RunningProgram::adopt_warm(UniqueFd keeper, pid_t keeper_id, ProgramPipes pipes, std::string stdin_text,
                                          SandboxLimits limits) {
  RunningProgram program;
  program.started_ = Clock::now();
  program.limits_ = limits;
  program.take_pipes(std::move(pipes), std::move(stdin_text));
  program.process_id_ = program.inside_id_ = keeper_id;
  program.inside_ = UniqueFd(fcntl(keeper.get(), F_DUPFD_CLOEXEC, 0));
  program.process_ = std::move(keeper);
  return program;
}

void RunningProgram::take_pipes(ProgramPipes pipes, std::string stdin_text) {
  pipes_ = std::move(pipes);
  stdin_text_ = std::move(stdin_text);
  in_bwrap_ = static_cast<bool>(pipes_.status_read);
  result_.is_protected = in_bwrap_;
  for (const UniqueFd* pipe : {&pipes_.stdin_write, &pipes_.stdout_read, &pipes_.stderr_read, &pipes_.status_read}) {
    if (*pipe) fcntl(pipe->get(), F_SETFL, O_NONBLOCK);
  }
}

void RunningProgram::poll_entries(std::vector<pollfd>& entries) const {
  if (finished_) return;
  entries.push_back({process_.get(), POLLIN, 0});
  if (pipes_.stdin_write) entries.push_back({pipes_.stdin_write.get(), POLLOUT, 0});
  for (const UniqueFd* pipe : {&pipes_.stdout_read, &pipes_.stderr_read, &pipes_.status_read}) {
    if (*pipe) entries.push_back({pipe->get(), POLLIN, 0});
  }
}

void RunningProgram::handle() {
  if (finished_) return;
  if (pipes_.status_read) read_status();
  kill_now_or_soon();
  if (pipes_.stdin_write) write_stdin();
  read_output(pipes_.stdout_read, result_.stdout_text);
  read_output(pipes_.stderr_read, result_.stderr_text);
  pollfd ended{process_.get(), POLLIN, 0};
  if (poll(&ended, 1, 0) > 0) finish();
}

void RunningProgram::write_stdin() {
  while (stdin_at_ < stdin_text_.size()) {
    const ssize_t n = write_quietly(pipes_.stdin_write.get(), std::string_view(stdin_text_).substr(stdin_at_));
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n < 0) break;  // the program closed its standard input: it does not want the rest
    stdin_at_ += static_cast<std::size_t>(n);
  }
  pipes_.stdin_write.reset();
}

void RunningProgram::read_output(UniqueFd& pipe, std::string& text) {
  std::array<char, 65536> buffer;
  while (pipe) {
    const ssize_t n = read(pipe.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      pipe.reset();
      return;
    }
    const std::size_t room = static_cast<std::size_t>(limits_.output_bytes) - text.size();
    text.append(buffer.data(), std::min(room, static_cast<std::size_t>(n)));
    if (static_cast<std::size_t>(n) > room) {
      result_.output_limit = true;
      pipe.reset();
      kill();
    }
  }
}

// One JSON object a line. Bubblewrap writes first the process inside, at the end the program's exit code; a warm
// sandbox the exit code and what the program used, or why it could not be started.
void RunningProgram::read_status() {
  std::array<char, 1024> buffer;
  ssize_t n = 0;
  while ((n = read(pipes_.status_read.get(), buffer.data(), buffer.size())) > 0) {
    status_text_.append(buffer.data(), static_cast<std::size_t>(n));
  }
  if (n == 0) pipes_.status_read.reset();
  for (std::size_t end = 0; (end = status_text_.find('\n', status_at_)) != std::string::npos; status_at_ = end + 1) {
    const auto line =
        parse_json(std::string_view(status_text_).substr(status_at_, end - status_at_), "bubblewrap's status");
    if (!line || !line->is_object()) continue;
    if (const auto inside = line->find("child-pid"); inside != line->end() && inside->is_number_integer()) {
      note_inside(inside->get<pid_t>());
    }
    if (const auto code = line->find("exit-code"); code != line->end() && code->is_number_integer()) {
      bwrap_exit_code_ = code->get<int>();
    }
    if (const auto cpu = line->find("cpu_ms"); cpu != line->end() && cpu->is_number()) {
      use_reported_.cpu_ms = cpu->get<double>();
    }
    if (const auto rss = line->find("max_rss_bytes"); rss != line->end() && rss->is_number_integer()) {
      use_reported_.max_rss_bytes = rss->get<std::int64_t>();
    }
    if (const auto failure = line->find("failure"); failure != line->end() && failure->is_string()) {
      failure_ = "sandbox: a program could not be set up: " + quoted_excerpt(failure->get<std::string>(), 300);
    }
  }
}

void RunningProgram::note_inside(pid_t inside) {
  if (inside_) return;
  auto descriptor = open_process(inside);
  if (!descriptor) return;  // it has ended already; bubblewrap says how
  inside_ = std::move(*descriptor);
  inside_id_ = inside;
}

void RunningProgram::kill() {
  if (finished_ || kill_wanted_) return;
  kill_wanted_ = true;
  kill_wanted_at_ = Clock::now();
  kill_now_or_soon();
}

// A bubblewrap killed while it sets up its namespace could leave that one's first process waiting for ever. Its number
// comes within milliseconds; then both can be killed.
void RunningProgram::kill_now_or_soon() {
  if (!kill_wanted_ || killed_) return;
  const bool is_setting_up = in_bwrap_ && !inside_ && pipes_.status_read;
  if (is_setting_up && Clock::now() - kill_wanted_at_ < kLongestSetup) return;
  killed_ = true;
  if (in_bwrap_) {
    use_before_kill_ = use_now();
    kill_process(inside_);  // the first process of a namespace takes all others with it
    kill_process(process_);
  } else {
    ::kill(-process_id_, SIGKILL);  // its group; not reaped yet, so the number is still its own
  }
}

void RunningProgram::finish() {
  if (!in_bwrap_) ::kill(-process_id_, SIGKILL);  // what it left behind in its group
  const std::optional<ProcessEnd> outer = reap(process_);
  // Bubblewrap may end before the namespace's first process does; that one is this process's child then.
  if (in_bwrap_) kill_process(inside_);
  const std::optional<ProcessEnd> inside = inside_ ? reap(inside_) : std::nullopt;
  if (in_bwrap_ && pipes_.status_read) read_status();
  read_output(pipes_.stdout_read, result_.stdout_text);
  read_output(pipes_.stderr_read, result_.stderr_text);
  finished_ = true;
  pipes_ = {};

  for (const auto& end : {outer, inside}) {
    if (!end) continue;
    result_.cpu_ms += end->use.cpu_ms;
    result_.max_rss_bytes = std::max(result_.max_rss_bytes, end->use.max_rss_bytes);
  }
  result_.cpu_ms += use_reported_.cpu_ms;
  if (in_bwrap_) result_.cpu_ms = std::max(result_.cpu_ms, use_before_kill_.cpu_ms);
  result_.max_rss_bytes =
      std::max({result_.max_rss_bytes, use_before_kill_.max_rss_bytes, use_reported_.max_rss_bytes});
  result_.wall_ms = std::chrono::duration<double, std::milli>(Clock::now() - started_).count();
  if (bwrap_exit_code_) {
    if (*bwrap_exit_code_ > kSignalBase) {
      result_.signal = *bwrap_exit_code_ - kSignalBase;
    } else {
      result_.exit_status = bwrap_exit_code_;
    }
  } else if (killed_) {
    result_.signal = SIGKILL;
  } else if (in_bwrap_) {
    if (failure_.empty()) failure_ = "sandbox: bubblewrap failed: " + quoted_excerpt(trim(result_.stderr_text), 300);
  } else if (outer) {
    result_.exit_status = outer->exit_status;
    result_.signal = outer->signal;
  }
  judge_limits();
}

// What ended the program, where the kernel does not say so.
void RunningProgram::judge_limits() {
  const bool killed_by_kernel = result_.signal == SIGKILL && !killed_;
  // The limit counts in clock ticks, which may be far from the exact time.
  const bool used_its_time = result_.cpu_ms >= 500.0 * static_cast<double>(limits_.cpu_s);
  if (result_.signal == SIGXCPU || (killed_by_kernel && used_its_time)) result_.timed_out = true;
  // A program may also send itself SIGKILL; the kernel's own takes large programs.
  const bool is_large = result_.max_rss_bytes > limits_.memory_bytes / 4;
  if (killed_by_kernel && !used_its_time && is_large) result_.out_of_memory = true;
  if (result_.exit_status.value_or(0) != 0 && ends_in_memory_error(result_.stderr_text)) result_.out_of_memory = true;
}

ResourceUse RunningProgram::use_now() const {
  if (!in_bwrap_) return use_of_process(process_id_);
  ResourceUse sum;
  if (!inside_) return sum;
  for (const pid_t process : children_of(inside_id_)) {
    const ResourceUse one = use_of_process(process);
    sum.cpu_ms += one.cpu_ms;
    sum.queued_ms += one.queued_ms;
    sum.max_rss_bytes = std::max(sum.max_rss_bytes, one.max_rss_bytes);
  }
  return sum;
}

double RunningProgram::remaining_ms() const {
  if (finished_ || kill_wanted_) return kNoLimitMs;
  const double elapsed_ms = std::chrono::duration<double, std::milli>(Clock::now() - started_).count();
  return limits_.wall_s * 1e3 + excused_ms_ - elapsed_ms;
}

void RunningProgram::excuse(double queued_ms) {
  excused_ms_ = std::min(queued_ms, (kMostStretch - 1) * limits_.wall_s * 1e3);
  if (remaining_ms() > 0) return;
  result_.timed_out = true;
  kill();
}

Result<SandboxResult> RunningProgram::take_result() {
  ASSAY_ASSERT(finished_, "a result is taken after the end");
  if (!failure_.empty()) return environment_error(failure_);
  return std::move(result_);
}

void supervise(std::vector<RunningProgram>& programs) {
  std::vector<pollfd> entries;
  std::optional<std::chrono::steady_clock::time_point> first_ended;
  while (true) {
    entries.clear();
    double wait_ms = first_ended ? kLingerMs : kNoLimitMs;
    for (const RunningProgram& program : programs) {
      program.poll_entries(entries);
      wait_ms = std::min(wait_ms, program.remaining_ms());
    }
    if (entries.empty()) return;
    poll(entries.data(), entries.size(), std::max(1, static_cast<int>(wait_ms) + 1));
    for (RunningProgram& program : programs) program.handle();

    // Out of time by the wall's clock: what of it was this machine's fault? One of two that talk waits for the other.
    if (std::any_of(programs.begin(), programs.end(),
                    [](const auto& program) { return program.remaining_ms() <= 0; })) {
      double queued_ms = 0;
      for (const RunningProgram& program : programs) queued_ms += program.use_now().queued_ms;
      for (RunningProgram& program : programs) program.excuse(queued_ms);
    }
    if (!programs.front().finished()) continue;
    const auto now = std::chrono::steady_clock::now();
    if (!first_ended) first_ended = now;
    if (now - *first_ended < std::chrono::duration<double, std::milli>(kLingerMs)) continue;
    for (RunningProgram& program : programs) program.kill();
  }
}

}  // namespace assay::suites
