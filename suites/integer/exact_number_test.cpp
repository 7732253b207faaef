#include "suites/integer/exact_number.h"

#include "suites/integer/integer_value.h"
#include "tests/support/catch.h"

using namespace assay::suites;

namespace {

std::string value_of(std::string_view tex) {
  const auto number = evaluate(tokenize(strip_typography(tex)));
  return number ? number->text : "none";
}

}  // namespace

// Values by hand or, for the long ones, from bc(1).
TEST_CASE("evaluate: exact values", "[suites][integer]") {
  CHECK(value_of("1+2*3") == "7");
  CHECK(value_of("(1+2)*3") == "9");
  CHECK(value_of("2^3^2") == "512");
  CHECK(value_of("-2^2") == "-4");
  CHECK(value_of("2^{-1}") == "1/2");
  CHECK(value_of("10-3-2") == "5");
  CHECK(value_of("1/3+1/6") == "1/2");
  CHECK(value_of("0.1+0.2") == "3/10");
  CHECK(value_of(".5*4") == "2");
  CHECK(value_of("\\dfrac{\\frac{1}{2}}{4}") == "1/8");
  CHECK(value_of("3\u00D74\u00F76") == "2");
  CHECK(value_of("2^{100}") == "1267650600228229401496703205376");
  CHECK(value_of("\\left(1+1\\right)^{3}") == "8");
  CHECK(value_of("12,345,678") == "12345678");
  CHECK(value_of("12 345") == "12345");
}

TEST_CASE("evaluate: what is no number", "[suites][integer]") {
  const std::string tex = GENERATE("", "x", "1,2", "1, 2", "12,34", "1+", "(1", "1)", "1/0", "0^{-1}", "2^{0.5}",
                                   "2^{x}", "\\sqrt{4}", "50\\%", "5!", "1=1", "2 3", "\\frac{1}", "\\frac{1}{0}",
                                   "1.2.3", "2^{100000}", "\\pm 3", "\\", "{", "}", "\\text{");
  INFO(tex);
  CHECK(value_of(tex) == "none");
}

TEST_CASE("evaluate_prefix: stops where the expression does", "[suites][integer]") {
  const auto tokens = tokenize("12 - 2 - which");
  const auto prefix = evaluate_prefix(tokens);
  REQUIRE(prefix);
  CHECK(prefix->value.text == "10");
  CHECK(prefix->n_used == 3);
}

TEST_CASE("parse_integer_value: canonical form, or nothing", "[suites][integer]") {
  CHECK(parse_integer_value("025") == "25");
  CHECK(parse_integer_value(" -7 ") == "-7");
  CHECK(parse_integer_value("+7") == "7");
  CHECK(parse_integer_value("-000") == "0");
  CHECK(parse_integer_value(std::string(4000, '9')).has_value());
  for (const std::string text : {"", "-", "1.0", "1e3", "0x1", "1 2", "\uFF12", "--1"})
    CHECK_FALSE(parse_integer_value(text));
  CHECK_FALSE(parse_integer_value(std::string(4001, '9')));
}
