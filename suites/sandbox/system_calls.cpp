#include "suites/sandbox/system_calls.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "suites/sandbox/unique_fd.h"

namespace assay::suites {
namespace {

// What an interpreter with threads, files in its own folder, pipes and clocks needs. Not here, on purpose: ptrace,
// process_vm_*, pidfd_*, mount and its kin, unshare, setns, bpf, perf_event_open, io_uring_*, userfaultfd, keyctl and
// its kin, kexec_*, *_module, personality, seccomp, prctl, SysV and POSIX message queues and shared memory, inotify,
// memfd_create (memory that no limit counts), xattrs, mknod, chroot, reboot, quota, swap, clock and host settings.
constexpr auto kAllowed = std::to_array<const char*>({
    // files
    "open",
    "openat",
    "openat2",
    "close",
    "close_range",
    "creat",
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "preadv",
    "pwritev",
    "lseek",
    "_llseek",
    "stat",
    "fstat",
    "lstat",
    "newfstatat",
    "fstatat64",
    "stat64",
    "fstat64",
    "lstat64",
    "statx",
    "statfs",
    "fstatfs",
    "statfs64",
    "fstatfs64",
    "access",
    "faccessat",
    "faccessat2",
    "getdents",
    "getdents64",
    "readlink",
    "readlinkat",
    "getcwd",
    "chdir",
    "fchdir",
    "mkdir",
    "mkdirat",
    "rmdir",
    "unlink",
    "unlinkat",
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "chmod",
    "fchmod",
    "fchmodat",
    "umask",
    "truncate",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "sendfile",
    "copy_file_range",
    "fadvise64",
    "dup",
    "dup2",
    "dup3",
    "fcntl",
    "fcntl64",
    "pipe",
    "pipe2",
    // waiting
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "_newselect",
    "epoll_create",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd",
    "eventfd2",
    // the channel of run_pair, and the socket pairs of an event loop
    "sendto",
    "recvfrom",
    "sendmsg",
    "recvmsg",
    "shutdown",
    "getsockopt",
    "setsockopt",
    "getsockname",
    "getpeername",
    // memory
    "brk",
    "mmap",
    "mmap2",
    "munmap",
    "mremap",
    "mprotect",
    "madvise",
    "mincore",
    "msync",
    // threads
    "futex",
    "futex_time64",
    "futex_waitv",
    "set_robust_list",
    "get_robust_list",
    "rseq",
    "membarrier",
    "set_tid_address",
    "set_thread_area",
    "arch_prctl",
    "gettid",
    "sched_yield",
    "sched_getaffinity",
    "sched_getscheduler",
    "sched_getparam",
    "sched_get_priority_min",
    "sched_get_priority_max",
    "getcpu",
    "exit",
    "exit_group",
    // signals, within the program's own process namespace
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigpending",
    "rt_sigsuspend",
    "rt_sigtimedwait",
    "rt_sigqueueinfo",
    "sigaltstack",
    "sigreturn",
    "restart_syscall",
    "kill",
    "tkill",
    "tgkill",
    "pause",
    "alarm",
    "wait4",
    "waitid",
    "waitpid",
    // clocks and timers
    "clock_gettime",
    "clock_gettime64",
    "clock_getres",
    "clock_getres_time64",
    "clock_nanosleep",
    "clock_nanosleep_time64",
    "nanosleep",
    "gettimeofday",
    "time",
    "times",
    "setitimer",
    "getitimer",
    "timer_create",
    "timer_settime",
    "timer_gettime",
    "timer_getoverrun",
    "timer_delete",
    // questions about itself and the machine
    "getpid",
    "getppid",
    "getpgrp",
    "getpgid",
    "getsid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getresuid",
    "getresgid",
    "getgroups",
    "getpriority",
    "getrusage",
    "getrlimit",
    "ugetrlimit",
    "uname",
    "sysinfo",
    "getrandom",
    // bubblewrap's last step; a program may also replace itself, and stays under this filter
    "execve",
    "execveat",
});

constexpr auto kRefused = std::to_array<const char*>({"socket"});
constexpr auto kForking = std::to_array<const char*>({"fork", "vfork"});

// ioctl is a door into every driver: only the requests that Python's files and terminals ask.
constexpr auto kAllowedIoctls = std::to_array<unsigned>({TCGETS, FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, TIOCGWINSZ});

struct FilterDeleter {
  void operator()(void* filter) const { seccomp_release(filter); }
};
using Filter = std::unique_ptr<void, FilterDeleter>;

bool add(const Filter& filter, std::uint32_t action, const char* name) {
  const int number = seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return true;  // this architecture never had it
  return seccomp_rule_add(filter.get(), action, number, 0) == 0;
}

bool add_if(const Filter& filter, std::uint32_t action, int number, const scmp_arg_cmp& condition) {
  return seccomp_rule_add_array(filter.get(), action, number, 1, &condition) == 0;
}

bool add_rules(const Filter& filter, bool may_fork) {
  bool ok = true;
  for (const char* name : kAllowed) ok = ok && add(filter, SCMP_ACT_ALLOW, name);
  for (const char* name : kRefused) ok = ok && add(filter, SCMP_ACT_ERRNO(EPERM), name);
  for (const char* name : kForking) ok = ok && add(filter, may_fork ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EPERM), name);
  for (const unsigned request : kAllowedIoctls) {
    ok = ok && add_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), SCMP_A1_32(SCMP_CMP_EQ, request));
  }
  ok = ok && add_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), SCMP_A0_32(SCMP_CMP_EQ, AF_UNIX));
  // A thread, and nothing that is a process or has namespaces of its own. clone3 hides its flags behind a pointer; with
  // ENOSYS the C library falls back to clone.
  constexpr std::uint64_t kNamespaces =
      CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  const scmp_arg_cmp thread = SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD | kNamespaces, CLONE_THREAD);
  const scmp_arg_cmp process = SCMP_A0_64(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
  const scmp_arg_cmp either = SCMP_A0_64(SCMP_CMP_MASKED_EQ, kNamespaces, 0);
  ok = ok && add_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), may_fork ? either : thread);
  if (!may_fork) ok = ok && add_if(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), process);
  // Its own limits only: another process of the same user may be the host's.
  ok = ok && add_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), SCMP_A0_32(SCMP_CMP_EQ, 0));
  ok = ok && seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, SCMP_SYS(setrlimit), 0) == 0;
  return ok;
}

Error libseccomp_error(const char* step) {
  return environment_error("sandbox: libseccomp could not ", step,
                           " the system-call filter; is this architecture supported?");
}

}  // namespace

Result<std::string> build_system_call_filter(bool may_fork) {
  const Filter filter(seccomp_init(SCMP_ACT_ERRNO(ENOSYS)));
  if (!filter) return libseccomp_error("create");
  seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);  // a binary tree; without it, only slower
  if (!add_rules(filter, may_fork)) return libseccomp_error("add rules to");

  const UniqueFd file(memfd_create("filter", MFD_CLOEXEC));
  if (!file) return environment_error("sandbox: memfd_create: ", std::strerror(errno));
  if (seccomp_export_bpf(filter.get(), file.get()) != 0) return libseccomp_error("export");
  const off_t size = lseek(file.get(), 0, SEEK_END);
  std::string instructions(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  if (instructions.empty() ||
      pread(file.get(), instructions.data(), instructions.size(), 0) != static_cast<ssize_t>(instructions.size())) {
    return libseccomp_error("export");
  }
  return instructions;
}

}  // namespace assay::suites
