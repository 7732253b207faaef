#include "suites/math/equivalence.h"

#include "suites/math/answer_equal.h"
#include "tests/support/catch.h"
#include "tests/support/fuzz_entry.h"

using namespace assay;
using namespace assay::suites;

void fuzz_math_answer(std::span<const std::byte> file);

namespace {

Equivalence compare(const std::string& key, const std::string& reply) {
  Expressions pool;
  const MathAnswer a = parse_answer(pool, key), b = parse_answer(pool, reply);
  return compare_answers(pool, a, b);
}

struct Pair {
  std::string key, reply;
};

}  // namespace

TEST_CASE("compare_answers: chains of inequalities are compared by their ends", "[suites][math]") {
  CHECK(compare("1<x<2", "1<x<3") == Equivalence::different);
  CHECK(compare("1<x<2", "1<y<2") == Equivalence::different);
  CHECK(compare("1<x<2", "1<x\\le 2") == Equivalence::different);
  CHECK(compare("1<x<2", "2>x>1") == Equivalence::equal);
  CHECK(compare("1+1=2", "5=7") == Equivalence::different);
  CHECK(compare("1+1=2", "2=1+1") == Equivalence::equal);
  CHECK(compare("1<2", "3<4") == Equivalence::different);
  CHECK(compare("x \\ne 1, x \\ne 2", "(-\\infty,1)\\cup(1,2)\\cup(2,\\infty)") == Equivalence::equal);
  CHECK(compare("x \\ne 1, x \\ne 2", "(-\\infty,1)\\cup(1,3)\\cup(3,\\infty)") == Equivalence::different);
}

// Identities from algebra and trigonometry, checked with SymPy 1.13.
TEST_CASE("decide_equal: what is equal", "[suites][math]") {
  const auto [key, reply] = GENERATE(values<Pair>({
      {"\\frac{-1+\\sqrt{5}}{4}", "\\sqrt{\\frac{3-\\sqrt{5}}{8}}"},
      {"\\sqrt{2}+\\sqrt{3}", "\\sqrt{5+2\\sqrt{6}}"},
      {"108 \\sqrt{15} \\cdot 2^{\\frac56} (\\sqrt[3]{2} + \\sqrt{5})",
       "216 \\sqrt{15} \\sqrt[6]{2} + 540\\cdot 2^{\\frac56} \\sqrt{3}"},
      {"1", "\\sqrt[3]{2+\\sqrt5}+\\sqrt[3]{2-\\sqrt5}"},
      {"-\\frac18", "\\cos(\\pi/7)\\cos(2\\pi/7)\\cos(4\\pi/7)"},
      {"\\sin\\frac{5\\pi}{14}", "\\cos\\frac{\\pi}{7}"},
      {"\\frac{1+\\sqrt5}{4}", "\\cos 36^\\circ"},
      {"\\frac{\\pi}{4}", "\\arctan 1"},
      {"3", "\\log_2 8"},
      {"2\\ln 2", "\\ln 4"},
      {"\\frac12\\ln 3", "\\ln\\sqrt3"},
      {"-1", "e^{i\\pi}"},
      {"\\pi+e", "\\frac{\\pi^2-e^2}{\\pi-e}"},
      {"8\\sqrt[10]{2^7}", "2^{37/10}"},
      {"x^2+2x+1", "(x+1)^2"},
      {"\\frac{1}{x}+\\frac{1}{y}", "\\frac{x+y}{xy}"},
      {"1", "\\sin^2 1+\\cos^2 1"},
      {"\\cos 3", "4\\cos^3 1 - 3\\cos 1"},
      {"1", "\\sin^2x+\\cos^2x"},
      {"\\frac{e^x+e^{-x}}{2}", "\\cosh x"},
      {"2\\ln x", "\\ln(x^2)"},
      {"\\frac{\\sqrt a}{\\sqrt b}", "\\sqrt{\\frac ab}"},
      {"|x|", "\\sqrt{x^2}"},
      {"n!", "n!"},
      {"2024^{4046}", "2024^{4046}"},
  }));
  INFO(key << " and " << reply);
  CHECK(compare(key, reply) == Equivalence::equal);
  CHECK(compare(reply, reply) == Equivalence::equal);
}

TEST_CASE("decide_equal: what differs, however little", "[suites][math]") {
  const auto [key, reply] = GENERATE(values<Pair>({
      {"\\sqrt{2}", "1.41421356237309504880168872420969807856967187537694"},
      {"\\pi", "\\frac{355}{113}"},
      {"\\sqrt{2}+\\sqrt{3}", "\\sqrt{5+2\\sqrt{6}+10^{-40}}"},
      {"\\frac13", "0.333333"},
      {"x", "y"},
      {"x", "X"},
      {"x", "\\sqrt{x^2}"},
      {"\\ln(x^2)", "2\\ln x"},
      {"x^2", "x^2+10^{-30}"},
      {"\\sqrt{2}", "-\\sqrt{2}"},
      {"e^{\\pi}", "\\pi^{e}"},
      {"3^{2025}", "2^{2025}"},
  }));
  INFO(key << " and " << reply);
  CHECK(compare(key, reply) == Equivalence::different);
}

TEST_CASE("decide_equal: what can't be decided is said to be so", "[suites][math]") {
  CHECK(compare("9^{9^{9^{9}}}", "5") == Equivalence::undecided);
  CHECK(compare("3.83e35", "3.83\\times 10^{35}") == Equivalence::undecided);
  CHECK(compare("1e-5", "10^{-5}") == Equivalence::undecided);
  CHECK(compare("2e-1", "-1+2e") == Equivalence::equal);
  CHECK(compare("10^{-5}", "1e-5") == Equivalence::equal);
  CHECK(compare("e^{\\sin 1}", "(e^{2})^{\\frac{1}{2}\\sin(1+2\\pi)}") == Equivalence::undecided);
  CHECK(compare("\\int_0^1 x dx", "\\frac12") == Equivalence::undecided);
}

TEST_CASE("decide_equal: hostile expressions end within bounded work", "[suites][math]") {
  const auto repeated = [](const std::string& part, int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += part;
    return text;
  };
  for (const std::string& text : {repeated("\\sqrt{", 3000) + "2",
                                  repeated("\\sqrt{", 90) + "2" + repeated("}", 90),
                                  repeated("(", 5000),
                                  std::string("9999999!"),
                                  std::string("((3000!)!)!"),
                                  std::string("(x+1)^{99999999}"),
                                  std::string("e^{e^{e^{e^{10}}}}"),
                                  std::string("\\cos(\\pi/99991)+\\cos(\\pi/99989)"),
                                  repeated("\\sin(x)+", 400) + "1",
                                  repeated("x^", 1500) + "x",
                                  repeated("|", 1000),
                                  repeated("\\pm", 1000) + "1",
                                  repeated("\\{", 500) + repeated("\\}", 500),
                                  repeated("=1", 2000),
                                  repeated("\\text{", 1000),
                                  repeated("\\begin{pmatrix}", 200),
                                  repeated("7", 100'000),
                                  repeated("1,", 1000),
                                  repeated("]1,", 700),
                                  repeated("0.(", 1000),
                                  "0." + repeated("3", 3000) + "4...",
                                  "5\\text{" + repeated(" million", 400) + "}",
                                  "\\{" + repeated("\\cos(\\pi/99991),", 90) + "1\\}",
                                  repeated("x<1 \\text{ or } ", 90) + "x>2",
                                  "\\mathbb{R}\\setminus\\{" + repeated("1,", 95) + "2\\}",
                                  repeated("1:", 1000) + "2",
                                  "\\begin{vmatrix}" + repeated("1&2&3&4\\\\", 4) + "\\end{vmatrix}",
                                  repeated("1 \\over ", 400) + "2",
                                  repeated("½", 1000),
                                  repeated("⁻", 1000),
                                  "1e" + repeated("9", 1000),
                                  repeated("x \\in ", 500)}) {
    INFO(text.substr(0, 40));
    CHECK(compare("1", text) != Equivalence::equal);
    compare(text, "1");
  }
}

TEST_CASE("grade_math: edited keys and replies are graded without harm", "[suites][math]") {
  const std::string text = "\\left(-\\infty, \\frac{3}{5}\\right] \\cup \\{1\\pm\\sqrt[3]{2}\\}";
  const std::string reply =
      "The answer is \\boxed{x \\le \\tfrac35}, or $e^{i\\pi}+2^{10}!$, {\"answer\": \"10\\\\%\"}";
  static constexpr std::string_view kAlphabet = "{}[]()\\^_$|,=<>+-*/.!%&~ 0123456789abefinpqrstx\n\"'";
  tests::fuzz_edits(fuzz_math_answer, text + std::string(1, '\0') + reply, 3000, kAlphabet);
  tests::fuzz_edits(fuzz_math_answer, text, 3000, kAlphabet);
  tests::fuzz_cuts(fuzz_math_answer, text + std::string(1, '\0') + reply);
}

TEST_CASE("parse_answer: every truncation and mutation is read without harm", "[suites][math]") {
  const std::string text =
      "x \\in \\left(-\\infty, \\frac{3}{5}\\right] \\cup \\{1\\pm\\sqrt[3]{2}\\}, \\begin{pmatrix} 1 & "
      "e^{i\\pi} \\\\ |x|! & \\log_{2} 8 \\end{pmatrix}, 5\\text{ cm}^2, 52_8, 10\\%";
  Expressions pool;
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const MathAnswer answer = parse_answer(pool, text.substr(0, n));
    CHECK(compare_answers(pool, answer, answer) == Equivalence::equal);
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'{', '}', '\\', '^', '\xE2', '\0', '-', '9', ','}) {
      std::string mutated = text;
      mutated[i] = c;
      Expressions own;
      const MathAnswer answer = parse_answer(own, mutated);
      CHECK(compare_answers(own, answer, answer) == Equivalence::equal);
    }
  }
}
