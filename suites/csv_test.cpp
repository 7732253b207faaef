#include "suites/csv.h"

#include "tests/support/catch.h"

using namespace assay;
using namespace assay::suites;

TEST_CASE("parse_csv: quotes, line breaks and empty fields as RFC 4180 has them", "[suites][csv]") {
  const auto table = parse_csv(
      "\xEF\xBB\xBF"
      "a,b,c\r\n1,\"two\nlines, \"\"quoted\"\"\",\r\n\"\",x,\"y\"\n",
      "t.csv");
  REQUIRE(table);
  CHECK(table->names == std::vector<std::string>{"a", "b", "c"});
  REQUIRE(table->rows.size() == 2);
  CHECK(table->rows[0] == std::vector<std::string>{"1", "two\nlines, \"quoted\"", ""});
  CHECK(table->rows[1] == std::vector<std::string>{"", "x", "y"});
  CHECK(table->lines == std::vector<int>{2, 4});
  CHECK(*table->column("c", "t.csv") == 2);
  CHECK(table->column("d", "t.csv").error().message == "t.csv: has no column \"d\"");
}

TEST_CASE("parse_csv: a broken table is refused with its line, and no field is quoted", "[suites][csv]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"", "t.csv: is empty; its first line must name the columns"},
      {"a,b\n", "t.csv: has no row below the names of its columns"},
      {"a,a\n1,2\n", "t.csv: line 1: two columns have the same name"},
      {"a,b\n1,2\n1\n", "t.csv: line 3: has 1 fields; line 1 names 2"},
      {"a,b\n\"1\n2\",\"secret\n", "t.csv: line 3: a quoted field never closes"},
      {"a,b\n\"1\"x,2\n", "t.csv: line 2: a field is followed by something else than a comma or the end of the line"},
      {"a,b\nx\"1\",2\n", "t.csv: line 2: a quote stands inside a field that has none around it"},
      {"a,b\n1,\xFF\n", "t.csv: is not UTF-8"},
  }));
  const auto table = parse_csv(text, "t.csv");
  REQUIRE_FALSE(table);
  CHECK(table.error().kind == ErrorKind::bad_input);
  CHECK(table.error().message == message);
}

TEST_CASE("parse_csv: every truncation and mutation is read without harm", "[suites][csv]") {
  const std::string text = "a,b\n\"1,\"\"\",2\r\n3,\"4\n5\"\n";
  for (std::size_t n = 0; n <= text.size(); ++n) {
    const auto table = parse_csv(text.substr(0, n), "t.csv");
    if (table) CHECK(table->rows[0].size() == table->names.size());
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char c : {'"', ',', '\n', '\r', '\0', 'x'}) {
      std::string mutated = text;
      mutated[i] = c;
      const auto table = parse_csv(mutated, "t.csv");
      if (table) CHECK(table->rows.size() == table->lines.size());
    }
  }
}
