// Each limit of the sandbox against a program that tries to break it. The expected outcomes are the kernel's: errno
// names of the manual pages, and what Python makes of them.

#include "suites/sandbox/sandbox.h"

#include <dirent.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>
#include <vector>

#include "harness/base/text.h"
#include "suites/sandbox/test_sandbox.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;
namespace fs = std::filesystem;

namespace {

SandboxLimits quick_limits() {
  SandboxLimits limits;
  limits.wall_s = 2;
  limits.cpu_s = 2;
  return limits;
}

SandboxResult run(const std::string& source, const SandboxLimits& limits = quick_limits(),
                  std::string stdin_text = "") {
  const auto result = test_sandbox().run({{"main.py"}, {{"main.py", source}}, std::move(stdin_text)}, limits);
  if (!result) FAIL(result.error().message);
  INFO(result->stderr_text);
  CHECK(result->is_protected);
  return *result;
}

/// What the program printed, which must have ended well.
std::string output(const std::string& source, const SandboxLimits& limits = quick_limits(),
                   std::string stdin_text = "") {
  const SandboxResult result = run(source, limits, std::move(stdin_text));
  INFO(result.stderr_text);
  CHECK(result.exit_status == 0);
  return std::string(trim(result.stdout_text));
}

/// Runs `call` and prints "done", or the name of the exception it raised.
std::string attempt(const std::string& imports, const std::string& call) {
  return "import " + imports + "\ntry:\n    " + call +
         "\n    print('done')\nexcept BaseException as e:\n    print(type(e).__name__)\n";
}

std::size_t n_open_fds() {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++n;
  return n;
}

}  // namespace

TEST_CASE("sandbox: a program gets its input and its files, and its output comes back", "[sandbox]") {
  const SandboxResult result =
      run("import sys\nprint(sys.stdin.read().upper())\nprint('on stderr', file=sys.stderr)\nsys.exit(3)\n",
          quick_limits(), "text\n");
  CHECK(result.stdout_text == "TEXT\n\n");
  CHECK(result.stderr_text == "on stderr\n");
  CHECK(result.exit_status == 3);
  CHECK_FALSE(result.signal);
  CHECK_FALSE(result.timed_out);
  CHECK_FALSE(result.out_of_memory);
  CHECK_FALSE(result.output_limit);
  CHECK(result.cpu_ms > 0);
  CHECK(result.wall_ms > 0);
  CHECK(result.max_rss_bytes > 1 << 20);  // no interpreter fits into one mebibyte
}

TEST_CASE("sandbox: output may be any bytes, input may be long or left unread", "[sandbox]") {
  CHECK(run("import sys\nsys.stdout.buffer.write(bytes(range(256)))\n").stdout_text.size() == 256);
  const std::string text(3 << 20, 'x');
  CHECK(output("import sys\nprint(len(sys.stdin.read()))\n", quick_limits(), text) == std::to_string(text.size()));
  CHECK(output("print('did not read')\n", quick_limits(), text) == "did not read");
}

TEST_CASE("sandbox: the signal that ended a program is reported", "[sandbox]") {
  CHECK(run("import os\nos.abort()\n").signal == SIGABRT);
  const SandboxResult killed = run("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n");
  CHECK(killed.signal == SIGKILL);
  CHECK_FALSE(killed.exit_status);
  CHECK_FALSE(killed.timed_out);
  CHECK_FALSE(killed.out_of_memory);
}

TEST_CASE("sandbox: there is no network", "[sandbox]") {
  CHECK(output(attempt("socket", "socket.create_connection(('127.0.0.1', 80), 1)")) == "PermissionError");
  CHECK(output(attempt("socket", "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)")) == "PermissionError");
  CHECK(output(attempt("socket", "socket.socket(socket.AF_UNIX)")) == "PermissionError");
  CHECK(output(attempt("socket", "socket.socketpair()")) == "done");  // what an event loop needs
}

TEST_CASE("sandbox: the host's files, environment and processes are not there", "[sandbox]") {
  const fs::path secret = fs::temp_directory_path() / ("assay-secret-" + std::to_string(getpid()));
  std::ofstream(secret) << "secret";
  setenv("ASSAY_TEST_SECRET", "secret", 1);
  CHECK(output("import os\nprint(os.path.exists('" + secret.string() + "'))\n") == "False");
  CHECK(output("import os\nprint([p for p in ('/etc/passwd', '/etc/shadow', '/root', '/home', '/proc', '/sys', '/var', "
               "'/run',"
               " '/dev/shm', '/dev/tty') if os.path.lexists(p)])\n") == "[]");
  CHECK(output("import os\nprint('ASSAY_TEST_SECRET' in os.environ)\n") == "False");
  CHECK(output("import os\nprint(os.getpid() < 10, os.getuid(), os.listdir('/tmp'))\n") == "True 65534 ['main.py']");
  CHECK(output("import os\nopen_fds = []\nfor fd in range(64):\n    try:\n        os.fstat(fd)\n        "
               "open_fds.append(fd)\n"
               "    except OSError:\n        pass\nprint(open_fds)\n") == "[0, 1, 2]");
  unsetenv("ASSAY_TEST_SECRET");
  fs::remove(secret);
}

TEST_CASE("sandbox: nothing can be written but in its own folder, and nothing stays", "[sandbox]") {
  const std::string name = "assay-left-" + std::to_string(getpid());
  CHECK(output("import os\nwritten = []\n"
               "for folder, below, _ in os.walk('/'):\n"
               "    if folder.startswith('/tmp'):\n        continue\n"
               "    if folder.count('/') >= 2:\n        below.clear()\n"
               "    try:\n        open(os.path.join(folder, '" +
               name +
               "'), 'w').close()\n        written.append(folder)\n"
               "    except OSError:\n        pass\n"
               "print(written)\n") == "[]");
  CHECK_FALSE(fs::exists("/usr/" + name));
  CHECK(output("open('/tmp/" + name + "', 'w').close()\nimport os\nprint(len(os.listdir('.')))\n") == "2");
  CHECK_FALSE(fs::exists(fs::temp_directory_path() / name));
  CHECK(output("import os\nprint(os.listdir('.'))\n") == "['main.py']");
}

TEST_CASE("sandbox: links in its folder lead nowhere else", "[sandbox]") {
  const fs::path secret = fs::temp_directory_path() / ("assay-linked-" + std::to_string(getpid()));
  std::ofstream(secret) << "secret";
  CHECK(output("import os\nos.symlink('" + secret.string() +
               "', 'a')\nos.symlink('/usr/bin', 'b')\n"
               "os.symlink('../../../../../../etc/passwd', 'c')\nfound = []\n"
               "for call in (lambda: open('a').read(), lambda: open('b/x', 'w'), lambda: open('c').read(),"
               " lambda: os.link('/usr/bin/env', 'd'), lambda: os.rename('/usr/bin/env', 'e')):\n"
               "    try:\n        call()\n        found.append(1)\n    except OSError:\n        found.append(0)\n"
               "print(found)\n") == "[0, 0, 0, 0, 0]");
  std::string kept;
  std::ifstream(secret) >> kept;
  CHECK(kept == "secret");
  fs::remove(secret);
}

TEST_CASE("sandbox: no second process can be started, so no fork bomb and no daemon", "[sandbox]") {
  CHECK(output(attempt("os", "os.fork()")) == "PermissionError");
  CHECK(output(attempt("subprocess", "subprocess.run(['/usr/bin/true'])")) == "PermissionError");
  CHECK(output(attempt("os", "os.posix_spawn('/usr/bin/true', ['true'], {})")) == "PermissionError");
  CHECK(output(attempt("os", "os.forkpty()")) != "done");
  CHECK(output("import os\nprint(os.system('true') == 0)\n") == "False");
}

TEST_CASE("sandbox: threads work, up to the limit", "[sandbox]") {
  CHECK(
      output(
          "import threading\nseen = []\nthreads = [threading.Thread(target=seen.append, args=(i,)) for i in range(8)]\n"
          "[t.start() for t in threads]\n[t.join() for t in threads]\nprint(sum(seen))\n") == "28");
  // Root is exempt from this limit, and stays root where nobody may not open a sandbox.
  const SandboxResult bomb =
      run("import threading, time, os\nthreading.stack_size(1 << 16)\nn = 1\n"
          "try:\n    while n < 1000:\n        threading.Thread(target=time.sleep, args=(9,), daemon=True).start()\n"
          "        n += 1\nexcept RuntimeError:\n    pass\nprint(n, flush=True)\nos._exit(0)\n");
  const auto n_threads = parse_integer(trim(bomb.stdout_text));
  REQUIRE(n_threads);
  CHECK(*n_threads > 8);
  CHECK(*n_threads <= SandboxLimits{}.n_threads);
}

TEST_CASE("sandbox: memory ends at the limit", "[sandbox]") {
  SandboxLimits limits = quick_limits();
  limits.memory_bytes = std::int64_t{256} << 20;
  for (const char* source : {"x = bytearray(1 << 30)\n", "x = []\nwhile True:\n    x.append(bytearray(1 << 20))\n",
                             "import mmap\nx = mmap.mmap(-1, 1 << 30)\n"}) {
    const SandboxResult result = run(source, limits);
    INFO(source << result.stderr_text);
    CHECK(result.exit_status == 1);
    CHECK(result.max_rss_bytes < limits.memory_bytes);
  }
  CHECK(run("x = bytearray(1 << 30)\n", limits).out_of_memory);
  CHECK(output(attempt("os", "os.memfd_create('x')")) == "OSError");  // would be memory that no limit counts
}

TEST_CASE("sandbox: a program that loops, sleeps or ignores signals ends in time", "[sandbox]") {
  SandboxLimits limits = quick_limits();
  limits.wall_s = 0.5;
  for (const char* source :
       {"while True:\n    pass\n", "import time\ntime.sleep(60)\n", "import signal\nwhile True:\n    signal.pause()\n",
        "import signal\nfor s in range(1, 65):\n    try:\n        signal.signal(s, signal.SIG_IGN)\n    except "
        "(OSError, ValueError):\n"
        "        pass\nwhile True:\n    try:\n        while True:\n            pass\n    except BaseException:\n       "
        " pass\n",
        "import threading, time\nthreading.Thread(target=time.sleep, args=(60,)).start()\n"}) {
    const SandboxResult result = run(source, limits);
    INFO(source);
    CHECK(result.timed_out);
    CHECK(result.signal == SIGKILL);
    CHECK(result.wall_ms >= 500);
    CHECK(result.wall_ms < 5000);  // far from the program's minute, whatever else the machine does
  }
}

TEST_CASE("sandbox: processor time ends at the limit, before the wall clock's", "[sandbox]") {
  SandboxLimits limits;
  limits.wall_s = 30;
  limits.cpu_s = 1;
  const SandboxResult result =
      run("import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True:\n    pass\n", limits);
  CHECK(result.timed_out);
  CHECK(result.signal == SIGKILL);
  CHECK(result.cpu_ms >= 500);  // the limit counts ticks
  CHECK(result.cpu_ms < 3000);
}

TEST_CASE("sandbox: output ends at the limit", "[sandbox]") {
  SandboxLimits limits = quick_limits();
  limits.wall_s = 20;
  limits.cpu_s = 20;
  limits.output_bytes = 100'000;
  for (const char* stream : {"stdout", "stderr"}) {
    const SandboxResult result =
        run(std::string("import sys\nwhile True:\n    sys.") + stream + ".write('x' * 1000)\n", limits);
    CHECK(result.output_limit);
    CHECK_FALSE(result.timed_out);
    CHECK(std::max(result.stdout_text.size(), result.stderr_text.size()) == 100'000);
  }
  CHECK_FALSE(run("print('x' * 99_999)\n", limits).output_limit);
}

TEST_CASE("sandbox: a file and all files together end at their limits", "[sandbox]") {
  SandboxLimits limits = quick_limits();
  limits.file_bytes = 1 << 20;
  limits.folder_bytes = 4 << 20;
  CHECK(
      output("import errno\nf = open('big', 'wb', buffering=0)\ntry:\n    while True:\n        f.write(bytes(65536))\n"
             "except OSError as e:\n    print(errno.errorcode[e.errno], f.tell())\n",
             limits) == "EFBIG 1048576");
  CHECK(output("import errno\nn = 0\ntry:\n    while n < 50:\n        open(str(n), 'wb', buffering=0).write(bytes(1 << "
               "20))\n        n += 1\n"
               "        import os\n        if os.path.getsize(str(n - 1)) < 1 << 20:\n            break\n"
               "except OSError as e:\n    print(errno.errorcode[e.errno])\nprint(n <= 4)\n",
               limits)
            .ends_with("True"));
  limits = quick_limits();
  CHECK(output("files = []\ntry:\n    while True:\n        files.append(open('main.py'))\nexcept OSError:\n    "
               "print(len(files) < 64)\n") == "True");
}

TEST_CASE("sandbox: a program's own files fit, however small its limits are", "[sandbox]") {
  SandboxLimits limits = quick_limits();
  limits.file_bytes = 1000;
  limits.folder_bytes = 4096;
  const Program program{
      {"main.py"}, {{"main.py", "print(len(open('text').read()))\n"}, {"text", std::string(1 << 20, 'x')}}, ""};
  const auto result = test_sandbox().run(program, limits);
  REQUIRE(result);
  CHECK(result->stdout_text == "1048576\n");
}

TEST_CASE("sandbox: the kernel's dangerous doors are shut", "[sandbox]") {
  // System calls that have no Python function, through the C library: each must fail, with EPERM or ENOSYS.
  const std::string calls =
      "import ctypes, errno, platform\n"
      "libc = ctypes.CDLL(None, use_errno=True)\n"
      "x86 = platform.machine() == 'x86_64'\n"
      "calls = {'ptrace': (101, 117), 'mount': (165, 40), 'umount2': (166, 39), 'pivot_root': (155, 41), 'chroot': "
      "(161, 51),\n"
      "  'unshare': (272, 97), 'setns': (308, 268), 'bpf': (321, 280), 'perf_event_open': (298, 241), 'userfaultfd': "
      "(323, 282),\n"
      "  'keyctl': (250, 219), 'add_key': (248, 217), 'kexec_load': (246, 104), 'init_module': (175, 105), 'reboot': "
      "(169, 142),\n"
      "  'process_vm_readv': (310, 270), 'process_vm_writev': (311, 271), 'personality': (135, 92), 'io_uring_setup': "
      "(425, 425),\n"
      "  'pidfd_open': (434, 434), 'clone3': (435, 435), 'memfd_create': (319, 279), 'shmget': (29, 194), 'seccomp': "
      "(317, 277),\n"
      "  'name_to_handle_at': (303, 264), 'open_by_handle_at': (304, 265), 'swapon': (167, 224), 'settimeofday': (164, "
      "170),\n"
      "  'acct': (163, 89), 'quotactl': (179, 60), 'mknodat': (259, 33), 'fsopen': (430, 430), 'move_mount': (429, "
      "429)}\n"
      "open_doors = []\n"
      "for name, numbers in calls.items():\n"
      "    result = libc.syscall(numbers[0 if x86 else 1], 0, 0, 0, 0, 0, 0)\n"
      "    if result != -1 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS):\n"
      "        open_doors.append((name, result, errno.errorcode.get(ctypes.get_errno())))\n"
      "CLONE_NEWUSER, CLONE_NEWNS, CLONE_THREAD = 0x10000000, 0x20000, 0x10000\n"
      "for flags in (CLONE_NEWUSER | 17, CLONE_NEWNS | 17, CLONE_NEWUSER | CLONE_THREAD, 17, 0):\n"
      "    result = libc.syscall(56 if x86 else 220, flags, 0, 0, 0, 0)\n"
      "    if result != -1:\n        open_doors.append(('clone', flags, result))\n"
      "print(open_doors)\n";
  CHECK(output(calls) == "[]");
  CHECK(output(attempt("os", "os.setuid(0)")) != "done");
  CHECK(output(attempt("fcntl", "fcntl.ioctl(0, 0x5412, b'x')")) != "done");  // TIOCSTI: types on the terminal
}

TEST_CASE("sandbox: a program can signal nobody else and keeps no limit", "[sandbox]") {
  CHECK(output("import os, signal\nfor target in (1, -1):\n    try:\n        os.kill(target, signal.SIGKILL)\n    "
               "except OSError:\n        pass\n"
               "print('alive')\n") == "alive");
  CHECK(output(attempt("os, signal", "os.kill(" + std::to_string(getpid()) + ", signal.SIGKILL)")) ==
        "ProcessLookupError");
  CHECK(output(attempt("resource", "resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40))")) == "ValueError");
  CHECK(output(attempt("resource", "resource.prlimit(1, resource.RLIMIT_AS)")) == "OSError");
}

TEST_CASE("sandbox: closed descriptors and a deep stack end the program only", "[sandbox]") {
  CHECK(run("import os\nos.closerange(0, 64)\n").signal == std::nullopt);
  CHECK(run("import os, time\nos.closerange(0, 64)\ntime.sleep(60)\n").timed_out);
  SandboxLimits limits = quick_limits();
  limits.stack_bytes = 1 << 20;
  limits.memory_bytes = std::int64_t{512} << 20;
  const SandboxResult deep =
      run("import sys\nsys.setrecursionlimit(10**9)\ndef f(n):\n    return max(map(f, (n,)))\nf(1)\n", limits);
  CHECK((deep.signal.has_value() || deep.exit_status == 1));
  CHECK(output("import sys\nsys.setrecursionlimit(30000)\ndef f(n):\n    return 0 if n == 0 else 1 + f(n - "
               "1)\nprint(f(20000))\n") == "20000");
}

TEST_CASE("sandbox: what a verdict could depend on by accident is fixed", "[sandbox]") {
  const char* source = "print(list({'a', 'b', 'c', 'd', 'e'}), hash('x'))\n";
  CHECK(output(source) == output(source));
  CHECK(output("try:\n    import numpy\n    print('found')\nexcept ImportError:\n    print('not here')\n") ==
        "not here");
}

TEST_CASE("sandbox: several threads may run programs at once", "[sandbox]") {
  const std::size_t n_fds = n_open_fds();
  std::vector<std::string> outputs(4);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      threads.emplace_back([&outputs, i] {
        for (int round = 0; round < 3; ++round) {
          const std::string text = std::to_string(i) + "-" + std::to_string(round);
          const auto result =
              test_sandbox().run({{"main.py"}, {{"main.py", "print(input())\n"}}, text}, quick_limits());
          outputs[i] += result ? result->stdout_text : result.error().message;
        }
      });
    }
  }
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string n = std::to_string(i);
    CHECK(outputs[i] == n + "-0\n" + n + "-1\n" + n + "-2\n");
  }
  CHECK(n_open_fds() == n_fds);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);  // no process is left, not even as a zombie
  CHECK(errno == ECHILD);
}

TEST_CASE("sandbox: two programs talk over descriptor 3 and see nothing else of each other", "[sandbox]") {
  const Program driver{
      {"driver.py"},
      {{"driver.py", "import os\nos.write(3, b'ping')\nprint(os.read(3, 10), open('answer').read())\n"},
       {"answer", "42"}},
      ""};
  const Program subject{
      {"subject.py"},
      {{"subject.py",
        "import os, time\nfound = os.path.exists('answer')\nos.write(3, os.read(3, 10) + str(found).encode())\n"
        "time.sleep(60)\n"}},
      ""};
  const auto pair = test_sandbox().run_pair(driver, subject, quick_limits());
  REQUIRE(pair);
  INFO(pair->driver.stderr_text << pair->subject.stderr_text);
  CHECK(pair->driver.stdout_text == "b'pingFalse' 42\n");
  CHECK(pair->subject.signal == SIGKILL);  // the driver had ended
  CHECK_FALSE(pair->subject.timed_out);
  CHECK(pair->driver.wall_ms < 2000);
}

TEST_CASE("sandbox: a driver sees its subject's end", "[sandbox]") {
  const Program driver{{"driver.py"}, {{"driver.py", "import os\nprint(os.read(3, 10))\n"}}, ""};
  const Program subject{{"subject.py"}, {{"subject.py", "import os\nos._exit(5)\n"}}, ""};
  const auto pair = test_sandbox().run_pair(driver, subject, quick_limits());
  REQUIRE(pair);
  CHECK(pair->driver.stdout_text == "b''\n");
  CHECK(pair->subject.exit_status == 5);
}

TEST_CASE("sandbox: what it started dies with the process that started it", "[sandbox]") {
  const std::string mark = "assay-mark-" + std::to_string(getpid());
  const auto n_marked = [&mark] {
    int n = 0;
    for (const auto& entry : fs::directory_iterator("/proc")) {
      std::ifstream command(entry.path() / "cmdline");
      const std::string text(std::istreambuf_iterator<char>(command), {});
      if (text.find(mark) != std::string::npos) ++n;
    }
    return n;
  };
  const auto wait_until = [](const auto& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < end) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  };
  const pid_t harness = fork();
  if (harness == 0) {
    SandboxLimits limits;
    limits.wall_s = 60;
    (void)test_sandbox().run({{"main.py", mark}, {{"main.py", "import time\ntime.sleep(60)\n"}}, ""}, limits);
    _exit(0);
  }
  CHECK(wait_until([&] { return n_marked() == 3; }));  // bubblewrap, its first process inside, and Python
  kill(harness, SIGKILL);
  waitpid(harness, nullptr, 0);
  CHECK(wait_until([&] { return n_marked() == 0; }));
}
