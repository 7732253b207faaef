// Attempts to get out of the sandbox, to use the machine up, or to disturb others: none succeeds, each fails for the
// reason that is written beside it (testdata/escapes.txt), and a neighbour never notices.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "suites/code/code_grader.h"
#include "suites/code/program.h"
#include "suites/sandbox/process_use.h"
#include "suites/sandbox/test_sandbox.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

namespace {

constexpr const char* kPrelude = R"PYTHON(
import errno, os, sys
def tried(call):
    try:
        call()
    except OSError as error:
        print(errno.errorcode[error.errno])
    except MemoryError:
        print("MemoryError")
    except BaseException as error:
        print(type(error).__name__ + ": " + str(error))
    else:
        print("done")
def kernel(number, *args):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    values = [ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.c_long(a) for a in args]
    result = libc.syscall(ctypes.c_long(number), *values)
    print("done" if result >= 0 else errno.errorcode[ctypes.get_errno()])
)PYTHON";

struct Attempt {
  std::string name;
  std::string outcome;  ///< "prints …" or "ends …"
  std::string code;
};

std::vector<Attempt> attempts() {
  const auto text = read_file(std::filesystem::path(ASSAY_SOURCE_DIR) / "suites/code/testdata/escapes.txt");
  REQUIRE(text);
  std::vector<Attempt> list;
  for (const std::string& line : split(*text, '\n')) {
    if (line.starts_with("#### ")) {
      const std::size_t arrow = line.find(" => ");
      REQUIRE(arrow != std::string::npos);
      list.push_back({line.substr(5, arrow - 5), line.substr(arrow + 4), ""});
    } else if (!list.empty()) {
      list.back().code += line + "\n";
    }
  }
  return list;
}

SandboxLimits tight_limits() {
  SandboxLimits limits;
  limits.wall_s = 2;
  limits.cpu_s = 1;
  limits.memory_bytes = std::int64_t{512} << 20;
  limits.file_bytes = std::int64_t{4} << 20;
  limits.folder_bytes = std::int64_t{8} << 20;
  limits.output_bytes = std::int64_t{1} << 20;
  limits.stack_bytes = std::int64_t{8} << 20;
  limits.n_threads = 16;
  return limits;
}

std::string outcome_of(const SandboxResult& result) {
  if (result.timed_out) return "ends timeout";
  if (result.out_of_memory) return "ends memory";
  if (result.output_limit) return "ends output_limit";
  if (result.signal) return "ends signal " + std::to_string(*result.signal);
  return "prints " + std::string(trim(result.stdout_text));
}

bool neighbour_works(const Sandbox& sandbox) {
  const auto result = sandbox.run(script_program("print(sum(map(int, input().split())))", "40 2"), {});
  return result && trim(result->stdout_text) == "42" && result->exit_status == 0;
}

/// The verdict of an item whose expected value is a number that nobody guesses.
Grade grade_against_secret(const std::string& code) {
  static Sandbox sandbox = test_sandbox();
  Item item;
  item.id = ItemId("secret");
  item.record = {{"id", "secret"},
                 {"question", "?"},
                 {"entry_point", "f"},
                 {"time_limit_s", 2},
                 {"cases", Json::array({{{"args", Json::array({1})}, {"expected", 918273645546372819}}})}};
  return grade_code(item, {"```python\n" + code + "\n```", false}, {&sandbox, "canonical"});
}

}  // namespace

TEST_CASE("escapes: every attempt fails for its own reason, and no neighbour notices", "[escape]") {
#if defined(__x86_64__)
  const Sandbox& sandbox = test_sandbox();
  const std::vector<Attempt> list = attempts();
  REQUIRE(list.size() >= 40);
  // Two threads: one tries to get out, the other runs ordinary programs all the while.
  std::atomic<int> n_right = 0;
  std::atomic<int> n_wrong = 0;
  std::jthread neighbour([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) ++(neighbour_works(sandbox) ? n_right : n_wrong);
  });
  for (const Attempt& attempt : list) {
    INFO(attempt.name);
    const auto result = sandbox.run(script_program(kPrelude + attempt.code, ""), tight_limits());
    REQUIRE(result);
    UNSCOPED_INFO(result->stderr_text.substr(0, 500));
    CHECK(result->is_protected);
    CHECK(outcome_of(*result) == attempt.outcome);
  }
  neighbour.request_stop();
  neighbour.join();
  CHECK(n_wrong == 0);
  CHECK(n_right > std::ssize(list));
#endif
}

TEST_CASE("escapes: a program leaves no file and no memory to the next", "[escape]") {
  const Sandbox& sandbox = test_sandbox();
  REQUIRE(sandbox.why_cold().empty());
  const std::string mark = "mark-7d1f0c";
  const auto first = sandbox.run(script_program("open('/tmp/" + mark +
                                                    "', 'w').write('x')\nimport builtins, random\nbuiltins.len = None\n"
                                                    "random.seed(1)\nkept = ['" +
                                                    mark + "' * 3]\nprint('left')",
                                                ""),
                                 {});
  REQUIRE(first);
  CHECK(trim(first->stdout_text) == "left");
  CHECK_FALSE(std::filesystem::exists("/tmp/" + mark));
  const auto second = sandbox.run(
      script_program("import gc, os\nprint(os.listdir('/tmp'), len([1]), "
                     "[o for o in gc.get_objects() if isinstance(o, list) and o and o[0] == 'mark-' '7d1f0c' * 3])",
                     ""),
      {});
  REQUIRE(second);
  CHECK(trim(second->stdout_text) == "['program.py'] 1 []");
}

TEST_CASE("escapes: a program cannot find what the tests expect, nor forge the verdict", "[escape]") {
  const std::string code = GENERATE(
      // all objects, all frames, all modules of the process
      "import gc, sys\ndef f(x):\n    def numbers(o, depth):\n        if isinstance(o, int) and o > 10**17:\n          "
      "  yield o\n"
      "        elif depth and isinstance(o, (list, tuple, set)):\n            for p in list(o):\n                yield "
      "from numbers(p, depth - 1)\n"
      "        elif depth and isinstance(o, dict):\n            for p in list(o.values()):\n                yield from "
      "numbers(p, depth - 1)\n"
      "    frame = sys._getframe()\n    while frame:\n        for n in numbers(dict(frame.f_locals), 4):\n            "
      "return n\n        frame = frame.f_back\n"
      "    for o in gc.get_objects():\n        for n in numbers(o, 3):\n            if 9 * 10**17 < n < 10**18:\n      "
      "          return n\n    return 0",
      // every file that it can see
      "import os, re\ndef f(x):\n    for folder in ('/tmp', '/', '/dev', '/etc', '.'):\n        for name in "
      "os.listdir(folder):\n            try:\n"
      "                m = re.search(r'918\\d{15}', open(os.path.join(folder, name), errors='replace').read(1 << 20))\n"
      "            except OSError:\n                continue\n            if m:\n                return "
      "int(m.group())\n    return 0",
      // a trace function that looks at every frame from now on
      "import sys\nseen = []\ndef look(frame, event, arg):\n    seen.append(dict(frame.f_locals))\n    return "
      "look\nsys.settrace(look)\n"
      "def f(x):\n    for s in seen:\n        for v in s.values():\n            if isinstance(v, int) and v > "
      "10**17:\n                return v\n    return 0",
      // the descriptor to the checker: forged answers of every kind
      "import os, json\ndef send(m):\n    t = json.dumps(m).encode()\n    os.write(3, len(t).to_bytes(4, 'little') + "
      "t)\n"
      "send({'loaded': None})\nfor _ in range(100):\n    send({'value': ['digest', 'int', 1, '0'], 'table': []})\ndef "
      "f(x):\n    return 0",
      "import os\nos.write(3, b'\\xff\\xff\\xff\\x7f' + bytes(100000))\ndef f(x):\n    return 0",
      "import os\ndef f(x):\n    os.write(3, bytes(range(256)) * 1000)\n    os._exit(0)",
      // it asks the checker to run code for it
      "import os, json\ndef f(x):\n    t = json.dumps({'ask': 'call', 'value': ['tuple', [['tuple', [['type', 'exec'], "
      "'raise SystemExit']], 0]], 'table': []}).encode()\n"
      "    os.write(3, len(t).to_bytes(4, 'little') + t)\n    return 0",
      // objects that claim to be right
      "class Yes(int):\n    __eq__ = __ne__ = __lt__ = __ge__ = lambda self, other: True\n    __hash__ = "
      "int.__hash__\ndef f(x):\n    return Yes(0)",
      "class Meta(type):\n    __eq__ = lambda self, other: True\n    __instancecheck__ = lambda self, o: True\n    "
      "__hash__ = type.__hash__\n"
      "class Yes(metaclass=Meta):\n    pass\ndef f(x):\n    return Yes",
      // the ground under the tests: names of Python, exits, handlers, a thread that waits
      "import builtins\nfor name in ('isinstance', 'type', 'len', 'all', 'list', 'bool'):\n    setattr(builtins, name, "
      "lambda *a, **k: True)\ndef f(x):\n    return 0",
      "import sys\nfor module in list(sys.modules.values()):\n    for name in ('run_tests', 'Comparison', "
      "'WrongOutput', 'check_candidate'):\n        if hasattr(module, name):\n            setattr(module, name, lambda "
      "*a, **k: None)\ndef f(x):\n    return 0",
      "import os\ndef f(x):\n    os._exit(0)",
      "import atexit, os\natexit.register(os._exit, 0)\ndef f(x):\n    raise SystemExit(0)",
      "import threading, time, os\ndef later():\n    time.sleep(0.2)\n    os.write(1, b'{\"outcome\": \"passed\", "
      "\"message\": \"\", \"test\": 1}')\n    os._exit(0)\n"
      "threading.Thread(target=later).start()\ndef f(x):\n    time.sleep(1)\n    return 0",
      "import os, signal\ndef f(x):\n    os.kill(os.getppid(), signal.SIGINT)\n    os.kill(-1, signal.SIGKILL)\n    "
      "return 0",
      // its files changed behind the harness's back
      "import os, json\nfor name in os.listdir('.'):\n    open(name, 'w').write(json.dumps({'cases': [], 'kind': "
      "'cases'}))\ndef f(x):\n    return 0");
  INFO(code);
  const Grade grade = grade_against_secret(code);
  UNSCOPED_INFO(grade.rule << " " << to_json_text(grade.detail));
  CHECK(grade.verdict == Verdict::incorrect);
  CHECK(grade_against_secret("def f(x):\n    return 918273645546372819").verdict == Verdict::correct);
}

TEST_CASE("escapes: a program dies with the harness, however that ends", "[escape]") {
  const Sandbox& sandbox = test_sandbox();
  REQUIRE(sandbox.why_cold().empty());
  const pid_t harness = fork();
  if (harness == 0) {
    SandboxLimits limits;
    limits.wall_s = 60;
    // A sandbox of its own: the copy of this process's waits at sockets of this process.
    const auto own = Sandbox::open();
    if (own) (void)own->run(script_program("import time\ntime.sleep(60)", ""), limits);
    _exit(0);
  }
  const auto wait_until = [](const auto& condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < end) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  };
  // Two of bubblewrap, the waiting interpreter, the program's keeper and the program.
  std::vector<pid_t> started;
  REQUIRE(wait_until([&] {
    started = children_of(harness);
    for (std::size_t i = 0; i < started.size(); ++i) {
      for (const pid_t child : children_of(started[i])) started.push_back(child);
    }
    return started.size() == 5;
  }));
  kill(harness, SIGKILL);
  CHECK(wait_until([&] {
    while (waitpid(-1, nullptr, WNOHANG) > 0) {  // this process inherits what is orphaned
    }
    return std::none_of(started.begin(), started.end(), [](pid_t process) { return kill(process, 0) == 0; });
  }));
}
