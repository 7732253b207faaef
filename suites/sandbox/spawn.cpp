#include "suites/sandbox/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstring>

namespace assay::suites {
namespace {

constexpr int kFirstFreeFd = 10;  // 0 to 3 have a meaning in SpawnRequest
constexpr uid_t kNobody = 65534;
constexpr int kExecFailed = 127;

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));  // execve's old signature
  out.push_back(nullptr);
  return out;
}

bool apply(const SpawnRequest& request, pid_t parent) {
  if (setpgid(0, 0) != 0) return false;
  if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) return false;
  if (dup2(request.stdin_fd, 0) < 0 || dup2(request.stdout_fd, 1) < 0 || dup2(request.stderr_fd, 2) < 0) return false;
  if (request.channel_fd >= 0 && dup2(request.channel_fd, 3) < 0) return false;
  for (const int fd : request.kept_fds) {
    if (fcntl(fd, F_SETFD, 0) != 0) return false;
  }
  if (!request.folder.empty() && chdir(request.folder.c_str()) != 0) return false;
  for (const auto& [resource, value] : request.rlimits) {
    const rlimit64 limit{value, value};
    if (syscall(SYS_prlimit64, 0, resource, &limit, nullptr) != 0) return false;
  }
  if (request.as_nobody) {
    // The system calls themselves: the C library's functions would change every thread of the memory that this child
    // shares with its parent.
    if (syscall(SYS_setgroups, 0, nullptr) != 0) return false;
    if (syscall(SYS_setresgid, kNobody, kNobody, kNobody) != 0) return false;
    if (syscall(SYS_setresuid, kNobody, kNobody, kNobody) != 0) return false;
  }
  if (request.outlives_thread) return true;
  // Dies with the thread that started it. After the change of user, which would reset this.
  return prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent;
}

// Runs in the child of vfork, in the parent's memory: system calls only, no allocation, and it never returns.
[[noreturn]] void become(const SpawnRequest& request, pid_t parent, char** command, char** environment,
                         volatile int* failure) {
  struct sigaction handling {};
  handling.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &handling, nullptr);
  if (apply(request, parent)) {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execve(command[0], command, environment);
  }
  *failure = errno;
  _exit(kExecFailed);
}

// Apart from spawn(), so that nothing of that function lives in registers that the child may change.
[[gnu::noinline]] pid_t start(const SpawnRequest& request, char** command, char** environment, volatile int* failure) {
  const pid_t parent = getpid();
  const pid_t process = vfork();
  if (process == 0) become(request, parent, command, environment, failure);
  return process;
}

}  // namespace

Result<pid_t> spawn(const SpawnRequest& request) {
  std::vector<char*> command = pointers(request.command);
  std::vector<char*> environment = pointers(request.environment);
  volatile int failure = 0;

  // No handler of this process may run in the child.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t process = start(request, command.data(), environment.data(), &failure);
  const int start_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (process < 0) return environment_error("sandbox: no new process: ", std::strerror(start_error));
  if (failure != 0) {
    waitpid(process, nullptr, 0);
    return environment_error("sandbox: cannot start ", request.command.front(), ": ", std::strerror(failure));
  }
  return process;
}

Result<UniqueFd> open_process(pid_t process) {
  UniqueFd fd(static_cast<int>(syscall(SYS_pidfd_open, process, 0)));
  if (!fd) return environment_error("sandbox: pidfd_open: ", std::strerror(errno), " (needs Linux 5.3 or later)");
  return fd;
}

void kill_process(const UniqueFd& process) {
  if (process) syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0);
}

std::optional<ProcessEnd> reap(const UniqueFd& process) {
  siginfo_t info{};
  rusage usage{};
  constexpr int kByDescriptor = 3;  // P_PIDFD
  long status = 0;
  do {  // the system call: the C library's waitid has no rusage
    status = syscall(SYS_waitid, kByDescriptor, process.get(), &info, WEXITED, &usage);
  } while (status != 0 && errno == EINTR);
  if (status != 0) return std::nullopt;

  ProcessEnd end;
  (info.si_code == CLD_EXITED ? end.exit_status : end.signal) = info.si_status;
  const auto ms = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_usec) / 1e3;
  };
  end.use.cpu_ms = ms(usage.ru_utime) + ms(usage.ru_stime);
  end.use.max_rss_bytes = std::int64_t{usage.ru_maxrss} * 1024;
  return end;
}

Result<UniqueFd> move_up(UniqueFd fd) {
  UniqueFd high(fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
  if (!high) return environment_error("sandbox: no free file descriptor: ", std::strerror(errno));
  return high;
}

}  // namespace assay::suites
