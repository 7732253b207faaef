// The cases and verdicts are LiveCodeBench's own checker's, run on CPython 3.11; the decimals agree with Python's
// decimal module.

#include "suites/code/compare_output.h"

#include "tests/support/catch.h"

using namespace assay::suites;

TEST_CASE("compare_output: outputs that are right", "[code]") {
  const auto [printed, expected] = GENERATE(table<std::string, std::string>({
      {"1 2  \n3\n\n\n", "1 2\n3"},
      {"\n\n  1\n", "1\n"},
      {"1  2", "1 2"},
      {"6.0", "6"},
      {"1e0", "1"},
      {"0.5", "0.50"},
      {"nan", "nan"},
      {"", ""},
      {"\n", ""},
      {"a b\r\nc\r\n", "a b\nc\n"},
      {"100000000000000000000000000000.0", "100000000000000000000000000000"},
  }));
  INFO(printed << " for " << expected);
  CHECK_FALSE(compare_output(printed, expected));
}

TEST_CASE("compare_output: outputs that are wrong", "[code]") {
  const auto [printed, expected] = GENERATE(table<std::string, std::string>({
      {"0.3333333333333333", "0.3333333333"},
      {"yes", "YES"},
      {"x 1", "x 1.0"},
      {"1\n\n2", "1\n2"},
      {"1", "1\n2"},
      {"1\n2", "1"},
      {"1 2 3", "1 2"},
      {"", "0"},
      {"0", ""},
      {"nan 1", "nan 1.0"},
      {"12", "1 2"},
      {"a  b", "a b"},
      {"100000000000000000000000000001", "100000000000000000000000000000"},
  }));
  INFO(printed << " for " << expected);
  CHECK(compare_output(printed, expected));
}

TEST_CASE("compare_output: says where the first difference is", "[code]") {
  const auto difference = compare_output("1\n2\n4\n", "1\n2\n3\n4\n");
  REQUIRE(difference);
  CHECK(difference->line == 3);
  CHECK(difference->expected == "\"3\"");
  CHECK(difference->printed == "\"4\"");
  CHECK(compare_output("1", "1\n2")->printed == "\"(end)\"");
}

TEST_CASE("same_decimal: compares exact values", "[code]") {
  for (const auto& [a, b] : {std::pair("1", "1.0"),
                             {"-0", "0"},
                             {"+7", "7"},
                             {".5", "0.5"},
                             {"5.", "5"},
                             {"1E3", "1000"},
                             {"12e-1", "1.2"},
                             {"1e+2", "100"},
                             {"Infinity", "inf"},
                             {"-INF", "-inf"},
                             {"0e99", "0"},
                             {"1e999999999", "10e999999998"}}) {
    INFO(a << " " << b);
    CHECK(same_decimal(a, b));
  }
  for (const auto& [a, b] : {std::pair("1", "-1"),
                             {"1", "1.0000000000000000000000001"},
                             {"inf", "-inf"},
                             {"nan", "nan"},
                             {"", ""},
                             {".", "."},
                             {"1e", "1"},
                             {"e1", "e1"},
                             {"1e++2", "100"},
                             {"0x10", "16"},
                             {"1,0", "10"},
                             {"1e99999999999999999999", "1"},
                             {"- 1", "-1"}}) {
    INFO(a << " " << b);
    CHECK_FALSE(same_decimal(a, b));
  }
}
