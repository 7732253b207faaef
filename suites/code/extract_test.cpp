// Fences as CommonMark 0.31 describes them (section 4.5); which block counts and what a stub adds is INTERFACE's rule
// for `code` records.

#include "suites/code/extract.h"

#include "suites/code/program.h"
#include "tests/support/catch.h"

using namespace assay::suites;

TEST_CASE("extract_code: the last fenced block is the program", "[code]") {
  const auto [reply, expected] = GENERATE(table<std::string, std::string>({
      {"```python\nx = 1\n```", "x = 1\n"},
      {"Text\n```\nx = 1\n```\nmore", "x = 1\n"},
      {"``` Python3 \nx = 1\n```  ", "x = 1\n"},
      {"```py\nx = 1\n```\nor better\n```python\nx = 2\n```\nDone.", "x = 2\n"},
      {"~~~python\nx = '```'\n~~~\n", "x = '```'\n"},
      {"````\n```\nx = 1\n````", "```\nx = 1\n"},
      {"```python\r\nx = 1\r\n```\r\n", "x = 1\n"},
      {"1. So:\n   ```python\n   if y:\n       x = 1\n   ```", "if y:\n    x = 1\n"},
      {"Use `a` and ```b``` then\n```\nx = 1\n```", "x = 1\n"},
      {"```python\n```", ""},
  }));
  const auto code = extract_code(reply);
  INFO(reply);
  REQUIRE(code);
  CHECK(code->text == expected);
  CHECK(code->rule == "fenced_block");
}

TEST_CASE("extract_code: a last block without an end counts, and is marked", "[code]") {
  const auto code = extract_code("```python\nx = 1\n```\nNo:\n```python\ndef f():\n    return");
  REQUIRE(code);
  CHECK(code->text == "def f():\n    return\n");
  CHECK(code->rule == "open_fence");
}

TEST_CASE("extract_code: without a block the whole reply is a program only if it defines something", "[code]") {
  for (const char* reply :
       {"def f(x):\n    return x\n", "import math\n\nclass A:\n    pass\n", "async def f():\n    pass\n"}) {
    const auto code = extract_code(reply);
    REQUIRE(code);
    CHECK(code->text == reply);
    CHECK(code->rule == "whole_reply");
  }
  for (const char* reply :
       {"", "I cannot do that.", "class dismissed", "def is a keyword", "from here on: nothing", "classify(x)"}) {
    INFO(reply);
    CHECK_FALSE(extract_code(reply));
  }
}

TEST_CASE("extract_code: every cut of a reply gives a beginning of its program or nothing", "[code]") {
  const std::string reply = "So:\n```python\ndef f(x):\n    return x + 1\n```\n";
  const std::string program = "def f(x):\n    return x + 1\n";
  for (std::size_t n = 0; n <= reply.size(); ++n) {
    const auto code = extract_code(std::string_view(reply).substr(0, n));
    if (!code) continue;
    INFO(n << ": " << code->text);
    // A cut line gets its end back.
    CHECK(program.starts_with(std::string_view(code->text).substr(0, code->text.empty() ? 0 : code->text.size() - 1)));
  }
  CHECK(extract_code(reply)->text == program);
}

TEST_CASE("extract_code: no byte changed anywhere in a reply does harm", "[code]") {
  const std::string reply = "So:\n  ```python\n  def f(x):\n      return x\n  ```\n";
  for (std::size_t at = 0; at < reply.size(); ++at) {
    for (const char byte : {'\0', '`', '~', '\n', ' ', 'x', '\xff'}) {
      std::string changed = reply;
      changed[at] = byte;
      if (const auto code = extract_code(changed)) CHECK(code->text.size() <= changed.size() + 1);
    }
  }
}

TEST_CASE("defines: finds the definition of a name and no use of it", "[code]") {
  for (const char* code :
       {"def f(x):", "async def f(x):", "class f:", "f = lambda x: x", "  def f(self):", "x = 1\ndef  f():\n"}) {
    INFO(code);
    CHECK(defines(code, "f"));
  }
  for (const char* code :
       {"def ff():", "f(1)", "f == 1", "x.f = 1", "# def f()", "print('def f')", "def g(f):", "", "deff = 1"}) {
    INFO(code);
    CHECK_FALSE(defines(code, "f"));
  }
}

TEST_CASE("join_with_stub: imports and helpers come before the code, always", "[code]") {
  const std::string stub =
      "import math\nfrom typing import (\n    List,\n)\n\ndef helper(x):\n    return x\n\n"
      "@functools.cache\ndef f(x):\n    \"\"\"Doc.\"\"\"\nimport late\n";
  const CandidateSource joined = join_with_stub(stub, "f", "def f(x):\n    return 1\n");
  CHECK(joined.preamble ==
        "import math\nfrom typing import (\n    List,\n)\n\ndef helper(x):\n    return x\n\nimport late\n");
  CHECK(joined.source == "def f(x):\n    return 1\n");
}

TEST_CASE("join_with_stub: a method's stub loses its whole class", "[code]") {
  const CandidateSource joined = join_with_stub("import math\nclass Solution:\n    def f(self, x):\n        pass\n",
                                                "f", "class Solution:\n    def f(self, x):\n        return x\n");
  CHECK(joined.preamble == "import math\n");
}

TEST_CASE("join_with_stub: code that does not define the function follows the whole stub", "[code]") {
  const std::string stub = "def f(x):\n    \"\"\"Doc.\"\"\"";
  CHECK(join_with_stub(stub, "f", "    return x\n").source == stub + "\n    return x\n");
  CHECK(join_with_stub(stub, "f", "return x\n").source == stub + "\nreturn x\n");
  CHECK(join_with_stub(stub, "f", "").source == stub + "\n");
  // Goes on inside of the stub's function, and defines it again.
  CHECK(join_with_stub(stub, "f", "    pass\n\ndef f(x):\n    return x\n").source ==
        stub + "\n    pass\n\ndef f(x):\n    return x\n");
}

TEST_CASE("join_with_stub: code indented as a whole is moved to the left", "[code]") {
  CHECK(join_with_stub("", "f", "    def f(x):\n        return x\n").source == "def f(x):\n    return x\n");
}
